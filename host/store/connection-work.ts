import { defaultBounds, isBoundName, isBoundValue, PAUSE_CAUSES } from '../domain/run-bounds.ts';
import type { Pause, PauseCause, RunBounds } from '../domain/run-bounds.ts';
import type { JsonObject } from '../domain/json.ts';
import { operation } from './database.ts';
import type { Database, Operation } from './database.ts';
import { defineStatement } from './statement.ts';
import type { Columns } from './statement.ts';

/** Whether a connection is worked on, and within which bounds. */
export interface ConnectionWork {
  pause: Pause | undefined;
  /** Runs in a row that failed. */
  failedRuns: number;
  bounds: RunBounds;
}

type Connection = { connection: string };

const GET = defineStatement<Connection, ConnectionWork>(
  'connection_work.get',
  `SELECT paused_at_ms, paused_by, pause_cause, pause_reason, failed_runs, bounds FROM connection_work WHERE connection_id = :connection`,
  toWork,
);

const BOUNDS = defineStatement<Connection, Partial<RunBounds>>(
  'connection_work.bounds',
  'SELECT bounds FROM connection_work WHERE connection_id = :connection',
  (row) => ownBounds(row.jsonObject('bounds')),
);

// The first reason stays: what comes after it is mostly its consequence.
const PAUSE = defineStatement<Connection & { by: string; cause: string; reason: string; nowMs: number }>(
  'connection_work.pause',
  `INSERT INTO connection_work (connection_id, paused_at_ms, paused_by, pause_cause, pause_reason)
   VALUES (:connection, :nowMs, :by, :cause, :reason)
   ON CONFLICT (connection_id) DO UPDATE SET paused_at_ms = excluded.paused_at_ms, paused_by = excluded.paused_by,
     pause_cause = excluded.pause_cause, pause_reason = excluded.pause_reason WHERE paused_at_ms IS NULL OR paused_by = 'host'`,
);

const RESUME = defineStatement<Connection>(
  'connection_work.resume',
  `UPDATE connection_work SET paused_at_ms = NULL, paused_by = NULL, pause_cause = NULL, pause_reason = NULL, failed_runs = 0
   WHERE connection_id = :connection`,
);

const RESUME_FROM = defineStatement<Connection & { cause: string }>(
  'connection_work.resume-from',
  `UPDATE connection_work SET paused_at_ms = NULL, paused_by = NULL, pause_cause = NULL, pause_reason = NULL, failed_runs = 0
   WHERE connection_id = :connection AND pause_cause = :cause`,
);

const COUNT_FAILED = defineStatement<Connection>(
  'connection_work.count-failed',
  `INSERT INTO connection_work (connection_id, failed_runs) VALUES (:connection, 1)
   ON CONFLICT (connection_id) DO UPDATE SET failed_runs = failed_runs + 1`,
);

const PAUSE_AFTER = defineStatement<Connection & { most: number; reason: string; nowMs: number }>(
  'connection_work.pause-after',
  `UPDATE connection_work SET paused_at_ms = :nowMs, paused_by = 'host', pause_cause = 'failed-runs',
     pause_reason = failed_runs || ' runs in a row failed, the last one: ' || :reason
   WHERE connection_id = :connection AND paused_at_ms IS NULL AND failed_runs >= :most`,
);

const FORGET_FAILED = defineStatement<Connection>(
  'connection_work.forget-failed',
  'UPDATE connection_work SET failed_runs = 0 WHERE connection_id = :connection AND failed_runs > 0',
);

const SET_BOUNDS = defineStatement<Connection & { bounds: string }>(
  'connection_work.set-bounds',
  `INSERT INTO connection_work (connection_id, bounds) VALUES (:connection, :bounds)
   ON CONFLICT (connection_id) DO UPDATE SET bounds = excluded.bounds`,
);

/** What holds for a connection; the defaults when nothing was ever said of it. */
export async function connectionWork(database: Database, connection: string): Promise<ConnectionWork> {
  return (await database.readOne(GET, { connection })) ?? { pause: undefined, failedRuns: 0, bounds: defaultBounds() };
}

/** What an operator set for the connection itself. */
export async function ownBoundsOf(database: Database, connection: string): Promise<Partial<RunBounds>> {
  return (await database.readOne(BOUNDS, { connection })) ?? {};
}

/** Nobody works on the connection from now on. An operator's reason is not replaced by the host's. */
export function pauseConnection(connection: string, { by, cause, reason, atMs }: Pause): Operation {
  return operation(PAUSE, { connection, by, cause, reason, nowMs: atMs });
}

/** Takes a pause back and forgets failed runs; with `from`, only a pause of this cause. */
export function resumeConnection(connection: string, from?: PauseCause): Operation {
  return from === undefined ? operation(RESUME, { connection }) : operation(RESUME_FROM, { connection, cause: from });
}

/** One more run failed: pauses the connection when there were `most` in a row. */
export function countFailedRun(connection: string, input: { most: number; reason: string; nowMs: number }): Operation[] {
  return [operation(COUNT_FAILED, { connection }), operation(PAUSE_AFTER, { connection, ...input })];
}

export function forgetFailedRuns(connection: string): Operation {
  return operation(FORGET_FAILED, { connection });
}

/** Sets all that differs from the defaults. */
export function setBounds(connection: string, bounds: Partial<RunBounds>): Operation {
  return operation(SET_BOUNDS, { connection, bounds: JSON.stringify(bounds) });
}

function toWork(row: Columns): ConnectionWork {
  const atMs = row.optionalNumber('paused_at_ms');
  return {
    pause:
      atMs === undefined
        ? undefined
        : {
            atMs,
            by: row.oneOf('paused_by', ['operator', 'host']),
            cause: row.oneOf('pause_cause', PAUSE_CAUSES),
            reason: row.text('pause_reason'),
          },
    failedRuns: row.number('failed_runs'),
    bounds: { ...defaultBounds(), ...ownBounds(row.jsonObject('bounds')) },
  };
}

/** A bound that an older host allowed and this one does not is as if it had not been set. */
function ownBounds(stored: JsonObject): Partial<RunBounds> {
  const bounds: Partial<RunBounds> = {};
  for (const [name, value] of Object.entries(stored)) {
    if (isBoundName(name) && isBoundValue(name, value)) bounds[name] = value;
  }
  return bounds;
}
