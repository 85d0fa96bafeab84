import { InvalidArgumentError, Option, type Command } from 'commander';
import { DEFAULT_ORGANISATION } from '../domain/organisation.ts';
import { RUN_KINDS, RUN_STATES, type RunKind, type RunState } from '../domain/run-kind.ts';
import { progressOf } from '../domain/run-progress.ts';
import { toRunBody } from '../routes/shapes/run.ts';
import type { Run } from '../services/runs/run-view.ts';
import { chooseConnection } from './choose-connection.ts';
import { action, makeCommand, type Cli, type SharedOptions } from './command.ts';
import { formatTable, oneLine } from './format.ts';
import { withServices } from './services.ts';

interface RunsOptions extends SharedOptions {
  organisation: string;
  state?: RunState;
  kind?: RunKind;
  limit: number;
}

const MAX_RUNS = 200;

export function runsCommand(cli: Cli): Command {
  return makeCommand('runs', {
    summary: 'List runs with their state, its reason and how far they are',
    description: 'Newest first, of one connection or of all of the organisation.',
    examples: [
      ['runs', 'the last 20 of all connections'],
      ['runs handbook --state parked', 'those of one connection that wait, with the reason and until when'],
      ['runs --kind prune --limit 100 --json', 'a hundred prunes, for programs'],
    ],
  })
    .argument('[connection]', 'id or name of a connection')
    .option('--organisation <id>', 'whose runs', DEFAULT_ORGANISATION)
    .addOption(new Option('--state <state>', 'only runs in this state').choices([...RUN_STATES]))
    .addOption(new Option('--kind <kind>', 'only runs of this kind').choices([...RUN_KINDS]))
    .option('--limit <number>', `how many at most, 1 to ${MAX_RUNS}`, toLimit, 20)
    .action(
      action(cli, async (name: string | undefined, options: RunsOptions) =>
        withServices(cli.io, options, async (services) => {
          const connection = name === undefined ? undefined : (await chooseConnection(services, options.organisation, name)).id;
          const filter = {
            ...(connection === undefined ? {} : { connection }),
            ...(options.state === undefined ? {} : { state: options.state }),
            ...(options.kind === undefined ? {} : { kind: options.kind }),
          };
          const { items } = await services.runs.list(options.organisation, filter, { limit: options.limit });
          return { json: { runs: items.map(toRunBody) }, text: runsText(items) };
        }),
      ),
    );
}

function toLimit(text: string): number {
  const limit = Number(text);
  if (/^\d{1,3}$/.test(text) && limit >= 1 && limit <= MAX_RUNS) return limit;
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${MAX_RUNS}.`);
}

/** One line a run. */
export function runsText(runs: readonly Run[]): string {
  if (runs.length === 0) return 'There is no such run.';
  return formatTable(runs.map(toRow));
}

function toRow(run: Run): string[] {
  const { seen, changed, deleted, failed, expected, secondsLeft } = progressOf(run, Date.now());
  const of = expected === undefined || expected === seen ? '' : ` of ${expected}`;
  const left = secondsLeft === undefined ? '' : `, ${secondsLeft} s left`;
  const counts = `${seen}${of} seen, ${changed} changed, ${deleted} deleted${failed === 0 ? '' : `, ${failed} failed`}${left}`;
  const until = run.wakeAtMs === undefined ? '' : ` until ${new Date(run.wakeAtMs).toISOString()}`;
  return [run.id, run.kind, `${run.state}${until}`, new Date(run.createdAtMs).toISOString(), counts, oneLine(run.reason ?? '')];
}
