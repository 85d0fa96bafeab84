import type { Command } from 'commander';
import { COMMAND_LINE } from '../domain/caller.ts';
import { DEFAULT_WITNESSES, MAX_ROOT_BYTES, type AuthorityKind } from '../domain/sigstore.ts';
import { toSigstoreRootBody } from '../routes/shapes/trust.ts';
import type { BelievedRoot } from '../services/sources/source-services.ts';
import { action, makeCommand, type Cli, type SharedOptions } from './command.ts';
import { readNamedFile } from './files.ts';
import { oneLine } from './format.ts';
import { withServices } from './services.ts';

interface AddRootOptions extends SharedOptions {
  logEntries: string;
  timestamps: string;
  certificateLogs: string;
}

const KINDS: Record<AuthorityKind, string> = {
  certificateAuthorities: 'certificate authorities',
  transparencyLogs: 'transparency logs',
  certificateLogs: 'certificate logs',
  timestampAuthorities: 'timestamp authorities',
};

export function addRootCommand(cli: Cli): Command {
  const { logEntries, timestamps, certificateLogs } = DEFAULT_WITNESSES;
  return makeCommand('add-root', {
    summary: 'Believe a sigstore instance, or its newer root',
    description:
      'The file is all that the host knows of the instance: it asks nobody for a newer one. Get one when the instance changes its authorities, and say it again with the same name.',
    examples: [
      ['trust add-root sigstore trusted_root.json', 'the public instance, as cosign keeps it in ~/.sigstore'],
      ['trust add-root ours root.json --log-entries 0 --certificate-logs 0', 'one that keeps no logs and gives timestamps'],
    ],
  })
    .argument('<name>', 'what you call the instance')
    .argument('<file>', 'its trusted_root.json')
    .option('--log-entries <number>', 'transparency logs that must have a signature', String(logEntries))
    .option('--timestamps <number>', 'who must say when it was signed', String(timestamps))
    .option('--certificate-logs <number>', 'certificate logs that must have the certificate', String(certificateLogs))
    .action(
      action(cli, async (name: string, file: string, options: AddRootOptions) => {
        const text = Buffer.from(await readNamedFile(file, { maxBytes: MAX_ROOT_BYTES })).toString('utf8');
        const witnesses = {
          logEntries: Number(options.logEntries),
          timestamps: Number(options.timestamps),
          certificateLogs: Number(options.certificateLogs),
        };
        return withServices(cli.io, options, async ({ sigstore }) => {
          const root = await sigstore.putRoot({ name, text, witnesses }, COMMAND_LINE);
          const counts = Object.entries(KINDS).map(([kind, words]) => `  ${root.authorities[kind as AuthorityKind].count} ${words}`);
          return {
            json: toSigstoreRootBody(root),
            text: [`Believes the sigstore instance ${name} (${root.digest}).`, ...counts, ...rootWarnings(root)].join('\n'),
          };
        });
      }),
    );
}

export function removeRootCommand(cli: Cli): Command {
  return makeCommand('remove-root', {
    summary: 'Believe a sigstore instance no more',
    description: 'Identities of it stay listed and prove nothing, until a root of this name is added again.',
    examples: [['trust remove-root ours', 'by the name that `trust list` shows']],
  })
    .argument('<name>', 'of the root')
    .action(
      action(cli, async (name: string, options: SharedOptions) =>
        withServices(cli.io, options, async ({ sigstore }) => {
          await sigstore.removeRoot(name, COMMAND_LINE);
          return { json: { name, removed: true }, text: `The sigstore instance ${oneLine(name)} is believed no more.` };
        }),
      ),
    );
}

/** A line for each kind of authority that has come to its end. */
export function rootWarnings({ name, ended, authorities }: BelievedRoot): string[] {
  return ended.map((kind) => {
    const since = new Date(authorities[kind].endsAtMs ?? 0).toISOString();
    return `WARNING: all ${KINDS[kind]} of ${name} ended by ${since}. What was signed since is refused: add the newest root.`;
  });
}
