import { resolve } from 'node:path';
import type { Command } from 'commander';
import { COMMAND_LINE } from '../domain/caller.ts';
import { toSourceFolderBody } from '../routes/shapes/source.ts';
import type { FolderSource } from '../services/sources/source-services.ts';
import { action, makeCommand, type Cli, type SharedOptions } from './command.ts';
import { oneLine } from './format.ts';
import { withServices } from './services.ts';

export function sourcesCommand(cli: Cli): Command {
  const command = makeCommand('sources', {
    summary: 'Watch folders for datasources',
    description:
      'Every component (*.wasm) in a watched folder, and in folders of it, is inspected and kept beside what runs, marked as local. A host that serves looks again by itself. Nothing is switched: that is for `install` and `upgrade`.',
    examples: [
      ['sources add ./dist', 'watches a folder, and looks into it at once'],
      ['sources list', 'what was found, and why something was not taken'],
      ['upgrade github', 'goes to the highest version that was found'],
    ],
  });
  command.enablePositionalOptions();
  command.addCommand(
    makeCommand('add', {
      summary: 'Watch a folder',
      description: 'And look into it at once.',
      examples: [['sources add ./dist', 'watches it']],
    })
      .argument('<folder>', 'a folder of this machine')
      .action(
        action(cli, async (folder: string, options: SharedOptions) =>
          withServices(cli.io, options, async ({ folders }) => shown([await folders.add(resolve(folder), COMMAND_LINE)])),
        ),
      ),
  );
  command.addCommand(
    makeCommand('list', {
      summary: 'List watched folders',
      description: 'With what was found in them.',
      examples: [['sources list', 'all']],
    }).action(
      action(cli, async (options: SharedOptions) => withServices(cli.io, options, async ({ folders }) => shown(await folders.list()))),
    ),
  );
  command.addCommand(
    makeCommand('refresh', {
      summary: 'Look into a folder now',
      description: 'Or into all of them.',
      examples: [['sources refresh', 'all']],
    })
      .argument('[folder]', 'a watched folder')
      .action(
        action(cli, async (folder: string | undefined, options: SharedOptions) =>
          withServices(cli.io, options, async ({ folders }) =>
            shown(await folders.scan(folder === undefined ? undefined : resolve(folder), COMMAND_LINE)),
          ),
        ),
      ),
  );
  command.addCommand(
    makeCommand('remove', {
      summary: 'Watch a folder no more',
      description: 'What was taken from it stays.',
      examples: [['sources remove ./dist', 'leaves what is installed']],
    })
      .argument('<folder>', 'a watched folder')
      .action(
        action(cli, async (folder: string, options: SharedOptions) =>
          withServices(cli.io, options, async ({ folders }) => {
            await folders.remove(resolve(folder), COMMAND_LINE);
            return { json: { folder: resolve(folder), removed: true }, text: `${folder} is watched no more.` };
          }),
        ),
      ),
  );
  return command;
}

function shown(sources: readonly FolderSource[]): { json: unknown; text: string } {
  const items = sources.map(toSourceFolderBody);
  const lines = sources.flatMap(({ folder, problem, files }) => [
    `${oneLine(folder)}${problem === undefined ? '' : `: ${problem}`}`,
    ...files.map(
      ({ file, name, version, problem: why }) =>
        `  ${oneLine(file)}  ${name === undefined ? `refused: ${oneLine(why ?? '')}` : `${name} ${version ?? ''}`}`,
    ),
  ]);
  return { json: { items }, text: lines.length === 0 ? 'No folder is watched.' : lines.join('\n') };
}
