import type { Command } from 'commander';
import { COMMAND_LINE } from '../domain/caller.ts';
import { toTrustedKeyBody } from '../routes/shapes/trust.ts';
import { action, makeCommand, type Cli, type SharedOptions } from './command.ts';
import { readNamedFile } from './files.ts';
import { formatTable, oneLine } from './format.ts';
import { withServices } from './services.ts';

interface AddOptions extends SharedOptions {
  key: string;
  name: string[];
  allowLookAlike?: true;
}

const MAX_KEY_BYTES = 1024;

export function trustCommand(cli: Cli): Command {
  const command = makeCommand('trust', {
    onTheMachine: true,
    summary: 'Say whose datasources may come in from elsewhere',
    description:
      'Nothing comes from a registry, a URL or a market unless a key that is listed here has signed it, and is listed for its name.',
    examples: [
      ['trust add acme --key acme.pub --name github', 'takes github from acme'],
      ['trust add acme --key acme.pub --name "acme_*"', 'takes all whose names begin with acme_'],
      ['trust list', 'who is trusted, and for what'],
    ],
  });
  command.enablePositionalOptions();
  for (const make of [addCommand, listCommand, removeCommand]) command.addCommand(make(cli));
  return command;
}

function addCommand(cli: Cli): Command {
  return makeCommand('add', {
    onTheMachine: true,
    summary: 'Trust a key of a publisher',
    description: 'For the names that are given and for no others; said again, it holds for those that are given then.',
    examples: [['trust add acme --key acme.pub --name github --name gitlab', 'for two datasources']],
  })
    .argument('<publisher>', 'what you call the publisher')
    .requiredOption('--key <file>', 'the file .pub that the publisher gave you')
    .requiredOption(
      '--name <name>',
      'a datasource, a beginning as in "acme_*", or "*"; may be repeated',
      (name: string, names: string[] = []) => [...names, name],
    )
    .option('--allow-look-alike', "also when a name could be taken for somebody else's")
    .action(
      action(cli, async (publisher: string, options: AddOptions) => {
        const publicKey = Buffer.from(await readNamedFile(options.key, { maxBytes: MAX_KEY_BYTES })).toString('utf8');
        return withServices(cli.io, options, async ({ trust }) => {
          const input = { publisher, publicKey, names: options.name, allowLookAlike: options.allowLookAlike === true };
          const added = await trust.add(input, COMMAND_LINE);
          return { json: toTrustedKeyBody(added), text: `Trusts ${publisher} (key ${added.publicKey.id}) for ${added.names.join(', ')}.` };
        });
      }),
    );
}

function listCommand(cli: Cli): Command {
  return makeCommand('list', {
    onTheMachine: true,
    summary: 'List trusted keys',
    description: 'With the names that each is trusted for.',
    examples: [['trust list', 'by publisher']],
  }).action(
    action(cli, async (options: SharedOptions) =>
      withServices(cli.io, options, async ({ trust }) => {
        const keys = await trust.list();
        const rows = keys.map(({ publisher, publicKey, names }) => [publisher, publicKey.id, names.join(', ')]);
        const text =
          keys.length === 0 ? 'Nobody is trusted: nothing comes in from elsewhere.' : formatTable([['PUBLISHER', 'KEY', 'FOR'], ...rows]);
        return { json: { items: keys.map(toTrustedKeyBody) }, text };
      }),
    ),
  );
}

function removeCommand(cli: Cli): Command {
  return makeCommand('remove', {
    onTheMachine: true,
    summary: 'Trust a key no more',
    description: 'What it signed and is here stays; nothing new comes in by it.',
    examples: [['trust remove 0f3c8a…', 'by the id that `trust list` shows']],
  })
    .argument('<key>', 'id of the key')
    .action(
      action(cli, async (id: string, options: SharedOptions) =>
        withServices(cli.io, options, async ({ trust }) => {
          await trust.remove(id, COMMAND_LINE);
          return { json: { keyId: id, removed: true }, text: `Key ${oneLine(id)} is trusted no more.` };
        }),
      ),
    );
}
