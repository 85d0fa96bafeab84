import { ExpectationError, operation } from './database.ts';
import type { Operation } from './database.ts';
import { defineStatement } from './statement.ts';

/**
 * The right to work on a run, given by `claimNextRun`. `owner` is made anew for each claim, so that a
 * lease which expired and was claimed again, even by the same host, is not mistaken for the old one.
 */
export interface Lease {
  readonly run: string;
  readonly owner: string;
}

/** Somebody else has claimed the run, or it has ended: whoever gets this stops working on it. Nothing was written. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
  readonly code = 'LEASE_LOST';

  constructor(lease: Lease, cause: unknown) {
    super(`the lease on run ${lease.run} is lost`, { cause });
  }
}

const GUARD = defineStatement<{ run: string; owner: string }>(
  'runs.guard',
  `UPDATE runs SET lease_owner = lease_owner WHERE id = :run AND state = 'running' AND lease_owner = :owner`,
);

const EXTEND = defineStatement<{ run: string; owner: string; untilMs: number }, boolean>(
  'runs.extend',
  `UPDATE runs SET lease_until_ms = max(lease_until_ms, :untilMs)
   WHERE id = :run AND state = 'running' AND lease_owner = :owner
   RETURNING cancel_requested OR EXISTS (
     SELECT 1 FROM connection_work WHERE connection_id = runs.connection_id AND paused_at_ms IS NOT NULL) AS stop`,
  (row) => row.flag('stop'),
);

/** First in a transaction that only the holder of the lease may do. */
export function guardLease(lease: Lease): Operation {
  return operation(GUARD, { run: lease.run, owner: lease.owner }, { expectChanges: 1 });
}

/** `guardLease` that also extends the lease; its row is whether somebody asked to cancel the run or paused its connection. */
export function extendLease(lease: Lease, untilMs: number): Operation {
  return operation(EXTEND, { run: lease.run, owner: lease.owner, untilMs }, { expectChanges: 1 });
}

/** The statement of `extendLease`, to read its row by. */
export const LEASE_EXTENDED = EXTEND;

/** Turns the failure of a guard into `LeaseLostError`. */
export async function withLease<T>(lease: Lease, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ExpectationError && (error.statement === GUARD.name || error.statement === EXTEND.name)) {
      throw new LeaseLostError(lease, error);
    }
    throw error;
  }
}
