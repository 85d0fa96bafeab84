import { parsePublicKey } from '../domain/signing-key.ts';
import type { TrustedKey } from '../domain/trust.ts';
import { operation } from './database.ts';
import type { Database } from './database.ts';
import { defineStatement } from './statement.ts';
import type { NoParams } from './statement.ts';

/** A trusted key and since when. */
export interface StoredTrustedKey extends TrustedKey {
  addedAtMs: number;
}

// A key belongs to one publisher; who adds it again says anew what it is good for.
const PUT = defineStatement<{ id: string; publisher: string; publicKey: string; names: string; nowMs: number }>(
  'trusted_keys.put',
  `INSERT INTO trusted_keys (id, publisher, public_key, names, added_at_ms) VALUES (:id, :publisher, :publicKey, :names, :nowMs)
   ON CONFLICT (id) DO UPDATE SET names = excluded.names WHERE publisher = excluded.publisher`,
);

const DELETE = defineStatement<{ id: string }>('trusted_keys.delete', 'DELETE FROM trusted_keys WHERE id = :id');

const LIST = defineStatement<NoParams, StoredTrustedKey>(
  'trusted_keys.list',
  'SELECT id, publisher, public_key, names, added_at_ms FROM trusted_keys ORDER BY publisher, id',
  (row) => {
    const publicKey = parsePublicKey(row.text('public_key'));
    if (publicKey === undefined || publicKey.id !== row.text('id')) throw new TypeError('a trusted key is stored as it was given');
    const names = row.json('names');
    return {
      publisher: row.text('publisher'),
      publicKey,
      names: Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [],
      addedAtMs: row.number('added_at_ms'),
    };
  },
);

/** `ExpectationError` when the key is another publisher's. */
export async function putTrustedKey(database: Database, { publisher, publicKey, names }: TrustedKey, nowMs: number): Promise<void> {
  const params = { id: publicKey.id, publisher, publicKey: publicKey.text, names: JSON.stringify(names), nowMs };
  await database.write([operation(PUT, params, { expectChanges: 1 })]);
}

/** `ExpectationError` when there is none. */
export async function deleteTrustedKey(database: Database, id: string): Promise<void> {
  await database.write([operation(DELETE, { id }, { expectChanges: 1 })]);
}

/** By publisher. */
export async function listTrustedKeys(database: Database): Promise<StoredTrustedKey[]> {
  return database.read(LIST, {});
}
