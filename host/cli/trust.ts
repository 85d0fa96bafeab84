import type { Command } from 'commander';
import { COMMAND_LINE } from '../domain/caller.ts';
import { toSigstoreRootBody, toTrustedIdentityBody, toTrustedKeyBody } from '../routes/shapes/trust.ts';
import type { BelievedIdentity, BelievedKey, BelievedRoot } from '../services/sources/source-services.ts';
import { action, makeCommand, type Cli, type SharedOptions } from './command.ts';
import { formatTable, oneLine } from './format.ts';
import { withServices } from './services.ts';
import { addCommand } from './trust-add.ts';
import { addRootCommand, removeRootCommand, rootWarnings } from './trust-root.ts';

export function trustCommand(cli: Cli): Command {
  const command = makeCommand('trust', {
    summary: 'Say whose datasources may come in from elsewhere',
    description:
      'Nothing comes from a registry, a URL or a market unless a key or an identity that is listed here has signed it, and is listed for its name.',
    examples: [
      ['trust add acme --key acme.pub --name github', 'takes github from acme'],
      ['trust add acme --key acme.pub --name "acme_*"', 'takes all whose names begin with acme_'],
      [
        "trust add acme --issuer https://token.actions.githubusercontent.com --subject-pattern 'https://github.com/acme/wiki/.github/workflows/release.yml@refs/tags/*' --name wiki",
        'takes wiki from a workflow, by sigstore',
      ],
      ['trust add-root sigstore trusted_root.json', 'believes a sigstore instance'],
      ['trust list', 'who is trusted, and for what'],
    ],
  });
  command.enablePositionalOptions();
  for (const make of [addCommand, addRootCommand, listCommand, removeCommand, removeRootCommand]) command.addCommand(make(cli));
  return command;
}

function listCommand(cli: Cli): Command {
  return makeCommand('list', {
    summary: 'List who is trusted',
    description: 'Keys and identities with the names that each is trusted for, and sigstore roots with what of them has ended.',
    examples: [['trust list', 'by publisher']],
  }).action(
    action(cli, async (options: SharedOptions) =>
      withServices(cli.io, options, async ({ trust, sigstore }) => {
        const [keys, identities, roots] = await Promise.all([trust.list(), sigstore.identities(), sigstore.roots()]);
        const json = {
          items: keys.map(toTrustedKeyBody),
          identities: identities.map(toTrustedIdentityBody),
          roots: roots.map(toSigstoreRootBody),
        };
        return { json, text: listText(keys, identities, roots) };
      }),
    ),
  );
}

function listText(keys: readonly BelievedKey[], identities: readonly BelievedIdentity[], roots: readonly BelievedRoot[]): string {
  const rows = [
    ...keys.map(({ publisher, publicKey, names }) => [publisher, publicKey.id, 'key', names.join(', ')]),
    ...identities.map(({ publisher, id, identity: { root, issuer, subject }, names }) => [
      publisher,
      id,
      `${subject} (${issuer}, ${root})`,
      names.join(', '),
    ]),
  ];
  const who =
    rows.length === 0 ? 'Nobody is trusted: nothing comes in from elsewhere.' : formatTable([['PUBLISHER', 'ID', 'WHO', 'FOR'], ...rows]);
  const instances = roots.map(({ name, digest, witnesses: { logEntries, timestamps, certificateLogs } }) => [
    name,
    digest,
    `${logEntries} / ${timestamps} / ${certificateLogs}`,
  ]);
  const table = formatTable([['SIGSTORE ROOT', 'DIGEST', 'LOG ENTRIES / TIMESTAMPS / CERTIFICATE LOGS'], ...instances]);
  return [who, ...(roots.length === 0 ? [] : ['', table, ...roots.flatMap(rootWarnings)])].join('\n');
}

function removeCommand(cli: Cli): Command {
  return makeCommand('remove', {
    summary: 'Trust a key or an identity no more',
    description: 'What it signed and is here stays; nothing new comes in by it.',
    examples: [['trust remove 0f3c8a…', 'by the id that `trust list` shows']],
  })
    .argument('<id>', 'of the key or the identity')
    .action(
      action(cli, async (id: string, options: SharedOptions) =>
        withServices(cli.io, options, async ({ trust, sigstore }) => {
          const isIdentity = (await sigstore.identities()).some((identity) => identity.id === id);
          await (isIdentity ? sigstore.removeIdentity(id, COMMAND_LINE) : trust.remove(id, COMMAND_LINE));
          return { json: { id, removed: true }, text: `${oneLine(id)} is trusted no more.` };
        }),
      ),
    );
}
