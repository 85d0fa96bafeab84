import { ulid } from 'ulid';
import { RequestError } from '../../domain/errors.ts';
import { nextDueMs } from '../../domain/schedule.ts';
import type { Log } from '../../log.ts';
import { ExpectationError, isUniqueViolation, type Database } from '../../store/database.ts';
import { advanceSchedule, pendingSchedules, SCHEDULE_TAKEN, type PendingSchedule } from '../../store/schedules.ts';
import { listRuns, newRun } from '../../store/runs.ts';
import type { CallTargets } from '../connections/call-targets.ts';
import type { DatasourceRegistry } from '../registry/registry.ts';
import { partsOf } from './run-plan.ts';
import { effectiveSchedule } from './schedules.ts';

export interface RunScheduleOptions {
  database: Database;
  registry: DatasourceRegistry;
  targets: CallTargets;
  log: Log;
}

/** Schedules looked at in one turn. */
const MAX_PENDING = 100;
/** A run that may not begin beside another one is tried again after this. */
const DEFERRED_MS = 60_000;

/**
 * Queues the runs whose time has come, each together with when the next one is due, so that of many hosts one does it. Also
 * computes what is due of connections and components that are new. Gives how many it queued.
 */
export async function queueDueRuns(options: RunScheduleOptions, nowMs: number): Promise<number> {
  const pending = await pendingSchedules(options.database, nowMs, MAX_PENDING);
  let queued = 0;
  for (const schedule of pending) {
    try {
      if (await queueOne(options, schedule, nowMs)) queued += 1;
    } catch (error) {
      // Another host has taken it, which is as good.
      if (error instanceof ExpectationError && error.statement === SCHEDULE_TAKEN) continue;
      options.log.error('a schedule could not be followed', { connection: schedule.connection, kind: schedule.kind, error });
    }
  }
  return queued;
}

async function queueOne(options: RunScheduleOptions, schedule: PendingSchedule, nowMs: number): Promise<boolean> {
  const { database, registry } = options;
  const { connection, kind } = schedule;
  const { manifest, digest } = await registry.get(schedule.datasource);
  const unsupported = schedule.unsupportedDigest === digest;
  const { cron } = effectiveSchedule(manifest, kind, schedule.override);
  const dueMs = unsupported ? undefined : nextDueMs(cron, nowMs, `${connection} ${kind}`);
  const isDue = schedule.digest === digest && schedule.dueAtMs !== undefined && schedule.dueAtMs <= nowMs;
  if (!isDue || unsupported) {
    // Until it is known who is in which group nobody finds what is shared with one.
    const first = kind === 'access' && schedule.digest === undefined && dueMs !== undefined;
    await database.write([advanceSchedule(schedule, { dueMs: first ? nowMs : dueMs, digest })]);
    return false;
  }
  const features = await plannedParts(options, schedule);
  if (features === undefined) {
    await database.write([advanceSchedule(schedule, { dueMs, digest })]);
    return false;
  }
  const run = { id: ulid(), organisation: schedule.organisation, connection, kind, startedBy: 'schedule', features, nowMs } as const;
  try {
    await database.write([advanceSchedule(schedule, { dueMs, digest }), ...newRun(run)]);
    return true;
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    // One of the same kind does what this one would; another kind is waited for.
    const { items } = await listRuns(database, schedule.organisation, { connection, kind }, { limit: 1 });
    const same = items[0]?.finishedAtMs === undefined && items[0]?.state !== 'held' && items.length > 0;
    const deferred = dueMs === undefined ? nowMs + DEFERRED_MS : Math.min(dueMs, nowMs + DEFERRED_MS);
    await database.write([advanceSchedule(schedule, { dueMs: same ? dueMs : deferred, digest })]);
    return false;
  }
}

/** Nothing when the connection cannot be read now, which its next run by hand tells in full. */
async function plannedParts({ targets, log }: RunScheduleOptions, schedule: PendingSchedule): Promise<string[] | undefined> {
  const { organisation, connection, kind } = schedule;
  try {
    const target = await targets.load(organisation, connection);
    // It waits for its credential: a run would only say so, time and again.
    if (target.secret === undefined && target.datasource.manifest.auth.type !== 'none') return undefined;
    return partsOf(target, kind, undefined);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    log.warn('a scheduled run cannot begin', { connection, kind, code: error.code, reason: error.message });
    return undefined;
  }
}
