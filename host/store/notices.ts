import { operation } from './database.ts';
import type { Operation } from './database.ts';
import { SINK_MS } from './notifications.ts';
import { defineOutbox } from './outbox.ts';
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

export const {
  claim: claimNotice,
  end: endNotice,
  delay: delayNotice,
} = defineOutbox<DueNotice>({
  table: 'authorisation_notices',
  key: ['connection_id', 'generation'],
  organisation: 'SELECT organisation_id FROM authorisations WHERE authorisations.connection_id = authorisation_notices.connection_id',
  toDue: toNotice,
  keyOf: ({ connection, generation }) => [connection, generation],
});

/** Part of the transaction that pauses an authorisation: writes down that it is to be told, where a host delivers that. */
export function noteEndOfAuthorisation({ connection, generation }: { connection: string; generation: number }, nowMs: number): Operation {
  return operation(NOTE, { connection, generation, nowMs, sinceMs: nowMs - SINK_MS });
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
