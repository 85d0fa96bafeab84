import { RequestError } from '../domain/errors.ts';
import { ExpectationError, isUniqueViolation, operation } from './database.ts';
import type { Database, Operation } from './database.ts';
import { defineStatement } from './statement.ts';

// `created_at_ms` says since when a queued run waits.
const RELEASE = defineStatement<{ id: string; organisation: string; nowMs: number }>(
  'runs.release',
  `UPDATE runs SET state = 'queued', reason = NULL, attempts = 0, created_at_ms = max(created_at_ms, :nowMs)
   WHERE id = :id AND organisation_id = :organisation AND state = 'held'`,
);

const RELEASE_LISTINGS = defineStatement<{ id: string; nowMs: number }>(
  'listings.release',
  `INSERT INTO listings (run_id, feature, phase, began_at_ms, approved)
   SELECT run_id, feature, 'listing', :nowMs, 1 FROM run_features WHERE run_id = :id AND state = 'held'`,
);

const RELEASE_FEATURES = defineStatement<{ id: string }>(
  'run_features.release',
  `UPDATE run_features SET state = 'pending', reason = NULL, seen = 0 WHERE run_id = :id AND state = 'held'`,
);

const DISMISS = defineStatement<{ id: string; organisation: string; reason: string; nowMs: number }>(
  'runs.dismiss',
  `UPDATE runs SET state = 'cancelled', reason = :reason, finished_at_ms = :nowMs
   WHERE id = :id AND organisation_id = :organisation AND state = 'held'`,
);

const DISMISS_FEATURES = defineStatement<{ id: string; reason: string }>(
  'run_features.dismiss',
  `UPDATE run_features SET state = 'skipped', reason = :reason WHERE run_id = :id AND state = 'held'`,
);

const FORGET_IDS = defineStatement<{ id: string }>('held_ids.forget-run', 'DELETE FROM held_ids WHERE run_id = :id');

const SUPERSEDE = defineStatement<{ connection: string; run: string; reason: string; nowMs: number }>(
  'runs.supersede',
  `UPDATE runs SET state = 'cancelled', reason = :reason, finished_at_ms = :nowMs
   WHERE connection_id = :connection AND id <> :run AND state = 'held'`,
);

const SUPERSEDED_FEATURES = defineStatement<{ connection: string; reason: string }>(
  'run_features.supersede',
  `UPDATE run_features SET state = 'skipped', reason = :reason WHERE state = 'held'
     AND run_id IN (SELECT id FROM runs WHERE connection_id = :connection AND state = 'cancelled')`,
);

const ENDED = `run_id IN (SELECT id FROM runs WHERE connection_id = :connection AND finished_at_ms IS NOT NULL)`;

// Of every prune that has ended, however it did: cancelled or failed ones leave theirs behind.
const FORGET_ENDED = ['held_ids', 'listed_ids', 'listings'].map((table) =>
  defineStatement<{ connection: string }>(`${table}.forget-ended`, `DELETE FROM ${table} WHERE ${ENDED}`),
);

const LATER = 'a later prune came to its own findings';

/**
 * Queues a held prune again, which then removes nothing that it was not held for. False when the organisation has no such held
 * run; RUN_IN_PROGRESS when the connection has an active one.
 */
export async function releaseHeld(database: Database, organisation: string, id: string, nowMs: number): Promise<boolean> {
  try {
    await database.write([
      operation(RELEASE, { id, organisation, nowMs }, { expectChanges: 1 }),
      operation(RELEASE_LISTINGS, { id, nowMs }),
      operation(RELEASE_FEATURES, { id }),
    ]);
    return true;
  } catch (error) {
    if (error instanceof ExpectationError) return false;
    if (!isUniqueViolation(error)) throw error;
    throw new RequestError('RUN_IN_PROGRESS', 'The connection has a run that is not finished.', {
      remedy: 'Wait for it, or cancel it first.',
      cause: error,
    });
  }
}

/** Ends a held prune without removing anything. False when the organisation has no such held run. */
export async function dismissHeld(
  database: Database,
  organisation: string,
  id: string,
  input: { reason: string; nowMs: number },
): Promise<boolean> {
  const { reason, nowMs } = input;
  try {
    await database.write([
      operation(DISMISS, { id, organisation, reason, nowMs }, { expectChanges: 1 }),
      operation(DISMISS_FEATURES, { id, reason }),
      operation(FORGET_IDS, { id }),
    ]);
    return true;
  } catch (error) {
    if (error instanceof ExpectationError) return false;
    throw error;
  }
}

/** A prune that has ended takes the place of those of its connection that are held, and what ended ones have written down is forgotten. */
export function supersedeHeld(connection: string, run: string, nowMs: number): Operation[] {
  return [
    operation(SUPERSEDE, { connection, run, reason: LATER, nowMs }),
    operation(SUPERSEDED_FEATURES, { connection, reason: LATER }),
    ...FORGET_ENDED.map((statement) => operation(statement, { connection })),
  ];
}
