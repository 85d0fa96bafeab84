import { operation } from './database.ts';
import type { Database } from './database.ts';
import { defineStatement } from './statement.ts';

/** What a source said of its own limits to one credential. */
export interface StoredBudget {
  origin: string;
  /** No request makes sense before. */
  blockedUntilMs: number | undefined;
  /** Which limit was met. */
  reason: string | undefined;
  /** Requests that were left when it last said so. */
  remaining: number | undefined;
}

const OF_CREDENTIAL = defineStatement<{ credential: string }, StoredBudget>(
  'upstream_budgets.of-credential',
  'SELECT origin, blocked_until_ms, reason, remaining FROM upstream_budgets WHERE credential = :credential',
  (row) => ({
    origin: row.text('origin'),
    blockedUntilMs: row.optionalNumber('blocked_until_ms'),
    reason: row.optionalText('reason'),
    remaining: row.optionalNumber('remaining'),
  }),
);

// Two hosts may hear of the same limit: the later end holds.
const PUT = defineStatement<{
  credential: string;
  origin: string;
  blockedUntilMs: number | null;
  reason: string | null;
  remaining: number | null;
  nowMs: number;
}>(
  'upstream_budgets.put',
  `INSERT INTO upstream_budgets (credential, origin, blocked_until_ms, reason, remaining, updated_at_ms)
   VALUES (:credential, :origin, :blockedUntilMs, :reason, :remaining, :nowMs)
   ON CONFLICT (credential, origin) DO UPDATE SET
     reason = iif(coalesce(excluded.blocked_until_ms, 0) >= coalesce(blocked_until_ms, 0), excluded.reason, reason),
     blocked_until_ms = max(coalesce(blocked_until_ms, 0), coalesce(excluded.blocked_until_ms, 0)),
     remaining = excluded.remaining, updated_at_ms = excluded.updated_at_ms`,
);

// A limit that has passed says nothing any more.
const FORGET_OLD = defineStatement<{ beforeMs: number }>(
  'upstream_budgets.forget-old',
  'DELETE FROM upstream_budgets WHERE updated_at_ms < :beforeMs AND coalesce(blocked_until_ms, 0) < :beforeMs',
);

const DAY_MS = 86_400_000;

export async function upstreamBudgets(database: Database, credential: string): Promise<StoredBudget[]> {
  return database.read(OF_CREDENTIAL, { credential });
}

export async function putUpstreamBudgets(
  database: Database,
  credential: string,
  budgets: readonly StoredBudget[],
  nowMs: number,
): Promise<void> {
  const puts = budgets.map(({ origin, blockedUntilMs = null, reason = null, remaining = null }) =>
    operation(PUT, { credential, origin, blockedUntilMs, reason, remaining, nowMs }),
  );
  await database.write([...puts, operation(FORGET_OLD, { beforeMs: nowMs - DAY_MS })]);
}
