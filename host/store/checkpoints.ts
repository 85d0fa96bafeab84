import { operation } from './database.ts';
import type { Database, Operation } from './database.ts';
import { guardLease, withLease } from './leases.ts';
import type { Lease } from './leases.ts';
import { defineStatement } from './statement.ts';

const PUT = defineStatement<{ connection: string; feature: string; checkpoint: Uint8Array; run: string; nowMs: number }>(
  'checkpoints.put',
  `INSERT INTO checkpoints (connection_id, feature, checkpoint, run_id, updated_at_ms)
   VALUES (:connection, :feature, :checkpoint, :run, :nowMs)
   ON CONFLICT (connection_id, feature) DO UPDATE SET
     checkpoint = excluded.checkpoint, run_id = excluded.run_id, updated_at_ms = excluded.updated_at_ms`,
);

const GET = defineStatement<{ connection: string; feature: string }, Uint8Array>(
  'checkpoints.get',
  'SELECT checkpoint FROM checkpoints WHERE connection_id = :connection AND feature = :feature',
  (row) => row.bytes('checkpoint'),
);

const FORGET = defineStatement<{ connection: string; feature: string }>(
  'checkpoints.forget',
  'DELETE FROM checkpoints WHERE connection_id = :connection AND feature = :feature',
);

/** Where the next `read` of a feature goes on; none when it begins at the beginning. */
export async function getCheckpoint(database: Database, connection: string, feature: string): Promise<Uint8Array | undefined> {
  return database.readOne(GET, { connection, feature });
}

/** Makes a feature begin again, after the source said that it no longer knows the checkpoint. `LeaseLostError`. */
export async function forgetCheckpoint(database: Database, lease: Lease, connection: string, feature: string): Promise<void> {
  await withLease(lease, () => database.write([guardLease(lease), operation(FORGET, { connection, feature })]));
}

/** The checkpoint's part of a batch's transaction. */
export function putCheckpoint(input: {
  connection: string;
  feature: string;
  checkpoint: Uint8Array;
  run: string;
  nowMs: number;
}): Operation {
  return operation(PUT, input);
}
