import { operation } from './database.ts';
import type { Database } from './database.ts';
import { defineStatement } from './statement.ts';

/** A request that was sent with an idempotency key. */
export interface StoredRequest {
  fingerprint: Uint8Array;
  /** What it was answered; undefined while it is under way. */
  answer: Uint8Array | undefined;
}

const PURGE = defineStatement<{ nowMs: number }>('idempotency.purge', 'DELETE FROM idempotent_requests WHERE expires_at_ms <= :nowMs');

// One that was begun and never ended, because its host died, may be taken over by the same request.
const CLAIM = defineStatement<{ id: Uint8Array; fingerprint: Uint8Array; nowMs: number; busyUntilMs: number; expiresAtMs: number }>(
  'idempotency.claim',
  `INSERT INTO idempotent_requests (id, fingerprint, busy_until_ms, expires_at_ms) VALUES (:id, :fingerprint, :busyUntilMs, :expiresAtMs)
   ON CONFLICT (id) DO UPDATE SET busy_until_ms = excluded.busy_until_ms, expires_at_ms = excluded.expires_at_ms
   WHERE answer IS NULL AND busy_until_ms <= :nowMs AND fingerprint = excluded.fingerprint`,
);

const GET = defineStatement<{ id: Uint8Array }, StoredRequest>(
  'idempotency.get',
  'SELECT fingerprint, answer FROM idempotent_requests WHERE id = :id',
  (row) => ({ fingerprint: row.bytes('fingerprint'), answer: row.optionalBytes('answer') }),
);

const ANSWER = defineStatement<{ id: Uint8Array; answer: Uint8Array }>(
  'idempotency.answer',
  'UPDATE idempotent_requests SET answer = :answer WHERE id = :id AND answer IS NULL',
);

const RELEASE = defineStatement<{ id: Uint8Array }>(
  'idempotency.release',
  'DELETE FROM idempotent_requests WHERE id = :id AND answer IS NULL',
);

/** Undefined when the request is the first of its id and is now under way; otherwise what there is of the first. */
export async function claimRequest(
  database: Database,
  request: { id: Uint8Array; fingerprint: Uint8Array; nowMs: number; busyUntilMs: number; expiresAtMs: number },
): Promise<StoredRequest | undefined> {
  const written = await database.write([operation(PURGE, { nowMs: request.nowMs }), operation(CLAIM, request)]);
  if (written.changes(1) === 1) return undefined;
  const found = await database.readOne(GET, { id: request.id });
  // Released between the two: whoever sends it again will be the first.
  return found ?? { fingerprint: request.fingerprint, answer: undefined };
}

export async function answerRequest(database: Database, id: Uint8Array, answer: Uint8Array): Promise<void> {
  await database.write([operation(ANSWER, { id, answer })]);
}

/** Forgets a request that has come to nothing. */
export async function releaseRequest(database: Database, id: Uint8Array): Promise<void> {
  await database.write([operation(RELEASE, { id })]);
}
