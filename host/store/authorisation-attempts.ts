import { operation } from './database.ts';
import type { Database } from './database.ts';
import { defineStatement } from './statement.ts';
import type { Columns } from './statement.ts';

export const ATTEMPT_STATES = ['waiting', 'exchanging', 'choosing', 'done', 'failed'] as const;

export type AttemptState = (typeof ATTEMPT_STATES)[number];

/** An authorisation that has been begun and waits for a person. */
export interface StoredAttempt {
  id: string;
  organisation: string;
  connection: string;
  flow: 'code' | 'device';
  state: AttemptState;
  /** Why it failed, for people. */
  reason: string | undefined;
  /** Who began it. */
  begunBy: string;
  /** What is needed to finish it; gone when it has ended. */
  sealed: Uint8Array | undefined;
  /** SHA-256 of the secret that only the browser has which it was begun in; none before that. */
  browserHash: Uint8Array | undefined;
  /** What is to be chosen from. */
  choices: { id: string; label: string }[];
  createdAtMs: number;
  expiresAtMs: number;
  intervalMs: number | undefined;
}

export interface AttemptInsert {
  id: string;
  organisation: string;
  connection: string;
  flow: 'code' | 'device';
  begunBy: string;
  stateHash: Uint8Array | undefined;
  /** Of the link that begins it in a browser. */
  startHash: Uint8Array | undefined;
  /** Of the browser that it is begun in, where that is known at once. */
  browserHash: Uint8Array | undefined;
  sealed: Uint8Array;
  createdAtMs: number;
  expiresAtMs: number;
  dueMs: number | undefined;
  intervalMs: number | undefined;
}

const COLUMNS = `id, organisation_id, connection_id, flow, state, reason, begun_by, sealed, browser_hash, choices, created_at_ms, expires_at_ms, interval_ms`;
/** How long one that has ended can be asked about. */
const KEPT_MS = 24 * 3_600_000;

type NullableInsert = {
  id: string;
  organisation: string;
  connection: string;
  flow: string;
  begunBy: string;
  stateHash: Uint8Array | null;
  startHash: Uint8Array | null;
  browserHash: Uint8Array | null;
  sealed: Uint8Array;
  createdAtMs: number;
  expiresAtMs: number;
  dueMs: number | null;
  intervalMs: number | null;
};

const INSERT = defineStatement<NullableInsert>(
  'authorisation-attempts.insert',
  `INSERT INTO authorisation_attempts (id, organisation_id, connection_id, flow, state, begun_by, state_hash, start_hash, browser_hash, sealed,
     created_at_ms, expires_at_ms, due_ms, interval_ms)
   VALUES (:id, :organisation, :connection, :flow, 'waiting', :begunBy, :stateHash, :startHash, :browserHash, :sealed, :createdAtMs,
     :expiresAtMs, :dueMs, :intervalMs)`,
);

const FIND_BY_START = defineStatement<{ startHash: Uint8Array; nowMs: number }, StoredAttempt>(
  'authorisation-attempts.find-by-start',
  `SELECT ${COLUMNS} FROM authorisation_attempts WHERE start_hash = :startHash AND state = 'waiting' AND expires_at_ms > :nowMs`,
  toAttempt,
);

// Once only: the link is worth nothing in a second browser.
const START = defineStatement<{ startHash: Uint8Array; browserHash: Uint8Array; nowMs: number }, StoredAttempt>(
  'authorisation-attempts.start',
  `UPDATE authorisation_attempts SET start_hash = NULL, browser_hash = :browserHash
   WHERE start_hash = :startHash AND state = 'waiting' AND expires_at_ms > :nowMs RETURNING ${COLUMNS}`,
  toAttempt,
);

// A new one takes the place of those that still wait: an old link in somebody's mail must not undo it.
const SUPERSEDE = defineStatement<{ organisation: string; connection: string; reason: string }>(
  'authorisation-attempts.supersede',
  `UPDATE authorisation_attempts SET state = 'failed', reason = :reason, state_hash = NULL, start_hash = NULL, sealed = NULL, due_ms = NULL
   WHERE connection_id = :connection AND organisation_id = :organisation AND state IN ('waiting', 'choosing')`,
);

const GET = defineStatement<{ organisation: string; connection: string; id: string }, StoredAttempt>(
  'authorisation-attempts.get',
  `SELECT ${COLUMNS} FROM authorisation_attempts WHERE id = :id AND connection_id = :connection AND organisation_id = :organisation`,
  toAttempt,
);

const LATEST = defineStatement<{ organisation: string; connection: string }, StoredAttempt>(
  'authorisation-attempts.latest',
  `SELECT ${COLUMNS} FROM authorisation_attempts WHERE connection_id = :connection AND organisation_id = :organisation
   ORDER BY id DESC LIMIT 1`,
  toAttempt,
);

// Once only: whoever comes second with the same state finds none that waits.
const TAKE_BY_STATE = defineStatement<{ stateHash: Uint8Array; nowMs: number }, StoredAttempt>(
  'authorisation-attempts.take-by-state',
  `UPDATE authorisation_attempts SET state = 'exchanging'
   WHERE state_hash = :stateHash AND state = 'waiting' AND expires_at_ms > :nowMs RETURNING ${COLUMNS}`,
  toAttempt,
);

const FIND_BY_STATE = defineStatement<{ stateHash: Uint8Array }, StoredAttempt>(
  'authorisation-attempts.find-by-state',
  `SELECT ${COLUMNS} FROM authorisation_attempts WHERE state_hash = :stateHash AND state IN ('choosing', 'done')`,
  toAttempt,
);

const TAKE_DUE = defineStatement<{ nowMs: number; againMs: number }, StoredAttempt>(
  'authorisation-attempts.take-due',
  `UPDATE authorisation_attempts SET due_ms = :againMs
   WHERE id = (SELECT id FROM authorisation_attempts WHERE due_ms <= :nowMs AND state = 'waiting' ORDER BY due_ms LIMIT 1)
   RETURNING ${COLUMNS}`,
  toAttempt,
);

const POLL_AGAIN = defineStatement<{ id: string; dueMs: number; intervalMs: number }>(
  'authorisation-attempts.poll-again',
  `UPDATE authorisation_attempts SET due_ms = :dueMs, interval_ms = :intervalMs WHERE id = :id AND state = 'waiting'`,
);

const END = defineStatement<{ id: string; state: string; reason: string | null; choices: string | null }>(
  'authorisation-attempts.end',
  `UPDATE authorisation_attempts SET state = :state, reason = :reason, choices = :choices, start_hash = NULL, sealed = NULL, due_ms = NULL
   WHERE id = :id AND state IN ('waiting', 'exchanging', 'choosing')`,
);

const EXPIRE = defineStatement<{ nowMs: number; reason: string }>(
  'authorisation-attempts.expire',
  `UPDATE authorisation_attempts SET state = 'failed', reason = :reason, state_hash = NULL, start_hash = NULL, sealed = NULL, due_ms = NULL
   WHERE state IN ('waiting', 'exchanging') AND expires_at_ms <= :nowMs`,
);

const FORGET = defineStatement<{ beforeMs: number }>(
  'authorisation-attempts.forget',
  `DELETE FROM authorisation_attempts WHERE state IN ('done', 'failed') AND expires_at_ms < :beforeMs`,
);

/** Keeps a new attempt; those of the connection that still wait have failed. */
export async function insertAttempt(database: Database, attempt: AttemptInsert): Promise<void> {
  const { organisation, connection, stateHash, startHash, browserHash, dueMs, intervalMs, ...rest } = attempt;
  await database.write([
    operation(SUPERSEDE, { organisation, connection, reason: 'Another authorisation was begun.' }),
    operation(INSERT, {
      ...rest,
      organisation,
      connection,
      stateHash: stateHash ?? null,
      startHash: startHash ?? null,
      browserHash: browserHash ?? null,
      dueMs: dueMs ?? null,
      intervalMs: intervalMs ?? null,
    }),
  ]);
}

export async function getAttempt(
  database: Database,
  organisation: string,
  connection: string,
  id: string,
): Promise<StoredAttempt | undefined> {
  return database.readOne(GET, { organisation, connection, id });
}

export async function latestAttempt(database: Database, organisation: string, connection: string): Promise<StoredAttempt | undefined> {
  return database.readOne(LATEST, { organisation, connection });
}

/** The attempt that a link begins, as long as it does. */
export async function findAttemptByStart(database: Database, startHash: Uint8Array, nowMs: number): Promise<StoredAttempt | undefined> {
  return database.readOne(FIND_BY_START, { startHash, nowMs });
}

/** Binds the attempt that a link begins to a browser, once; undefined for a link that is unknown, used or too old. */
export async function startAttempt(
  database: Database,
  start: { startHash: Uint8Array; browserHash: Uint8Array; nowMs: number },
): Promise<StoredAttempt | undefined> {
  return (await database.write([operation(START, start)])).rows(0, START)[0];
}

/** The attempt that a state parameter belongs to, once; undefined for one that is unknown, used or too old. */
export async function takeAttemptByState(database: Database, stateHash: Uint8Array, nowMs: number): Promise<StoredAttempt | undefined> {
  return (await database.write([operation(TAKE_BY_STATE, { stateHash, nowMs })])).rows(0, TAKE_BY_STATE)[0];
}

/** The attempt that a state parameter belonged to, when its source has agreed. */
export async function findAgreedByState(database: Database, stateHash: Uint8Array): Promise<StoredAttempt | undefined> {
  return database.readOne(FIND_BY_STATE, { stateHash });
}

/** A device flow whose source may be asked now; nobody else gets it before `againMs`. */
export async function takeDueAttempt(database: Database, nowMs: number, againMs: number): Promise<StoredAttempt | undefined> {
  return (await database.write([operation(TAKE_DUE, { nowMs, againMs })])).rows(0, TAKE_DUE)[0];
}

export async function pollAttemptAgain(database: Database, id: string, dueMs: number, intervalMs: number): Promise<void> {
  await database.write([operation(POLL_AGAIN, { id, dueMs, intervalMs })]);
}

/** What was sealed for it goes. False when it has ended already. */
export async function endAttempt(
  database: Database,
  id: string,
  end: { state: 'done' | 'failed' | 'choosing'; reason?: string; choices?: readonly { id: string; label: string }[] },
): Promise<boolean> {
  const { state, reason = null, choices } = end;
  const params = { id, state, reason, choices: choices === undefined ? null : JSON.stringify(choices) };
  return (await database.write([operation(END, params)])).changes(0) === 1;
}

/** Ends what nobody finished in time, and forgets what ended a day ago. */
export async function expireAttempts(database: Database, nowMs: number): Promise<void> {
  await database.write([operation(EXPIRE, { nowMs, reason: 'Nobody agreed in time.' }), operation(FORGET, { beforeMs: nowMs - KEPT_MS })]);
}

function toAttempt(row: Columns): StoredAttempt {
  return {
    id: row.text('id'),
    organisation: row.text('organisation_id'),
    connection: row.text('connection_id'),
    flow: row.oneOf('flow', ['code', 'device']),
    state: row.oneOf('state', ATTEMPT_STATES),
    reason: row.optionalText('reason'),
    begunBy: row.text('begun_by'),
    sealed: row.optionalBytes('sealed'),
    browserHash: row.optionalBytes('browser_hash'),
    choices: toChoices(row),
    createdAtMs: row.number('created_at_ms'),
    expiresAtMs: row.number('expires_at_ms'),
    intervalMs: row.optionalNumber('interval_ms'),
  };
}

function toChoices(row: Columns): { id: string; label: string }[] {
  if (row.optionalText('choices') === undefined) return [];
  const choices = row.json('choices');
  if (!Array.isArray(choices)) throw new TypeError('choices are a list');
  return choices.flatMap((choice) =>
    typeof choice === 'object' && choice !== null && 'id' in choice && 'label' in choice
      ? [{ id: String(choice.id), label: String(choice.label) }]
      : [],
  );
}
