import { operation } from './database.ts';
import type { Database, Operation } from './database.ts';
import { defineOutbox } from './outbox.ts';
import { defineStatement } from './statement.ts';
import type { Columns, NoParams } from './statement.ts';

/** That a run has ended, or waits for an operator, as it is to be told. */
export interface DueNotification {
  run: string;
  organisation: string;
  /** Of the run when it was written down. */
  state: string;
  createdAtMs: number;
  /** This one included. */
  attempts: number;
}

const HOUR_MS = 3_600_000;
/** Nothing is written down when no host has said for so long that it delivers. */
export const SINK_MS = 24 * HOUR_MS;

const SEEN = defineStatement<{ nowMs: number }>(
  'notification_sinks.seen',
  `INSERT INTO notification_sinks (id, seen_at_ms) VALUES (1, :nowMs)
   ON CONFLICT (id) DO UPDATE SET seen_at_ms = max(seen_at_ms, excluded.seen_at_ms)`,
);

// Runs that only tidy up come often and are told of when something is wrong.
const NOTE = defineStatement<{ run: string; nowMs: number; sinceMs: number }>(
  'notifications.note',
  `INSERT INTO notifications (run_id, state, created_at_ms, due_ms)
   SELECT id, state, :nowMs, :nowMs FROM runs
   WHERE id = :run AND (state IN ('failed', 'held') OR kind = 'content' AND state IN ('succeeded', 'partial', 'cancelled'))
     AND EXISTS (SELECT 1 FROM notification_sinks WHERE seen_at_ms > :sinceMs)
   ON CONFLICT (run_id, state) DO NOTHING`,
);

export const {
  claim: claimNotification,
  end: endNotification,
  delay: delayNotification,
} = defineOutbox<DueNotification>({
  table: 'notifications',
  key: ['run_id', 'state'],
  organisation: 'SELECT organisation_id FROM runs WHERE runs.id = run_id',
  toDue: toNotification,
  keyOf: ({ run, state }) => [run, state],
});

const WAITING = defineStatement<NoParams, number>('notifications.count', 'SELECT count(*) AS waiting FROM notifications', (row) =>
  row.number('waiting'),
);

/** Part of the transaction that ends or holds a run: writes down that it is to be told, where a host delivers that. */
export function noteEnd(run: string, nowMs: number): Operation {
  return operation(NOTE, { run, nowMs, sinceMs: nowMs - SINK_MS });
}

/** A host says that it delivers. */
export async function announceSink(database: Database, nowMs: number): Promise<void> {
  await database.write([operation(SEEN, { nowMs })]);
}

/** How many wait. */
export async function countNotifications(database: Database): Promise<number> {
  return (await database.readOne(WAITING, {})) ?? 0;
}

function toNotification(row: Columns): DueNotification {
  return {
    run: row.text('run_id'),
    organisation: row.text('organisation_id'),
    state: row.text('state'),
    createdAtMs: row.number('created_at_ms'),
    attempts: row.number('attempts'),
  };
}
