import { operation } from './database.ts';
import type { Database } from './database.ts';
import { defineStatement } from './statement.ts';
import type { Columns, NoParams } from './statement.ts';

export interface StoredMarket {
  name: string;
  /** Where its index is. */
  url: string;
  publicKey: string;
  /** Of the newest index that was believed; 0 before the first. */
  indexVersion: number;
  expiresAtMs: number;
  /** The text of that index. */
  body: string;
  refreshedAtMs: number | undefined;
}

export interface NewIndex {
  market: string;
  indexVersion: number;
  expiresAtMs: number;
  digest: string;
  body: string;
  nowMs: number;
}

/** The statement that fails when an index is older than the one that is there, or has its number and other content. */
export const INDEX_STORED = 'markets.store-index';

// Added again, with another address or key, it keeps the number of the index that was seen: nobody is led back that way.
const PUT = defineStatement<{ name: string; url: string; publicKey: string }>(
  'markets.put',
  `INSERT INTO markets (name, url, public_key, index_version, expires_at_ms, digest, body) VALUES (:name, :url, :publicKey, 0, 0, '', '')
   ON CONFLICT (name) DO UPDATE SET url = excluded.url, public_key = excluded.public_key`,
);

const STORE_INDEX = defineStatement<
  Record<'market' | 'digest' | 'body', string> & Record<'indexVersion' | 'expiresAtMs' | 'nowMs', number>
>(
  INDEX_STORED,
  `UPDATE markets SET index_version = :indexVersion, expires_at_ms = :expiresAtMs, digest = :digest, body = :body, refreshed_at_ms = :nowMs
   WHERE name = :market AND (index_version < :indexVersion OR (index_version = :indexVersion AND digest = :digest))`,
);

const DELETE = defineStatement<{ name: string }>('markets.delete', 'DELETE FROM markets WHERE name = :name');

const LIST = defineStatement<NoParams, StoredMarket>(
  'markets.list',
  'SELECT name, url, public_key, index_version, expires_at_ms, body, refreshed_at_ms FROM markets ORDER BY name',
  toMarket,
);

export async function putMarket(database: Database, market: { name: string; url: string; publicKey: string }): Promise<void> {
  await database.write([operation(PUT, market)]);
}

/** `ExpectationError` of `INDEX_STORED`. */
export async function storeIndex(database: Database, index: NewIndex): Promise<void> {
  await database.write([operation(STORE_INDEX, { ...index }, { expectChanges: 1 })]);
}

/** `ExpectationError` when there is none. */
export async function deleteMarket(database: Database, name: string): Promise<void> {
  await database.write([operation(DELETE, { name }, { expectChanges: 1 })]);
}

/** By name. */
export async function listMarkets(database: Database): Promise<StoredMarket[]> {
  return database.read(LIST, {});
}

function toMarket(row: Columns): StoredMarket {
  return {
    name: row.text('name'),
    url: row.text('url'),
    publicKey: row.text('public_key'),
    indexVersion: row.number('index_version'),
    expiresAtMs: row.number('expires_at_ms'),
    body: row.text('body'),
    refreshedAtMs: row.optionalNumber('refreshed_at_ms'),
  };
}
