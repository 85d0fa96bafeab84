import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { COMMAND_LINE } from '../domain/caller.ts';
import type { Services } from '../services/services.ts';
import { action, makeCommand, type Cli, type SharedOptions } from './command.ts';
import { Interrupted, UsageError } from './exit.ts';
import { count } from './format.ts';
import type { CliIo } from './io.ts';
import { withServices } from './services.ts';

interface RemoveOptions extends SharedOptions {
  withConnections?: true;
  yes?: true;
}

export function removeCommand(cli: Cli): Command {
  return makeCommand('remove', {
    summary: 'Take a datasource out, with all of its versions',
    description:
      'Asks first what is about to go: its versions, their files and the values of its variables. Its connections stand in the way unless they are to go too: then their documents, credentials and records of access go with them.',
    examples: [
      ['remove github', 'asks, and removes a datasource that no connection uses'],
      ['remove github --with-connections --yes', 'and all that was read through it, without asking'],
    ],
  })
    .argument('<datasource>', 'name of an installed datasource')
    .option('--with-connections', 'remove its connections of all organisations too')
    .option('--yes', 'do not ask')
    .action(
      action(cli, async (name: string, options: RemoveOptions) =>
        withServices(cli.io, options, async (services) => {
          await services.registry.get(name);
          if (options.yes !== true) await confirm(cli.io, await question(services, name, options));
          const removed = await services.versions.remove(name, { connections: options.withConnections === true }, COMMAND_LINE);
          return {
            json: { name, ...removed },
            text: `Removed ${name}: ${count(removed.versions, 'version')} and ${count(removed.connections, 'connection')}.`,
          };
        }),
      ),
    );
}

async function question({ versions }: Services, name: string, { withConnections }: RemoveOptions): Promise<string> {
  const kept = (await versions.list(name)).map(({ version }) => version);
  const connections = withConnections === true ? ', all of its connections, and every document that was read through them' : '';
  return `This deletes ${name} (${kept.join(', ')})${connections}. Type its name to go on: `;
}

/** The name itself has to be typed: a stray Enter deletes nothing. */
async function confirm({ stdin, stderr, signal }: CliIo, asked: string): Promise<void> {
  if (stdin.isTTY !== true) {
    throw new UsageError('Nobody is there to be asked whether it may be deleted.', 'Say --yes once you are sure.');
  }
  stderr.write(asked);
  const lines = createInterface({ input: stdin, signal });
  const answer = await lines[Symbol.asyncIterator]().next();
  lines.close();
  if (answer.done === true || !asked.startsWith(`This deletes ${answer.value.trim()} (`)) throw new Interrupted('Nothing was deleted.');
}
