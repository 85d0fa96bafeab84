import { open } from 'node:fs/promises';
import { FLOWS, type Flow } from '../domain/authorisation.ts';
import { ExpectationError, operation } from './database.ts';
import type { Database } from './database.ts';
import { noteEndOfAuthorisation } from './notices.ts';
import { defineStatement } from './statement.ts';
import type { Columns } from './statement.ts';

/** What a source gave for a connection. This layer never sees a token. */
export interface StoredAuthorisation {
  organisation: string;
  connection: string;
  flow: Flow;
  state: 'active' | 'paused';
  /** Why it is paused. */
  reason: string | undefined;
  account: string | undefined;
  scopes: string[];
  sealed: Uint8Array;
  /** Grows whenever the tokens change. */
  generation: number;
  authorisedAtMs: number;
  authorisedBy: string;
  issuedAtMs: number;
  /** None when the token does not expire by itself. */
  expiresAtMs: number | undefined;
  /** None when it cannot be refreshed, or need not be. */
  refreshDueMs: number | undefined;
  /** A source was asked for new tokens, and it is not known what it did. */
  refreshBeganMs: number | undefined;
  failures: number;
  /** When the source ended it; none while it is good, or waits for a choice. */
  endedAtMs: number | undefined;
}

/** Tokens as they are written: `sealed` holds them. */
export interface TokenWrite {
  sealed: Uint8Array;
  issuedAtMs: number;
  expiresAtMs: number | undefined;
  refreshDueMs: number | undefined;
}

type Key = { organisation: string; connection: string };

const COLUMNS = `organisation_id, connection_id, flow, state, reason, account, scopes, sealed, generation, authorised_at_ms,
  authorised_by, issued_at_ms, expires_at_ms, refresh_due_ms, refresh_began_ms, failures, ended_at_ms`;

const GET = defineStatement<Key, StoredAuthorisation>(
  'authorisations.get',
  `SELECT ${COLUMNS} FROM authorisations WHERE connection_id = :connection AND organisation_id = :organisation`,
  toAuthorisation,
);

const DUE = defineStatement<{ nowMs: number; limit: number }, Key>(
  'authorisations.due',
  `SELECT organisation_id, connection_id FROM authorisations
   WHERE state = 'active' AND refresh_due_ms <= :nowMs AND coalesce(lease_until_ms, 0) <= :nowMs ORDER BY refresh_due_ms LIMIT :limit`,
  (row) => ({ organisation: row.text('organisation_id'), connection: row.text('connection_id') }),
);

type TokenParams = { sealed: Uint8Array; issuedAtMs: number; expiresAtMs: number | null; refreshDueMs: number | null };

const PUT = defineStatement<
  Key & TokenParams & { flow: string; state: string; reason: string | null; account: string | null; scopes: string; by: string }
>(
  'authorisations.put',
  `INSERT INTO authorisations (connection_id, organisation_id, flow, state, reason, account, scopes, sealed, generation,
     authorised_at_ms, authorised_by, issued_at_ms, expires_at_ms, refresh_due_ms)
   SELECT id, organisation_id, :flow, :state, :reason, :account, :scopes, :sealed, 1, :issuedAtMs, :by, :issuedAtMs, :expiresAtMs, :refreshDueMs
   FROM connections WHERE id = :connection AND organisation_id = :organisation AND removed_at_ms IS NULL
   ON CONFLICT (connection_id) DO UPDATE SET flow = :flow, state = :state, reason = :reason, account = :account, scopes = :scopes,
     sealed = :sealed, generation = generation + 1, authorised_at_ms = :issuedAtMs, authorised_by = :by, issued_at_ms = :issuedAtMs,
     expires_at_ms = :expiresAtMs, refresh_due_ms = :refreshDueMs, refresh_began_ms = NULL, failures = 0, lease_owner = NULL,
     lease_until_ms = NULL, ended_at_ms = NULL`,
);

/** A credential that was set by hand has had its day. */
const FORGET_CREDENTIAL = defineStatement<Key & { nowMs: number }>(
  'connections.forget-credential',
  'UPDATE connections SET credential = NULL, updated_at_ms = :nowMs WHERE id = :connection AND organisation_id = :organisation',
);

const CLAIM = defineStatement<Key & { generation: number; owner: string; nowMs: number; untilMs: number }>(
  'authorisations.claim',
  `UPDATE authorisations SET lease_owner = :owner, lease_until_ms = :untilMs, refresh_began_ms = :nowMs
   WHERE connection_id = :connection AND organisation_id = :organisation AND generation = :generation AND state = 'active'
     AND coalesce(lease_until_ms, 0) <= :nowMs`,
);

const RENEW = defineStatement<Key & TokenParams & { generation: number; scopes: string }>(
  'authorisations.renew',
  `UPDATE authorisations SET sealed = :sealed, generation = generation + 1, scopes = :scopes, issued_at_ms = :issuedAtMs,
     expires_at_ms = :expiresAtMs, refresh_due_ms = :refreshDueMs, refresh_began_ms = NULL, failures = 0, lease_owner = NULL,
     lease_until_ms = NULL
   WHERE connection_id = :connection AND organisation_id = :organisation AND generation = :generation`,
);

const RELEASE = defineStatement<Key & { generation: number; owner: string; refreshDueMs: number | null; refreshBeganMs: number | null }>(
  'authorisations.release',
  `UPDATE authorisations SET refresh_began_ms = :refreshBeganMs, failures = failures + 1, refresh_due_ms = coalesce(:refreshDueMs, refresh_due_ms),
     lease_owner = NULL, lease_until_ms = NULL
   WHERE connection_id = :connection AND organisation_id = :organisation AND generation = :generation AND lease_owner = :owner`,
);

const PAUSE = defineStatement<Key & { generation: number; reason: string; nowMs: number }>(
  'authorisations.pause',
  `UPDATE authorisations SET state = 'paused', reason = :reason, ended_at_ms = :nowMs, refresh_due_ms = NULL, refresh_began_ms = NULL, lease_owner = NULL,
     lease_until_ms = NULL
   WHERE connection_id = :connection AND organisation_id = :organisation AND generation = :generation AND state = 'active'`,
);

const ACTIVATE = defineStatement<Key>(
  'authorisations.activate',
  `UPDATE authorisations SET state = 'active', reason = NULL WHERE connection_id = :connection AND organisation_id = :organisation`,
);

const DELETE = defineStatement<Key>(
  'authorisations.delete',
  'DELETE FROM authorisations WHERE connection_id = :connection AND organisation_id = :organisation',
);

const DELETE_BEFORE = defineStatement<Key & { generation: number }>(
  'authorisations.delete-before',
  'DELETE FROM authorisations WHERE connection_id = :connection AND organisation_id = :organisation AND generation <= :generation',
);

export async function getAuthorisation(
  database: Database,
  organisation: string,
  connection: string,
): Promise<StoredAuthorisation | undefined> {
  return database.readOne(GET, { organisation, connection });
}

/** Connections whose tokens should be refreshed now and that nobody refreshes, the most urgent first. */
export async function dueAuthorisations(database: Database, nowMs: number, limit: number): Promise<Key[]> {
  return database.read(DUE, { nowMs, limit });
}

/** A person or a client has authorised: in place of what was there, a credential set by hand included. False when the connection has gone. */
export async function putAuthorisation(
  database: Database,
  authorisation: Key &
    TokenWrite & { flow: Flow; pausedFor: string | undefined; account: string | undefined; scopes: readonly string[]; by: string },
): Promise<boolean> {
  const { organisation, connection, flow, pausedFor, account, scopes, by } = authorisation;
  const params = {
    organisation,
    connection,
    ...tokenParams(authorisation),
    flow,
    state: pausedFor === undefined ? 'active' : 'paused',
    reason: pausedFor ?? null,
    account: account ?? null,
    scopes: JSON.stringify(scopes),
    by,
  };
  const forget = operation(FORGET_CREDENTIAL, { organisation, connection, nowMs: authorisation.issuedAtMs });
  try {
    await database.write([operation(PUT, params, { expectChanges: 1 }), forget]);
  } catch (error) {
    if (error instanceof ExpectationError) return false;
    throw error;
  }
  await makeDurable(database);
  return true;
}

/** Begins a refresh: false when another host is at it, or the tokens have changed. It is on disk before anything is asked. */
export async function claimRefresh(
  database: Database,
  key: Key,
  claim: { generation: number; owner: string; nowMs: number; untilMs: number },
): Promise<boolean> {
  const { organisation, connection } = key;
  return (await database.write([operation(CLAIM, { organisation, connection, ...claim })])).changes(0) === 1;
}

/** Ends a refresh with new tokens. Needs no lease: whoever has the answer writes it, unless other tokens came first (false). */
export async function renewTokens(
  database: Database,
  { organisation, connection }: Key,
  renewed: TokenWrite & { generation: number; scopes: readonly string[] },
): Promise<boolean> {
  const { generation, scopes } = renewed;
  const params = { organisation, connection, ...tokenParams(renewed), generation, scopes: JSON.stringify(scopes) };
  const written = await database.write([operation(RENEW, params)]);
  await makeDurable(database);
  return written.changes(0) === 1;
}

/** Ends a refresh that gave nothing; it is due again at `refreshDueMs`. `refreshBeganMs` stays when it is not known what the source did. */
export async function releaseRefresh(
  database: Database,
  { organisation, connection }: Key,
  release: { generation: number; owner: string; refreshDueMs: number | undefined; refreshBeganMs: number | undefined },
): Promise<void> {
  const { generation, owner, refreshDueMs = null, refreshBeganMs = null } = release;
  await database.write([operation(RELEASE, { organisation, connection, generation, owner, refreshDueMs, refreshBeganMs })]);
}

/** False when the tokens have changed meanwhile, or it is paused already. */
export async function pauseAuthorisation(
  database: Database,
  { organisation, connection }: Key,
  { generation, reason }: { generation: number; reason: string },
): Promise<boolean> {
  const nowMs = Date.now();
  const pause = operation(PAUSE, { organisation, connection, generation, reason, nowMs });
  return (await database.write([pause, noteEndOfAuthorisation({ connection, generation }, nowMs)])).changes(0) === 1;
}

export async function activateAuthorisation(database: Database, { organisation, connection }: Key): Promise<void> {
  await database.write([operation(ACTIVATE, { organisation, connection })]);
}

/** With `generation`: only when no newer tokens have come meanwhile. */
export async function deleteAuthorisation(database: Database, { organisation, connection }: Key, generation?: number): Promise<void> {
  await database.write([
    generation === undefined
      ? operation(DELETE, { organisation, connection })
      : operation(DELETE_BEFORE, { organisation, connection, generation }),
  ]);
}

/**
 * A commit survives a kill of the process, but not always a loss of power (`synchronous = NORMAL`). A refresh token that
 * the source has replaced cannot be read again from anywhere, so the write-ahead log is flushed for it.
 */
async function makeDurable(database: Database): Promise<void> {
  const log = await open(`${database.file}-wal`, 'r+').catch(() => undefined);
  try {
    await log?.datasync();
  } finally {
    await log?.close();
  }
}

function tokenParams({ sealed, issuedAtMs, expiresAtMs = null, refreshDueMs = null }: NullableTokens): TokenParams {
  return { sealed, issuedAtMs, expiresAtMs, refreshDueMs };
}

type NullableTokens = Omit<TokenWrite, 'expiresAtMs' | 'refreshDueMs'> & {
  expiresAtMs?: number | null | undefined;
  refreshDueMs?: number | null | undefined;
};

function toAuthorisation(row: Columns): StoredAuthorisation {
  return {
    organisation: row.text('organisation_id'),
    connection: row.text('connection_id'),
    flow: row.oneOf('flow', FLOWS),
    state: row.oneOf('state', ['active', 'paused']),
    reason: row.optionalText('reason'),
    account: row.optionalText('account'),
    scopes: row.texts('scopes'),
    sealed: row.bytes('sealed'),
    generation: row.number('generation'),
    authorisedAtMs: row.number('authorised_at_ms'),
    authorisedBy: row.text('authorised_by'),
    issuedAtMs: row.number('issued_at_ms'),
    expiresAtMs: row.optionalNumber('expires_at_ms'),
    refreshDueMs: row.optionalNumber('refresh_due_ms'),
    refreshBeganMs: row.optionalNumber('refresh_began_ms'),
    failures: row.number('failures'),
    endedAtMs: row.optionalNumber('ended_at_ms'),
  };
}
