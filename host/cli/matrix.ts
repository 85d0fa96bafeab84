import type { Command } from 'commander';
import { toMatrixRowBody } from '../routes/shapes/version.ts';
import { action, makeCommand, type Cli, type SharedOptions } from './command.ts';
import { formatTable, oneLine } from './format.ts';
import { withServices } from './services.ts';

export function matrixCommand(cli: Cli): Command {
  return makeCommand('matrix', {
    summary: 'Show which versions work with which framework',
    description: 'Every version at hand against the framework of this host.',
    examples: [
      ['matrix', 'of every datasource'],
      ['matrix github', 'of one'],
      ['matrix --framework 2.0.0', 'also against that version, before the host is replaced'],
    ],
  })
    .argument('[datasource]', 'name of a datasource')
    .option('--framework <version>', 'another version of the framework to hold them against')
    .action(
      action(cli, async (name: string | undefined, options: SharedOptions & { framework?: string }) =>
        withServices(cli.io, options, async ({ versions }) => {
          const rows = await versions.matrix(name, options.framework);
          const frameworks = rows[0]?.fits.map(({ framework }) => framework) ?? [];
          const table = rows.map((row) => [
            row.name,
            row.version,
            row.state,
            oneLine(row.frameworkVersion),
            ...row.fits.map(({ fits }) => (fits ? 'fits' : 'does not fit')),
          ]);
          return {
            json: { items: rows.map(toMatrixRowBody) },
            text: formatTable([
              ['DATASOURCE', 'VERSION', 'STATE', 'WORKS WITH', ...frameworks.map((framework) => `FRAMEWORK ${framework}`)],
              ...table,
            ]),
          };
        }),
      ),
    );
}
