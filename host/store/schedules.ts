import { SCHEDULED_KINDS, type ScheduledKind } from '../domain/run-kind.ts';
import { operation } from './database.ts';
import type { Database, Operation } from './database.ts';
import { defineStatement } from './statement.ts';
import type { Columns } from './statement.ts';

/** When runs of one kind come by themselves, as far as the store knows. */
export interface StoredSchedule {
  kind: ScheduledKind;
  /** What an operator set for this connection. */
  override: string | undefined;
  dueAtMs: number | undefined;
  /** Of the component that `dueAtMs` was computed for. */
  digest: string | undefined;
  /** Of the component that said that it lacks the function. */
  unsupportedDigest: string | undefined;
}

/** A schedule that wants a look: its time has come, or it has never been computed for this component. */
export interface PendingSchedule extends StoredSchedule {
  organisation: string;
  connection: string;
  datasource: string;
}

type Key = { connection: string; kind: string };

const KINDS = SCHEDULED_KINDS.map((kind) => `('${kind}')`).join(', ');

const PENDING = defineStatement<{ nowMs: number; limit: number }, PendingSchedule>(
  'schedules.pending',
  `SELECT connections.organisation_id, connections.id AS connection_id, connections.datasource_name, kinds.column1 AS kind,
     schedules.override, schedules.due_ms, schedules.digest, schedules.unsupported_digest
   FROM connections
   JOIN datasource_registry ON datasource_registry.name = connections.datasource_name
   JOIN (VALUES ${KINDS}) AS kinds
   LEFT JOIN schedules ON schedules.connection_id = connections.id AND schedules.kind = kinds.column1
   LEFT JOIN connection_work ON connection_work.connection_id = connections.id
   WHERE connections.removed_at_ms IS NULL AND connection_work.paused_at_ms IS NULL
     AND (schedules.digest IS NOT datasource_registry.digest OR schedules.due_ms <= :nowMs)
   ORDER BY schedules.due_ms, connections.id LIMIT :limit`,
  (row) => ({
    ...toSchedule(row),
    organisation: row.text('organisation_id'),
    connection: row.text('connection_id'),
    datasource: row.text('datasource_name'),
  }),
);

const OF_CONNECTION = defineStatement<{ connection: string }, StoredSchedule>(
  'schedules.of-connection',
  'SELECT kind, override, due_ms, digest, unsupported_digest FROM schedules WHERE connection_id = :connection',
  toSchedule,
);

// Changes no row when another host was faster.
const ADVANCE = defineStatement<Key & { seenMs: number | null; seenDigest: string | null; dueMs: number | null; digest: string }>(
  'schedules.advance',
  `INSERT INTO schedules (connection_id, kind, due_ms, digest) VALUES (:connection, :kind, :dueMs, :digest)
   ON CONFLICT (connection_id, kind) DO UPDATE SET due_ms = excluded.due_ms, digest = excluded.digest
   WHERE due_ms IS :seenMs AND digest IS :seenDigest`,
);

// The next look at it computes when it is due.
const SET_OVERRIDE = defineStatement<Key & { override: string | null }>(
  'schedules.set-override',
  `INSERT INTO schedules (connection_id, kind, override) VALUES (:connection, :kind, :override)
   ON CONFLICT (connection_id, kind) DO UPDATE SET override = excluded.override, due_ms = NULL, digest = NULL`,
);

const SET_UNSUPPORTED = defineStatement<Key & { digest: string }>(
  'schedules.set-unsupported',
  `INSERT INTO schedules (connection_id, kind, digest, unsupported_digest) VALUES (:connection, :kind, :digest, :digest)
   ON CONFLICT (connection_id, kind) DO UPDATE SET due_ms = NULL, digest = excluded.digest, unsupported_digest = excluded.digest`,
);

/** Schedules of connections that are not paused, those first that have waited longest. */
export async function pendingSchedules(database: Database, nowMs: number, limit: number): Promise<PendingSchedule[]> {
  return database.read(PENDING, { nowMs, limit });
}

/** What is stored of a connection's schedules; kinds that no host has looked at are missing. */
export async function schedulesOf(database: Database, connection: string): Promise<StoredSchedule[]> {
  return database.read(OF_CONNECTION, { connection });
}

/** Sets when it is due next, if nobody else has meanwhile: the guard of a transaction. */
export function advanceSchedule(pending: PendingSchedule, next: { dueMs: number | undefined; digest: string }): Operation {
  const { connection, kind, dueAtMs = null, digest: seenDigest = null } = pending;
  const params = { connection, kind, seenMs: dueAtMs, seenDigest, dueMs: next.dueMs ?? null, digest: next.digest };
  return operation(ADVANCE, params, { expectChanges: 1 });
}

/** Whether a transaction failed because another host had taken the schedule. */
export const SCHEDULE_TAKEN = ADVANCE.name;

/** What an operator sets; undefined goes back to the datasource's or the host's. */
export function overrideSchedule(connection: string, kind: ScheduledKind, override: string | undefined): Operation {
  return operation(SET_OVERRIDE, { connection, kind, override: override ?? null });
}

/** The component lacks the function: it is not asked again before it is another component. */
export function markUnsupported(connection: string, kind: ScheduledKind, digest: string): Operation {
  return operation(SET_UNSUPPORTED, { connection, kind, digest });
}

function toSchedule(row: Columns): StoredSchedule {
  return {
    kind: row.oneOf('kind', SCHEDULED_KINDS),
    override: row.optionalText('override'),
    dueAtMs: row.optionalNumber('due_ms'),
    digest: row.optionalText('digest'),
    unsupportedDigest: row.optionalText('unsupported_digest'),
  };
}
