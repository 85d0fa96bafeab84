import { operation } from './database.ts';
import type { Database, Operation } from './database.ts';
import { defineStatement } from './statement.ts';
import type { Columns, NoParams } from './statement.ts';

/** A verified delivery that the datasource is to be given. */
export interface StoredDelivery {
  /** A ULID: later ones are greater. */
  id: string;
  /** The source's own id, for the datasource. */
  sourceId: string;
  headers: [name: string, value: string][];
  body: Uint8Array;
}

export interface NewDelivery extends StoredDelivery {
  connection: string;
  /** A copy of a delivery has the same. */
  identity: string;
  nowMs: number;
}

/** What may wait for one connection. */
const MAX_PENDING = 10_000;
const MAX_PENDING_BYTES = 64 * 1024 * 1024;

/** How long a copy is known for one. */
const KEPT_MS = 7 * 24 * 3_600_000;

const HAS_ROOM = defineStatement<{ connection: string; bytes: number }, { has: boolean }>(
  'webhook_deliveries.has-room',
  `SELECT count(*) < ${MAX_PENDING} AND coalesce(sum(length(body)), 0) + :bytes <= ${MAX_PENDING_BYTES} AS has
   FROM webhook_deliveries WHERE connection_id = :connection AND state = 'pending'`,
  (row) => ({ has: row.flag('has') }),
);

const INSERT = defineStatement<{
  id: string;
  connection: string;
  identity: string;
  sourceId: string;
  headers: string;
  body: Uint8Array;
  nowMs: number;
}>(
  'webhook_deliveries.insert',
  `INSERT INTO webhook_deliveries (id, connection_id, identity, source_id, headers, body, state, received_at_ms)
   VALUES (:id, :connection, :identity, :sourceId, :headers, :body, 'pending', :nowMs)
   ON CONFLICT (connection_id, identity) DO NOTHING`,
);

const NEXT = defineStatement<{ connection: string; limit: number }, StoredDelivery>(
  'webhook_deliveries.next',
  `SELECT id, source_id, headers, body FROM webhook_deliveries
   WHERE connection_id = :connection AND state = 'pending' ORDER BY id LIMIT :limit`,
  toDelivery,
);

const END = defineStatement<{ connection: string; id: string; state: string; reason: string | null; nowMs: number }>(
  'webhook_deliveries.end',
  `UPDATE webhook_deliveries SET state = :state, reason = :reason, ended_at_ms = :nowMs, headers = '[]', body = x''
   WHERE id = :id AND connection_id = :connection AND state = 'pending'`,
);

const FORGET = defineStatement<{ beforeMs: number }>(
  'webhook_deliveries.forget',
  `DELETE FROM webhook_deliveries WHERE state <> 'pending' AND ended_at_ms < :beforeMs`,
);

const WANT_READ = defineStatement<{ connection: string; feature: string; nowMs: number }>(
  'webhook_reads.insert',
  `INSERT INTO webhook_reads (connection_id, feature, asked_at_ms) VALUES (:connection, :feature, :nowMs) ON CONFLICT DO NOTHING`,
);

const READS_TAKEN = defineStatement<{ connection: string; features: string }>(
  'webhook_reads.delete',
  'DELETE FROM webhook_reads WHERE connection_id = :connection AND feature IN (SELECT value FROM json_each(:features))',
);

/** A connection for which something has come that nobody works on. */
export interface WaitingConnection {
  organisation: string;
  connection: string;
  /** Whether deliveries wait; they come before the features to read. */
  deliveries: boolean;
  features: string[];
}

// Whoever is paused or worked on waits on.
const WAITING = defineStatement<NoParams, WaitingConnection>(
  'webhook_deliveries.waiting',
  `WITH waiting AS (
     SELECT connection_id FROM webhook_deliveries WHERE state = 'pending'
     UNION SELECT connection_id FROM webhook_reads)
   SELECT connections.organisation_id, connections.id,
     EXISTS (SELECT 1 FROM webhook_deliveries AS pending
       WHERE pending.connection_id = connections.id AND pending.state = 'pending') AS deliveries,
     (SELECT json_group_array(feature) FROM webhook_reads AS reads WHERE reads.connection_id = connections.id) AS features
   FROM waiting JOIN connections ON connections.id = waiting.connection_id
   WHERE connections.removed_at_ms IS NULL
     AND NOT EXISTS (SELECT 1 FROM runs
       WHERE runs.connection_id = connections.id AND runs.kind <> 'access' AND runs.state IN ('queued', 'running', 'parked'))
     AND NOT EXISTS (SELECT 1 FROM connection_work AS work
       WHERE work.connection_id = connections.id AND work.paused_at_ms IS NOT NULL)
   LIMIT 100`,
  (row) => ({
    organisation: row.text('organisation_id'),
    connection: row.text('id'),
    deliveries: row.flag('deliveries'),
    features: row.texts('features'),
  }),
);

/** Keeps a delivery until it is worked on. `repeated`: one with the same identity came before. `full`: too much waits already. */
export async function keepDelivery(database: Database, delivery: NewDelivery): Promise<'kept' | 'repeated' | 'full'> {
  const { id, connection, identity, sourceId, headers, body, nowMs } = delivery;
  const room = await database.readOne(HAS_ROOM, { connection, bytes: body.byteLength });
  if (room?.has !== true) return 'full';
  const written = await database.write([
    operation(FORGET, { beforeMs: nowMs - KEPT_MS }),
    operation(INSERT, { id, connection, identity, sourceId, headers: JSON.stringify(headers), body, nowMs }),
  ]);
  return written.changes(1) === 1 ? 'kept' : 'repeated';
}

/** Those that wait, in the order in which they came. */
export async function nextDeliveries(database: Database, connection: string, limit: number): Promise<StoredDelivery[]> {
  return database.read(NEXT, { connection, limit });
}

/** Ends a delivery and forgets what it held; a guard of the transaction, which fails when it has ended already. */
export function endDelivery(input: {
  connection: string;
  id: string;
  /** Undefined when the datasource took it. */
  reason: string | undefined;
  nowMs: number;
}): Operation {
  const { connection, id, reason = null, nowMs } = input;
  return operation(END, { connection, id, state: reason === null ? 'done' : 'failed', reason, nowMs }, { expectChanges: 1 });
}

/** Remembers that a feature is to be read. */
export function wantRead(connection: string, feature: string, nowMs: number): Operation {
  return operation(WANT_READ, { connection, feature, nowMs });
}

/** Forgets it: a run of these features is queued in the same transaction. */
export function readsTaken(connection: string, features: readonly string[]): Operation {
  return operation(READS_TAKEN, { connection, features: JSON.stringify(features) });
}

/** Connections for which a run is to be queued now. */
export async function waitingConnections(database: Database): Promise<WaitingConnection[]> {
  return database.read(WAITING, {});
}

function toDelivery(row: Columns): StoredDelivery {
  return { id: row.text('id'), sourceId: row.text('source_id'), headers: toHeaders(row.text('headers')), body: row.bytes('body') };
}

function toHeaders(text: string): [string, string][] {
  const value: unknown = JSON.parse(text);
  if (!Array.isArray(value)) throw new TypeError('the headers of a delivery are no list');
  return value.map((entry: unknown) => {
    if (!Array.isArray(entry)) throw new TypeError('a header of a delivery is no pair');
    return [String(entry[0]), String(entry[1])];
  });
}
