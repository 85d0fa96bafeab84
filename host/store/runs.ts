import { ulid } from 'ulid';
import { RequestError } from '../domain/errors.ts';
import type { RunKind, RunStarter, RunState } from '../domain/run-kind.ts';
import { ExpectationError, isUniqueViolation, operation } from './database.ts';
import type { Database, Operation } from './database.ts';
import { extendLease, guardLease, LEASE_EXTENDED, withLease } from './leases.ts';
import type { Lease } from './leases.ts';
import { noteEnd } from './notifications.ts';
import { pageBounds, toPage } from './page.ts';
import type { PageRequest, StoredPage } from './page.ts';
import { completeRuns, RUN_COLUMNS, toRunRow } from './run-records.ts';
import type { RunRow, StoredRun } from './run-records.ts';
import { defineStatement } from './statement.ts';

// Only for a connection that nobody has removed; no row changes otherwise.
const INSERT = defineStatement<{ id: string; organisation: string; connection: string; kind: string; startedBy: string; nowMs: number }>(
  'runs.insert',
  `INSERT INTO runs (id, organisation_id, connection_id, kind, started_by, state, created_at_ms)
   SELECT :id, organisation_id, id, :kind, :startedBy, 'queued', :nowMs FROM connections
   WHERE id = :connection AND organisation_id = :organisation AND removed_at_ms IS NULL`,
);

const INSERT_FEATURES = defineStatement<{ run: string; features: string }>(
  'run_features.insert',
  `INSERT INTO run_features (run_id, feature, position, state)
   SELECT :run, value, key, 'pending' FROM json_each(:features)`,
);

const DUE = `CASE state WHEN 'queued' THEN created_at_ms WHEN 'parked' THEN wake_at_ms ELSE lease_until_ms END`;

// Nobody works on a connection that is paused; what waits of it waits on.
const CLAIMABLE = `state IN ('queued', 'running', 'parked') AND ${DUE} <= :nowMs
  AND NOT EXISTS (SELECT 1 FROM connection_work WHERE connection_id = runs.connection_id AND paused_at_ms IS NOT NULL)`;

const ANY_DUE = defineStatement<{ nowMs: number }, boolean>('runs.any-due', `SELECT 1 AS due FROM runs WHERE ${CLAIMABLE} LIMIT 1`, (row) =>
  row.flag('due'),
);

// The one that has waited longest. The condition on the state lets SQLite use the index runs_due.
const CLAIM = defineStatement<{ owner: string; nowMs: number; untilMs: number }, RunRow>(
  'runs.claim',
  `UPDATE runs SET state = 'running', lease_owner = :owner, lease_until_ms = :untilMs, wake_at_ms = NULL, reason = NULL,
     attempts = attempts + 1, started_at_ms = coalesce(started_at_ms, :nowMs), worked_since_ms = :nowMs
   WHERE id = (SELECT id FROM runs WHERE ${CLAIMABLE} ORDER BY ${DUE}, id LIMIT 1)
   RETURNING ${RUN_COLUMNS}`,
  toRunRow,
);

const NOW = `CAST(unixepoch('subsec') * 1000 AS INTEGER)`;
const WORKED = `worked_ms = worked_ms + max(0, ${NOW} - coalesce(worked_since_ms, ${NOW})), worked_since_ms = NULL`;

// A run that somebody asked to cancel in the meantime is not kept waiting: nobody would look at it until it wakes.
const PARK = defineStatement<{ run: string; reason: string; wakeAtMs: number }>(
  'runs.park',
  `UPDATE runs SET reason = :reason, lease_owner = NULL, lease_until_ms = NULL, ${WORKED},
     state = iif(cancel_requested, 'cancelled', 'parked'),
     wake_at_ms = iif(cancel_requested, NULL, :wakeAtMs),
     finished_at_ms = iif(cancel_requested, ${NOW}, NULL)
   WHERE id = :run`,
);

const FINISH = defineStatement<{ run: string; state: string; reason: string | null; nowMs: number }>(
  'runs.finish',
  `UPDATE runs SET state = :state, reason = :reason, lease_owner = NULL, lease_until_ms = NULL, ${WORKED},
     finished_at_ms = iif(:state = 'held', NULL, :nowMs)
   WHERE id = :run`,
);

// A run that nobody works on ends at once; one that somebody works on is told.
const CANCEL = defineStatement<{ id: string; organisation: string; nowMs: number }>(
  'runs.cancel',
  `UPDATE runs SET cancel_requested = 1,
     finished_at_ms = CASE state WHEN 'running' THEN NULL ELSE :nowMs END,
     wake_at_ms = NULL,
     reason = CASE state WHEN 'running' THEN reason ELSE 'cancelled on request' END,
     state = CASE state WHEN 'running' THEN 'running' ELSE 'cancelled' END
   WHERE id = :id AND organisation_id = :organisation AND state IN ('queued', 'running', 'parked', 'held')`,
);

const GET = defineStatement<{ id: string; organisation: string }, RunRow>(
  'runs.get',
  `SELECT ${RUN_COLUMNS} FROM runs WHERE id = :id AND organisation_id = :organisation`,
  toRunRow,
);

const CANCEL_REQUESTED = defineStatement<{ id: string }, boolean>(
  'runs.cancel-requested',
  'SELECT cancel_requested FROM runs WHERE id = :id',
  (row) => row.flag('cancel_requested'),
);

const MATCHES = '(:state IS NULL OR state = :state) AND (:kind IS NULL OR kind = :kind)';

type ListParams = { organisation: string; state: string | null; kind: string | null; key: string; limit: number };

const LIST = defineStatement<ListParams, RunRow>(
  'runs.list',
  `SELECT ${RUN_COLUMNS} FROM runs WHERE organisation_id = :organisation AND id < :key AND ${MATCHES} ORDER BY id DESC LIMIT :limit`,
  toRunRow,
);

// By an index of its own: an operator asks often for the few that are held among very many.
const LIST_HELD = defineStatement<Omit<ListParams, 'state'>, RunRow>(
  'runs.list-held',
  `SELECT ${RUN_COLUMNS} FROM runs WHERE organisation_id = :organisation AND id < :key AND state = 'held'
     AND (:kind IS NULL OR kind = :kind) ORDER BY id DESC LIMIT :limit`,
  toRunRow,
);

const LIST_OF_CONNECTION = defineStatement<ListParams & { connection: string }, RunRow>(
  'runs.list-of-connection',
  `SELECT ${RUN_COLUMNS} FROM runs
   WHERE connection_id = :connection AND +organisation_id = :organisation AND id < :key AND ${MATCHES} ORDER BY id DESC LIMIT :limit`,
  toRunRow,
);

// Greater than every ULID.
const BEFORE_NEWEST = '~';

/** A run that is to be queued. `kind` is `content` and `startedBy` is `request` when they are left out. */
export interface NewRun {
  id: string;
  organisation: string;
  connection: string;
  kind?: RunKind;
  startedBy?: RunStarter;
  features: readonly string[];
  nowMs: number;
}

/** The two operations that queue a run; the first changes no row when there is no such connection. */
export function newRun(input: NewRun): [Operation, Operation] {
  const { id, organisation, connection, kind = 'content', startedBy = 'request', nowMs } = input;
  return [
    operation(INSERT, { id, organisation, connection, kind, startedBy, nowMs }, { expectChanges: 1 }),
    operation(INSERT_FEATURES, { run: id, features: JSON.stringify(input.features) }),
  ];
}

/**
 * Queues a run with its features pending, in this order. RUN_IN_PROGRESS when the connection has an
 * active one (queued, running or parked) that it may not run beside, UNKNOWN_CONNECTION when the organisation has no such
 * connection. `alongside` happens in the same transaction.
 */
export async function createRun(database: Database, input: NewRun, alongside: readonly Operation[] = []): Promise<StoredRun> {
  const { id, organisation, connection } = input;
  try {
    await database.write([...newRun(input), ...alongside]);
  } catch (error) {
    if (error instanceof ExpectationError) {
      throw new RequestError('UNKNOWN_CONNECTION', `There is no connection "${connection}".`, { cause: error });
    }
    if (!isUniqueViolation(error)) throw error;
    throw new RequestError('RUN_IN_PROGRESS', `The connection ${connection} has a run that is not finished.`, {
      remedy: 'Wait for it, or cancel it first.',
      cause: error,
    });
  }
  const run = await getRun(database, organisation, id);
  if (run === undefined) throw new TypeError(`run ${id} is gone as soon as it was made`);
  return run;
}

/**
 * Takes the run that has waited longest: queued, parked with its time come, or running with a lease
 * that expired because its worker died. None when nothing is due. `owner` names the worker in the row.
 */
export async function claimNextRun(
  database: Database,
  input: { owner: string; nowMs: number; leaseMs: number },
): Promise<{ run: StoredRun; lease: Lease } | undefined> {
  // Workers ask often and mostly in vain: a read does not take the write lock for that.
  if ((await database.readOne(ANY_DUE, { nowMs: input.nowMs })) === undefined) return undefined;
  const owner = `${input.owner}/${ulid(input.nowMs)}`;
  const untilMs = input.nowMs + input.leaseMs;
  const written = await database.write([operation(CLAIM, { owner, nowMs: input.nowMs, untilMs })]);
  const [run] = await completeRuns(database, written.rows(0, CLAIM));
  return run === undefined ? undefined : { run, lease: { run: run.id, owner } };
}

/** Holds a run for longer while a call goes on. `LeaseLostError`. */
export async function renewLease(database: Database, lease: Lease, untilMs: number): Promise<{ cancelRequested: boolean }> {
  const written = await withLease(lease, () => database.write([extendLease(lease, untilMs)]));
  return { cancelRequested: written.rows(0, LEASE_EXTENDED)[0] ?? false };
}

/** Gives a run back until `wakeAtMs`, or ends it when somebody asked to cancel it. `LeaseLostError`. */
export async function parkRun(database: Database, lease: Lease, input: { reason: string; wakeAtMs: number }): Promise<void> {
  const park = operation(PARK, { run: lease.run, ...input });
  // It may end here: somebody asked to cancel it.
  await withLease(lease, () => database.write([guardLease(lease), park, noteEnd(lease.run, Date.now())]));
}

/** Ends a run, or holds it for an operator; `alongside` happens in the same transaction. `LeaseLostError`. */
export async function finishRun(
  database: Database,
  lease: Lease,
  input: { state: Exclude<RunState, 'queued' | 'running' | 'parked'>; reason: string | undefined; nowMs: number },
  alongside: readonly Operation[] = [],
): Promise<void> {
  const { state, reason = null, nowMs } = input;
  const finish = operation(FINISH, { run: lease.run, state, reason, nowMs });
  await withLease(lease, () => database.write([guardLease(lease), finish, noteEnd(lease.run, nowMs), ...alongside]));
}

/**
 * Cancels a run that waits, or asks the worker of one that runs to stop. False when the organisation
 * has no such run or it is not active.
 */
export async function requestCancel(database: Database, organisation: string, id: string, nowMs: number): Promise<boolean> {
  const written = await database.write([operation(CANCEL, { id, organisation, nowMs }), noteEnd(id, nowMs)]);
  return written.changes(0) === 1;
}

export async function isCancelRequested(database: Database, id: string): Promise<boolean> {
  return (await database.readOne(CANCEL_REQUESTED, { id })) ?? false;
}

export async function getRun(database: Database, organisation: string, id: string): Promise<StoredRun | undefined> {
  const row = await database.readOne(GET, { id, organisation });
  return row === undefined ? undefined : (await completeRuns(database, [row]))[0];
}

/** Which runs are wanted; all that it does not name. */
export interface RunFilter {
  connection?: string;
  state?: RunState;
  kind?: RunKind;
}

async function listRows(
  database: Database,
  connection: string | undefined,
  state: RunState | null,
  bounds: Omit<ListParams, 'state'>,
): Promise<RunRow[]> {
  if (connection !== undefined) return database.read(LIST_OF_CONNECTION, { ...bounds, state, connection });
  return state === 'held' ? database.read(LIST_HELD, bounds) : database.read(LIST, { ...bounds, state });
}

/** Newest first. INVALID_REQUEST for a bad limit or cursor. */
export async function listRuns(
  database: Database,
  organisation: string,
  filter: RunFilter,
  page: PageRequest,
): Promise<StoredPage<StoredRun>> {
  const { connection, state = null, kind = null } = filter;
  const bounds = { organisation, kind, ...pageBounds(page, BEFORE_NEWEST) };
  const rows = await listRows(database, connection, state, bounds);
  const { items, next } = toPage(rows, page, (row) => row.id);
  return { items: await completeRuns(database, items), next };
}
