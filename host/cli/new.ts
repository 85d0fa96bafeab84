import { relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { action, makeCommand, type Cli } from './command.ts';

export function newCommand(cli: Cli): Command {
  return makeCommand('new', {
    onTheMachine: true,
    summary: 'Make the folder of a new datasource',
    description: 'It holds a manifest, a source with every function explained, and a README. It builds as it is.',
    examples: [
      ['new mine', 'makes ./mine with a datasource called mine'],
      ['new plugins/wiki --name company_wiki', 'names it otherwise than its folder'],
    ],
  })
    .argument('<dir>', 'folder to make; must not exist, or be empty')
    .option('--name <name>', 'name of the datasource: a-z, 0-9 and _ (default: the name of the folder)')
    .action(
      action(cli, async (dir: string, { name }: { name?: string }) => {
        const { scaffoldDatasource } = await import('../authoring/scaffold.ts');
        const folder = resolve(dir);
        const files = await scaffoldDatasource(folder, name === undefined ? {} : { name });
        const shown = files.map((file) => `  ${relative(folder, file)}`).join('\n');
        return {
          json: { dir: folder, files },
          text: `Made a datasource in ${folder}:\n${shown}\n\nBuild it with: datasources build ${dir}`,
        };
      }),
    );
}
