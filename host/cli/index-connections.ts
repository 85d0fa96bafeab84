import { Option, type Command } from 'commander';
import { COMMAND_LINE } from '../domain/caller.ts';
import { RequestError } from '../domain/errors.ts';
import { DEFAULT_ORGANISATION } from '../domain/organisation.ts';
import { toRunBody } from '../routes/shapes/run.ts';
import { SCHEDULED_KINDS, type ScheduledKind } from '../domain/run-kind.ts';
import type { Connection } from '../services/connections/connection-service.ts';
import type { Run } from '../services/runs/run-view.ts';
import type { RunInput } from '../services/runs/run-service.ts';
import type { Services } from '../services/services.ts';
import { allPages } from './all-pages.ts';
import { connectionNamed } from './choose-connection.ts';
import { action, makeCommand, type Cli, type SharedOptions } from './command.ts';
import { EXIT, UsageError } from './exit.ts';
import { followRuns, isFinal } from './follow-runs.ts';
import { count, formatTable, oneLine } from './format.ts';
import { collect } from './collect.ts';
import { progressOf } from './progress.ts';
import { withServices } from './services.ts';

interface IndexOptions extends SharedOptions {
  organisation: string;
  all?: true;
  feature: string[];
  kind: ScheduledKind;
  full?: true;
}

export function indexCommand(cli: Cli): Command {
  return makeCommand('index', {
    summary: 'Read connections into the index, to the end',
    description:
      'Reads documents and who is in which group. Goes on from the last checkpoint, so that a second time is quick, and joins a run that has begun already. ' +
      'Ends with 1 when a feature was not read to its end; single items that were left out are listed and are no failure.',
    examples: [
      ['index 01KATM4X7Z6V0R1Q2W3E4R5T6Y', 'one connection, by its id or its name'],
      ['index --all', 'every connection of the organisation'],
      ['index handbook --full', 'everything again, and not only what has changed'],
      ['index handbook --kind prune', 'removes what the source no longer lists'],
      ['index "Acme on GitHub" --feature issue_tracking --json', 'one feature of one connection, for programs'],
    ],
  })
    .argument('[connection...]', 'id or name of a connection')
    .option('--all', 'every connection of the organisation')
    .option('--organisation <id>', 'whose connections', DEFAULT_ORGANISATION)
    .option('--feature <name>', 'only this feature; may be repeated', collect, [])
    .addOption(
      new Option('--kind <kind>', 'content and then access, or only prune, or only access')
        .choices([...SCHEDULED_KINDS])
        .default('content'),
    )
    .option('--full', 'read everything again')
    .action(
      action(cli, async (names: string[], options: IndexOptions) => {
        if ((names.length === 0) === (options.all !== true)) {
          throw new UsageError('Either name connections or give --all.', 'See the ids with: datasources list');
        }
        return withServices(cli.io, options, async (services) => {
          const connections = await chooseConnections(services, names, options);
          const runs = await indexAll(cli, services, connections, options);
          const succeeded = runs.every(
            ({ state, features }) => state === 'succeeded' || features.every((feature) => feature.state === 'done'),
          );
          return { json: { runs: runs.map(toRunBody) }, text: runsText(runs, connections), exitCode: succeeded ? EXIT.ok : EXIT.failed };
        });
      }),
    );
}

async function chooseConnections(
  { connections }: Services,
  names: readonly string[],
  { organisation }: IndexOptions,
): Promise<Connection[]> {
  const known = await allPages((page) => connections.list(organisation, page));
  if (names.length === 0) return known;
  return [...new Set(names.map((name) => connectionNamed(known, name)))];
}

async function indexAll(cli: Cli, services: Services, connections: readonly Connection[], options: IndexOptions): Promise<Run[]> {
  const { organisation } = options;
  const progress = progressOf(cli);
  try {
    const runAll = async (input: RunInput): Promise<Run[]> => {
      const ids: string[] = [];
      for (const { id } of connections) ids.push((await startOrJoin(services, organisation, id, input)).id);
      return followRuns(services.runs, ids, { organisation, signal: cli.io.signal, progress });
    };
    const runs = await runAll(toInput(options));
    if (options.kind !== 'content' || options.feature.length > 0) return runs;
    // Without it nobody would find what is shared with a group. Worth a word only when something is wrong with it.
    return [...runs, ...(await runAll({ kind: 'access' })).filter(({ state }) => state !== 'succeeded')];
  } finally {
    progress.end();
  }
}

function toInput({ kind, feature, full }: IndexOptions): RunInput {
  return { kind, ...(feature.length === 0 ? {} : { features: [...feature] }), ...(full === undefined ? {} : { full }) };
}

/** A new run, or the one that is under way: somebody else's, or our own of before an interruption. */
async function startOrJoin({ runs }: Services, organisation: string, connection: string, input: RunInput): Promise<Run> {
  try {
    return await runs.start(organisation, connection, input, COMMAND_LINE);
  } catch (error) {
    if (!(error instanceof RequestError) || error.code !== 'RUN_IN_PROGRESS') throw error;
    const { items } = await runs.list(organisation, { connection }, { limit: 20 });
    // Access is read beside all else.
    const open = items.find((run) => !isFinal(run) && (run.kind === 'access') === (input.kind === 'access'));
    if (open === undefined) throw error;
    return open;
  }
}

const MAX_SHOWN_PROBLEMS = 10;

function runsText(runs: readonly Run[], connections: readonly Connection[]): string {
  if (runs.length === 0) return 'There is no connection to index.';
  return runs.map((run) => runText(run, connections.find(({ id }) => id === run.connection)?.name ?? run.connection)).join('\n\n');
}

function runText({ state, reason, features, problems }: Run, name: string): string {
  const rows = features.map((feature) => [
    `  ${feature.feature}`,
    feature.state,
    count(feature.seen, 'item'),
    `${feature.upserted} new or changed`,
    `${feature.unchanged} unchanged`,
    `${feature.deleted} deleted`,
    `${feature.skipped} left out`,
    feature.reason === undefined ? '' : oneLine(feature.reason),
  ]);
  const shown = problems.slice(0, MAX_SHOWN_PROBLEMS);
  const more = problems.length > shown.length ? [`  and ${problems.length - shown.length} more`] : [];
  return [
    `${oneLine(name)}: ${state}${reason === undefined ? '' : `: ${oneLine(reason)}`}`,
    formatTable(rows),
    ...shown.flatMap(({ path, reason: why, remedy }) => [`  ${oneLine(path)}: ${oneLine(why)}`, `    remedy: ${oneLine(remedy)}`]),
    ...more,
  ].join('\n');
}
