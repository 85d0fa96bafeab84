import type { Command } from 'commander';
import { COMMAND_LINE } from '../domain/caller.ts';
import { toDatasourceBody } from '../routes/shapes/datasource.ts';
import { action, makeCommand, type Cli, type SharedOptions } from './command.ts';
import { withServices } from './services.ts';

export function rollbackCommand(cli: Cli): Command {
  return makeCommand('rollback', {
    summary: 'Go back to the version that ran before',
    description: 'In one step, with the checkpoints and collections of then: what changed since is read again by the version before.',
    examples: [['rollback github', 'undoes the last switch']],
  })
    .argument('<datasource>', 'name of an installed datasource')
    .action(
      action(cli, async (name: string, options: SharedOptions) =>
        withServices(cli.io, options, async ({ versions, registry }) => {
          await versions.rollback(name, COMMAND_LINE);
          const now = await registry.get(name);
          return { json: toDatasourceBody(now), text: `${name} runs version ${now.version} again.` };
        }),
      ),
    );
}
