import { operation } from './database.ts';
import type { Database, Operation } from './database.ts';
import { SINK_MS } from './notifications.ts';
import { defineStatement } from './statement.ts';
import type { Columns } from './statement.ts';

/** That a source has ended an authorisation, as it is to be told. */
export interface DueNotice {
  connection: string;
  organisation: string;
  /** Of the tokens that are worth nothing any more. */
  generation: number;
  createdAtMs: number;
  /** This one included. */
  attempts: number;
}

const NOTE = defineStatement<{ connection: string; generation: number; nowMs: number; sinceMs: number }>(
  'authorisation_notices.note',
  `INSERT INTO authorisation_notices (connection_id, generation, created_at_ms, due_ms)
   SELECT connection_id, generation, :nowMs, :nowMs FROM authorisations
   WHERE connection_id = :connection AND generation = :generation AND state = 'paused' AND ended_at_ms = :nowMs
     AND EXISTS (SELECT 1 FROM notification_sinks WHERE seen_at_ms > :sinceMs)
   ON CONFLICT (connection_id, generation) DO NOTHING`,
);

const ANY_DUE = defineStatement<{ nowMs: number }, boolean>(
  'authorisation_notices.any-due',
  'SELECT 1 AS due FROM authorisation_notices WHERE due_ms <= :nowMs LIMIT 1',
  (row) => row.flag('due'),
);

const CLAIM = defineStatement<{ nowMs: number; untilMs: number }, DueNotice>(
  'authorisation_notices.claim',
  `UPDATE authorisation_notices SET due_ms = :untilMs, attempts = attempts + 1
   WHERE (connection_id, generation) =
     (SELECT connection_id, generation FROM authorisation_notices WHERE due_ms <= :nowMs ORDER BY due_ms, connection_id LIMIT 1)
   RETURNING connection_id, generation, created_at_ms, attempts,
     (SELECT organisation_id FROM authorisations WHERE authorisations.connection_id = authorisation_notices.connection_id) AS organisation_id`,
  toNotice,
);

type Attempt = { connection: string; generation: number; attempts: number };

// The number of the attempt keeps a host whose lease ran out from ending the attempt of another one.
const TAKEN = defineStatement<Attempt>(
  'authorisation_notices.delete',
  'DELETE FROM authorisation_notices WHERE connection_id = :connection AND generation = :generation AND attempts = :attempts',
);

const LATER = defineStatement<Attempt & { dueMs: number }>(
  'authorisation_notices.later',
  `UPDATE authorisation_notices SET due_ms = :dueMs
   WHERE connection_id = :connection AND generation = :generation AND attempts = :attempts`,
);

/** Part of the transaction that pauses an authorisation: writes down that it is to be told, where a host delivers that. */
export function noteEndOfAuthorisation({ connection, generation }: { connection: string; generation: number }, nowMs: number): Operation {
  return operation(NOTE, { connection, generation, nowMs, sinceMs: nowMs - SINK_MS });
}

/** Takes the one that has been due for longest, for one host until `untilMs`. */
export async function claimNotice(database: Database, times: { nowMs: number; untilMs: number }): Promise<DueNotice | undefined> {
  // Asked every second and mostly in vain: a read does not take the write lock for that.
  if ((await database.readOne(ANY_DUE, { nowMs: times.nowMs })) === undefined) return undefined;
  return (await database.write([operation(CLAIM, times)])).rows(0, CLAIM)[0];
}

/** It was taken, or is given up. */
export async function endNotice(database: Database, { connection, generation, attempts }: DueNotice): Promise<void> {
  await database.write([operation(TAKEN, { connection, generation, attempts })]);
}

/** It is tried again at `dueMs`. */
export async function delayNotice(database: Database, { connection, generation, attempts }: DueNotice, dueMs: number): Promise<void> {
  await database.write([operation(LATER, { connection, generation, attempts, dueMs })]);
}

function toNotice(row: Columns): DueNotice {
  return {
    connection: row.text('connection_id'),
    organisation: row.text('organisation_id'),
    generation: row.number('generation'),
    createdAtMs: row.number('created_at_ms'),
    attempts: row.number('attempts'),
  };
}
