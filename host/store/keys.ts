import { SCOPES, type Scope } from '../domain/caller.ts';
import { operation } from './database.ts';
import type { Database } from './database.ts';
import { pageBounds, toPage } from './page.ts';
import type { PageRequest, StoredPage } from './page.ts';
import { defineStatement } from './statement.ts';
import type { Columns } from './statement.ts';

/** A key without the secret: of that only its digest is kept. */
export interface StoredKey {
  id: string;
  /** Undefined for a key of the whole host. */
  organisation: string | undefined;
  name: string;
  /** The beginning of the key. */
  hint: string;
  scopes: Scope[];
  createdAtMs: number;
  expiresAtMs: number | undefined;
  revokedAtMs: number | undefined;
  lastUsedAtMs: number | undefined;
  /** The key that it was made to take the place of. */
  replaces: string | undefined;
}

export interface NewKey {
  id: string;
  organisation: string | undefined;
  name: string;
  hint: string;
  /** SHA-256 of the key. */
  digest: Uint8Array;
  scopes: readonly Scope[];
  createdAtMs: number;
  expiresAtMs: number | undefined;
  replaces: string | undefined;
}

/** Which keys somebody may see: those of one organisation, or all. */
export interface KeyReach {
  organisation: string | undefined;
}

type InsertParams = Omit<NewKey, 'organisation' | 'scopes' | 'expiresAtMs' | 'replaces'> & {
  organisation: string | null;
  scopes: string;
  expiresAtMs: number | null;
  replaces: string | null;
};

const COLUMNS = `id, organisation_id, name, hint, scopes, created_at_ms, expires_at_ms, revoked_at_ms, last_used_at_ms, replaces`;
const VALUES = `INTO api_keys (id, organisation_id, name, hint, digest, scopes, created_at_ms, expires_at_ms, replaces)
   SELECT :id, :organisation, :name, :hint, :digest, :scopes, :createdAtMs, :expiresAtMs, :replaces`;

const INSERT = defineStatement<InsertParams>('keys.insert', `INSERT ${VALUES}`);

const INSERT_FIRST = defineStatement<InsertParams>('keys.insert-first', `INSERT ${VALUES} WHERE NOT EXISTS (SELECT 1 FROM api_keys)`);

const INSERT_KNOWN = defineStatement<InsertParams>('keys.insert-known', `INSERT OR IGNORE ${VALUES} WHERE true`);

const BY_DIGEST = defineStatement<{ digest: Uint8Array }, StoredKey & { digest: Uint8Array }>(
  'keys.by-digest',
  `SELECT ${COLUMNS}, digest FROM api_keys WHERE digest = :digest`,
  (row) => ({ ...toKey(row), digest: row.bytes('digest') }),
);

const WITHIN = '(:organisation IS NULL OR organisation_id = :organisation)';

const GET = defineStatement<{ id: string; organisation: string | null }, StoredKey>(
  'keys.get',
  `SELECT ${COLUMNS} FROM api_keys WHERE id = :id AND ${WITHIN}`,
  toKey,
);

const LIST = defineStatement<{ organisation: string | null; key: string; limit: number }, StoredKey>(
  'keys.list',
  `SELECT ${COLUMNS} FROM api_keys WHERE ${WITHIN} AND id > :key ORDER BY id LIMIT :limit`,
  toKey,
);

// An end that was set is never put off.
const END = defineStatement<{ id: string; expiresAtMs: number }>(
  'keys.end',
  `UPDATE api_keys SET expires_at_ms = min(coalesce(expires_at_ms, :expiresAtMs), :expiresAtMs) WHERE id = :id AND revoked_at_ms IS NULL`,
);

const REVOKE = defineStatement<{ id: string; nowMs: number }>(
  'keys.revoke',
  'UPDATE api_keys SET revoked_at_ms = :nowMs WHERE id = :id AND revoked_at_ms IS NULL',
);

const USED = defineStatement<{ id: string; nowMs: number; beforeMs: number }>(
  'keys.used',
  'UPDATE api_keys SET last_used_at_ms = :nowMs WHERE id = :id AND coalesce(last_used_at_ms, 0) <= :beforeMs',
);

export async function insertKey(database: Database, key: NewKey): Promise<void> {
  await database.write([operation(INSERT, toParams(key))]);
}

/** Throws `ExpectationError` when there is any key already, whichever host made it. */
export async function insertFirstKey(database: Database, key: NewKey): Promise<void> {
  await database.write([operation(INSERT_FIRST, toParams(key), { expectChanges: 1 })]);
}

/** Throws `ExpectationError` when this very key is there already, in force or not. */
export async function insertUnknownKey(database: Database, key: NewKey): Promise<void> {
  await database.write([operation(INSERT_KNOWN, toParams(key), { expectChanges: 1 })]);
}

/** Adds a key and ends the one that it replaces, together. `ExpectationError` when that one is revoked. */
export async function replaceKey(database: Database, key: NewKey, replaced: { id: string; expiresAtMs: number }): Promise<void> {
  await database.write([operation(END, replaced, { expectChanges: 1 }), operation(INSERT, toParams(key))]);
}

/** The key with this digest, which it is given with. */
export async function findKey(database: Database, digest: Uint8Array): Promise<(StoredKey & { digest: Uint8Array }) | undefined> {
  return database.readOne(BY_DIGEST, { digest });
}

export async function getKey(database: Database, reach: KeyReach, id: string): Promise<StoredKey | undefined> {
  return database.readOne(GET, { id, organisation: reach.organisation ?? null });
}

/** Oldest first. INVALID_REQUEST for a bad limit or cursor. */
export async function listKeys(database: Database, reach: KeyReach, page: PageRequest): Promise<StoredPage<StoredKey>> {
  const rows = await database.read(LIST, { organisation: reach.organisation ?? null, ...pageBounds(page, '') });
  return toPage(rows, page, (key) => key.id);
}

/** `ExpectationError` when it is revoked already. */
export async function revokeKey(database: Database, id: string, nowMs: number): Promise<void> {
  await database.write([operation(REVOKE, { id, nowMs }, { expectChanges: 1 })]);
}

/** Says that it was used, unless that was said since `beforeMs`. */
export async function markKeyUsed(database: Database, id: string, times: { nowMs: number; beforeMs: number }): Promise<void> {
  await database.write([operation(USED, { id, ...times })]);
}

function toParams({ organisation, scopes, expiresAtMs, replaces, ...key }: NewKey): InsertParams {
  return {
    ...key,
    organisation: organisation ?? null,
    scopes: JSON.stringify(scopes),
    expiresAtMs: expiresAtMs ?? null,
    replaces: replaces ?? null,
  };
}

function toKey(row: Columns): StoredKey {
  return {
    id: row.text('id'),
    organisation: row.optionalText('organisation_id'),
    name: row.text('name'),
    hint: row.text('hint'),
    // A scope that this version does not know gives nothing.
    scopes: row.texts('scopes').flatMap((text) => SCOPES.filter((scope) => scope === text)),
    createdAtMs: row.number('created_at_ms'),
    expiresAtMs: row.optionalNumber('expires_at_ms'),
    revokedAtMs: row.optionalNumber('revoked_at_ms'),
    lastUsedAtMs: row.optionalNumber('last_used_at_ms'),
    replaces: row.optionalText('replaces'),
  };
}
