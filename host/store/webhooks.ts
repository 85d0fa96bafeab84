import { operation } from './database.ts';
import type { Database, Operation } from './database.ts';
import { defineStatement } from './statement.ts';
import type { Columns } from './statement.ts';

/** The entry of one connection for what its source sends. */
export interface StoredWebhook {
  organisation: string;
  connection: string;
  datasource: string;
  /** As the vault sealed it; this layer never sees a secret. */
  sealedSecret: Uint8Array;
  createdAtMs: number;
  updatedAtMs: number;
}

/** What has come through it. */
export interface DeliveryCounts {
  pending: number;
  done: number;
  failed: number;
  lastReceivedAtMs: number | undefined;
  /** Of the last one that failed. */
  lastReason: string | undefined;
}

// No row changes for a connection that somebody else has, or has removed.
const PUT = defineStatement<{ organisation: string; connection: string; sealedSecret: Uint8Array; nowMs: number }>(
  'webhooks.put',
  `INSERT INTO webhooks (connection_id, sealed_secret, created_at_ms, updated_at_ms)
   SELECT id, :sealedSecret, :nowMs, :nowMs FROM connections
   WHERE id = :connection AND organisation_id = :organisation AND removed_at_ms IS NULL
   ON CONFLICT (connection_id) DO UPDATE SET sealed_secret = excluded.sealed_secret, updated_at_ms = excluded.updated_at_ms`,
);

const OF_CONNECTION = 'SELECT id FROM connections WHERE id = :connection AND organisation_id = :organisation';

const DELETE = defineStatement<{ organisation: string; connection: string }>(
  'webhooks.delete',
  `DELETE FROM webhooks WHERE connection_id IN (${OF_CONNECTION})`,
);

const DELETE_PENDING = defineStatement<{ organisation: string; connection: string }>(
  'webhook_deliveries.delete-pending',
  `DELETE FROM webhook_deliveries WHERE state = 'pending' AND connection_id IN (${OF_CONNECTION})`,
);

// The address names the connection alone: it is the one look-up that tells the organisation instead of being told.
const FIND = defineStatement<{ connection: string }, StoredWebhook>(
  'webhooks.find',
  `SELECT connections.organisation_id, connections.id, connections.datasource_name, webhooks.sealed_secret,
     webhooks.created_at_ms, webhooks.updated_at_ms
   FROM webhooks JOIN connections ON connections.id = webhooks.connection_id
   WHERE webhooks.connection_id = :connection AND connections.removed_at_ms IS NULL`,
  toWebhook,
);

const COUNTS = defineStatement<{ organisation: string; connection: string }, DeliveryCounts>(
  'webhook_deliveries.counts',
  `SELECT count(*) FILTER (WHERE state = 'pending') AS pending, count(*) FILTER (WHERE state = 'done') AS done,
     count(*) FILTER (WHERE state = 'failed') AS failed, max(received_at_ms) AS last_received_at_ms,
     (SELECT reason FROM webhook_deliveries AS last WHERE last.connection_id = :connection AND last.state = 'failed'
      ORDER BY last.id DESC LIMIT 1) AS last_reason
   FROM webhook_deliveries WHERE connection_id IN (${OF_CONNECTION})`,
  (row) => ({
    pending: row.number('pending'),
    done: row.number('done'),
    failed: row.number('failed'),
    lastReceivedAtMs: row.optionalNumber('last_received_at_ms'),
    lastReason: row.optionalText('last_reason'),
  }),
);

/** Makes the entry or changes its secret; a guard of the transaction, which fails when the organisation has no such connection. */
export function putWebhook(input: { organisation: string; connection: string; sealedSecret: Uint8Array; nowMs: number }): Operation {
  return operation(PUT, input, { expectChanges: 1 });
}

/** Closes the entry, and forgets what has come through it and was not looked at yet. */
export function deleteWebhook(organisation: string, connection: string): Operation[] {
  const home = { organisation, connection };
  return [operation(DELETE_PENDING, home), operation(DELETE, home)];
}

/** The entry at the address of a connection, whosever it is. */
export async function findWebhook(database: Database, connection: string): Promise<StoredWebhook | undefined> {
  return database.readOne(FIND, { connection });
}

export async function countDeliveries(database: Database, organisation: string, connection: string): Promise<DeliveryCounts> {
  const counts = await database.readOne(COUNTS, { organisation, connection });
  return counts ?? { pending: 0, done: 0, failed: 0, lastReceivedAtMs: undefined, lastReason: undefined };
}

function toWebhook(row: Columns): StoredWebhook {
  return {
    organisation: row.text('organisation_id'),
    connection: row.text('id'),
    datasource: row.text('datasource_name'),
    sealedSecret: row.bytes('sealed_secret'),
    createdAtMs: row.number('created_at_ms'),
    updatedAtMs: row.number('updated_at_ms'),
  };
}
