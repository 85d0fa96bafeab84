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

const BEGIN_PASS = defineStatement<{ connection: string; feature: string; nowMs: number }>(
  'passes.begin',
  `INSERT INTO passes (connection_id, feature, began_at_ms) VALUES (:connection, :feature, :nowMs)
   ON CONFLICT (connection_id, feature) DO NOTHING`,
);

const PASS = defineStatement<{ connection: string; feature: string }, number>(
  'passes.get',
  'SELECT began_at_ms FROM passes WHERE connection_id = :connection AND feature = :feature',
  (row) => row.number('began_at_ms'),
);

const END_PASS = defineStatement<{ connection: string; feature: string }>(
  'passes.end',
  'DELETE FROM passes WHERE connection_id = :connection AND feature = :feature',
);

/**
 * When the pass over a feature began: the first call after it was last done, or ever. It is in the store before that call is
 * made, and stays the same through pauses, restarts and other hosts until the feature is done. `LeaseLostError`.
 */
export async function beginPass(database: Database, lease: Lease, connection: string, feature: string, nowMs: number): Promise<number> {
  const begun = await database.readOne(PASS, { connection, feature });
  if (begun !== undefined) return begun;
  await withLease(lease, () => database.write([guardLease(lease), operation(BEGIN_PASS, { connection, feature, nowMs })]));
  return nowMs;
}

/** The feature is up to date: its next call begins a pass of its own. */
export function endPass(connection: string, feature: string): Operation {
  return operation(END_PASS, { connection, feature });
}

/** The features begin at the beginning again. */
export function forgetProgress(connection: string, feature: string): Operation[] {
  return [operation(FORGET, { connection, feature }), endPass(connection, feature)];
}

/** Where the next `read` of a feature goes on; none when it begins at the beginning. */
export async function getCheckpoint(database: Database, connection: string, feature: string): Promise<Uint8Array | undefined> {
  return database.readOne(GET, { connection, feature });
}

/** Makes a feature begin again, after the source said that it no longer knows the checkpoint. `LeaseLostError`. */
export async function forgetCheckpoint(database: Database, lease: Lease, connection: string, feature: string): Promise<void> {
  await withLease(lease, () => database.write([guardLease(lease), ...forgetProgress(connection, feature)]));
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
