import type { Command } from 'commander';
import { COMMAND_LINE } from '../domain/caller.ts';
import { DEFAULT_ORGANISATION } from '../domain/organisation.ts';
import { isBoundName, RUN_BOUNDS, type RunBounds } from '../domain/run-bounds.ts';
import { SCHEDULED_KINDS } from '../domain/run-kind.ts';
import { toScheduleBody } from '../routes/shapes/schedule.ts';
import type { ConnectionSchedule, ScheduleChange } from '../services/runs/schedule-service.ts';
import type { Services } from '../services/services.ts';
import { chooseConnection } from './choose-connection.ts';
import { action, makeCommand, type Cli, type Outcome, type SharedOptions } from './command.ts';
import { splitPair } from './connection-options.ts';
import { UsageError } from './exit.ts';
import { formatTable, oneLine } from './format.ts';
import { collect } from './collect.ts';
import { withServices } from './services.ts';

interface ScheduleOptions extends SharedOptions {
  organisation: string;
  content?: string;
  prune?: string;
  access?: string;
  bound: string[];
}

/** In the place of cron or a number: as if nobody had set it for this connection. */
const DEFAULT = 'default';

export function scheduleCommand(cli: Cli): Command {
  return makeCommand('schedule', {
    summary: 'Show or set when runs of a connection come by themselves, and what they are held to',
    description: `Five fields of cron in UTC, "off", or "${DEFAULT}" for what the datasource or the host says. Runs come while a host serves.`,
    examples: [
      ['schedule handbook', 'shows what holds, and when each kind is due'],
      ['schedule handbook --content "*/15 * * * *" --prune off', 'reads every quarter of an hour and never prunes'],
      ['schedule handbook --bound maxPrunedShare=0.5', 'lets a prune remove half of all documents without asking'],
    ],
  })
    .argument('<connection>', 'id or name of a connection')
    .option('--organisation <id>', 'whose connection', DEFAULT_ORGANISATION)
    .option('--content <cron>', 'when to read what has changed')
    .option('--prune <cron>', 'when to remove what the source no longer lists')
    .option('--access <cron>', 'when to read who is in which group')
    .option('--bound <name=number>', `one of ${Object.keys(RUN_BOUNDS).join(', ')}; may be repeated`, collect, [])
    .action(
      action(cli, async (name: string, options: ScheduleOptions) => {
        const change = toChange(options);
        return onConnection(cli, options, name, ({ schedules }, id) =>
          Object.keys(change).length === 0
            ? schedules.get(options.organisation, id)
            : schedules.change(options.organisation, id, change, COMMAND_LINE),
        );
      }),
    );
}

export function pauseCommand(cli: Cli): Command {
  return makeCommand('pause', {
    summary: 'Let no run of a connection begin or go on',
    description: 'A run that is under way is parked within its current call, and goes on from there after `datasources resume`.',
    examples: [['pause handbook --reason "The wiki is being moved."', 'pauses, and says why to whoever looks']],
  })
    .argument('<connection>', 'id or name of a connection')
    .option('--organisation <id>', 'whose connection', DEFAULT_ORGANISATION)
    .option('--reason <text>', 'why, for people')
    .action(
      action(cli, async (name: string, options: SharedOptions & { organisation: string; reason?: string }) =>
        onConnection(cli, options, name, ({ schedules }, id) => schedules.pause(options.organisation, id, options.reason, COMMAND_LINE)),
      ),
    );
}

export function resumeCommand(cli: Cli): Command {
  return makeCommand('resume', {
    summary: 'Take a pause back, whoever paused the connection',
    description: 'Parked runs go on while a host serves, or with `datasources index`. Failed runs are counted from 0 again.',
    examples: [['resume handbook', 'goes on']],
  })
    .argument('<connection>', 'id or name of a connection')
    .option('--organisation <id>', 'whose connection', DEFAULT_ORGANISATION)
    .action(
      action(cli, async (name: string, options: SharedOptions & { organisation: string }) =>
        onConnection(cli, options, name, ({ schedules }, id) => schedules.resume(options.organisation, id, COMMAND_LINE)),
      ),
    );
}

function onConnection(
  cli: Cli,
  options: SharedOptions & { organisation: string },
  name: string,
  work: (services: Services, connection: string) => Promise<ConnectionSchedule>,
): Promise<Outcome> {
  return withServices(cli.io, options, async (services) => {
    const { id } = await chooseConnection(services, options.organisation, name);
    const schedule = await work(services, id);
    const ended = schedule.paused?.cause === 'unauthorized' ? await services.authorisations.status(options.organisation, id) : undefined;
    const link = ended?.reconnectUrl === undefined ? [] : [`To authorise it again, open: ${ended.reconnectUrl}`];
    return { json: toScheduleBody(schedule), text: [scheduleText(schedule), ...link].join('\n') };
  });
}

function toChange(options: ScheduleOptions): ScheduleChange {
  const change: ScheduleChange = {};
  for (const kind of SCHEDULED_KINDS) {
    const given = options[kind];
    if (given !== undefined) change[kind] = given === DEFAULT ? null : given;
  }
  if (options.bound.length > 0) change.bounds = Object.fromEntries(options.bound.map(toBound));
  return change;
}

function toBound(option: string): [keyof RunBounds, number | null] {
  const [name, text] = splitPair(option, '--bound', 'name=number');
  if (!isBoundName(name)) throw new UsageError(`There is no bound "${name}".`, `Use one of: ${Object.keys(RUN_BOUNDS).join(', ')}.`);
  if (text === DEFAULT) return [name, null];
  const number = Number(text);
  if (text.trim() === '' || !Number.isFinite(number)) throw new UsageError(`--bound ${option} has no number.`, `Write --bound ${name}=1.`);
  return [name, number];
}

function scheduleText(schedule: ConnectionSchedule): string {
  const { paused, bounds, failedRuns } = schedule;
  const rows = SCHEDULED_KINDS.map((kind) => {
    const { cron, from, dueAtMs, unsupported } = schedule[kind];
    const due = dueAtMs === undefined ? '' : `due ${new Date(dueAtMs).toISOString()}`;
    return [`  ${kind}`, cron, `(${from})`, unsupported ? 'the datasource lacks it' : due];
  });
  const state =
    paused === undefined ? [] : [`Paused by the ${paused.by} since ${new Date(paused.atMs).toISOString()}: ${oneLine(paused.reason)}`];
  const failed = failedRuns === 0 ? [] : [`${failedRuns} of ${bounds.maxFailedRuns} runs in a row failed`];
  const bound = Object.entries(bounds).map(([name, value]) => [`  ${name}`, String(value)]);
  return [...state, ...failed, formatTable(rows), 'Bounds:', formatTable(bound)].join('\n');
}
