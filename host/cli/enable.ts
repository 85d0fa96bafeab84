import type { Command } from 'commander';
import { COMMAND_LINE } from '../domain/caller.ts';
import { toDatasourceBody } from '../routes/shapes/datasource.ts';
import { action, makeCommand, type Cli, type SharedOptions } from './command.ts';
import { withServices } from './services.ts';

export function enableCommand(cli: Cli): Command {
  return switchCommand(cli, true, 'Its connections are worked on again.');
}

export function disableCommand(cli: Cli): Command {
  return switchCommand(cli, false, 'None of its connections is worked on until it is switched on; what was read stays to be found.');
}

function switchCommand(cli: Cli, enabled: boolean, description: string): Command {
  const verb = enabled ? 'enable' : 'disable';
  return makeCommand(verb, {
    summary: `Switch a datasource ${enabled ? 'on' : 'off'}`,
    description,
    examples: [[`${verb} github --reason "${enabled ? 'mended in 1.2.0' : 'it floods the log'}"`, 'with the reason in its history']],
  })
    .argument('<datasource>', 'name of an installed datasource')
    .option('--reason <text>', 'why, for the history', 'no reason was given')
    .action(
      action(cli, async (name: string, options: SharedOptions & { reason: string }) =>
        withServices(cli.io, options, async ({ versions, registry }) => {
          await versions.setEnabled(name, enabled, options.reason, COMMAND_LINE);
          return { json: toDatasourceBody(await registry.get(name)), text: `${name} is switched ${enabled ? 'on' : 'off'}.` };
        }),
      ),
    );
}
