import type { Command } from 'commander';
import { COMMAND_LINE } from '../domain/caller.ts';
import { toOrganisationBody } from '../routes/shapes/organisation.ts';
import { allPages } from './all-pages.ts';
import { action, makeCommand, type Cli, type SharedOptions } from './command.ts';
import { formatTable, oneLine } from './format.ts';
import { withServices } from './services.ts';

/** All of them: whoever works on the machine may know of each. */
const EVERY_ORGANISATION = { organisation: undefined };

export function organisationsCommand(cli: Cli): Command {
  const command = makeCommand('organisations', {
    summary: 'Make and list organisations',
    description: 'Nothing of one is ever visible to another. `default` exists from the start.',
    examples: [
      ['organisations create acme --name "Acme Ltd."', 'for `--organisation acme` of other commands'],
      ['organisations list', 'those that there are'],
    ],
  });
  command.enablePositionalOptions();
  for (const make of [createCommand, listCommand]) command.addCommand(make(cli));
  return command;
}

function createCommand(cli: Cli): Command {
  return makeCommand('create', {
    summary: 'Make an organisation',
    description: 'Its id cannot be changed later.',
    examples: [['organisations create acme --name "Acme Ltd."', 'with a name for people']],
  })
    .argument('<id>', 'what it is called by commands and callers')
    .option('--name <name>', 'what it is called by people; the id when left out')
    .action(
      action(cli, async (id: string, { name, ...options }: SharedOptions & { name?: string }) =>
        withServices(cli.io, options, async ({ organisations }) => {
          const made = await organisations.create({ id, ...(name === undefined ? {} : { name }) }, COMMAND_LINE);
          return { json: toOrganisationBody(made), text: `Made ${made.id} (${oneLine(made.name)}).` };
        }),
      ),
    );
}

function listCommand(cli: Cli): Command {
  return makeCommand('list', {
    summary: 'List organisations',
    description: 'By id.',
    examples: [['organisations list --json', 'for a program']],
  }).action(
    action(cli, async (options: SharedOptions) =>
      withServices(cli.io, options, async ({ organisations }) => {
        const found = await allPages((page) => organisations.list(EVERY_ORGANISATION, page));
        const rows = found.map(({ id, name, createdAtMs }) => [id, oneLine(name), new Date(createdAtMs).toISOString()]);
        return { json: { items: found.map(toOrganisationBody) }, text: formatTable([['ORGANISATION', 'NAME', 'MADE'], ...rows]) };
      }),
    ),
  );
}
