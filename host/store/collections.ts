import { operation } from './database.ts';
import type { Database, Operation } from './database.ts';
import { defineStatement } from './statement.ts';

/** One write of a datasource to its own storage; `value` undefined removes the key. */
export interface CollectionWrite {
  collection: string;
  key: string;
  value: Uint8Array | undefined;
}

export interface CollectionEntry {
  key: string;
  value: Uint8Array;
}

type Key = { connection: string; collection: string; key: string };

const PUT = defineStatement<Key & { value: Uint8Array }>(
  'datasource_collections.put',
  `INSERT INTO datasource_collections (connection_id, collection, key, value) VALUES (:connection, :collection, :key, :value)
   ON CONFLICT (connection_id, collection, key) DO UPDATE SET value = excluded.value`,
);

const REMOVE = defineStatement<Key>(
  'datasource_collections.remove',
  'DELETE FROM datasource_collections WHERE connection_id = :connection AND collection = :collection AND key = :key',
);

const GET = defineStatement<Key, Uint8Array>(
  'datasource_collections.get',
  'SELECT value FROM datasource_collections WHERE connection_id = :connection AND collection = :collection AND key = :key',
  (row) => row.bytes('value'),
);

// Text is compared byte by byte, which for UTF-8 is the order that the contract promises.
const SCAN = defineStatement<{ connection: string; collection: string; after: string; limit: number }, CollectionEntry>(
  'datasource_collections.scan',
  `SELECT key, value FROM datasource_collections
   WHERE connection_id = :connection AND collection = :collection AND key > :after ORDER BY key LIMIT :limit`,
  (row) => ({ key: row.text('key'), value: row.bytes('value') }),
);

const SIZE = defineStatement<{ connection: string }, number>(
  'datasource_collections.size',
  `SELECT coalesce(sum(octet_length(key) + octet_length(value)), 0) AS size
   FROM datasource_collections WHERE connection_id = :connection`,
  (row) => row.number('size'),
);

export async function getCollectionValue(
  database: Database,
  connection: string,
  collection: string,
  key: string,
): Promise<Uint8Array | undefined> {
  return database.readOne(GET, { connection, collection, key });
}

/** Entries with keys greater than `after` (from the first when undefined), in byte order of their keys. */
export async function scanCollection(
  database: Database,
  connection: string,
  collection: string,
  range: { after: string | undefined; limit: number },
): Promise<CollectionEntry[]> {
  return database.read(SCAN, { connection, collection, after: range.after ?? '', limit: range.limit });
}

/** Bytes of all keys and values of a connection: what its quota is measured by. */
export async function collectionsSizeBytes(database: Database, connection: string): Promise<number> {
  return (await database.readOne(SIZE, { connection })) ?? 0;
}

/** A datasource's writes as part of its batch's transaction, in order. */
export function writeCollections(connection: string, writes: readonly CollectionWrite[]): Operation[] {
  return writes.map(({ collection, key, value }) =>
    value === undefined ? operation(REMOVE, { connection, collection, key }) : operation(PUT, { connection, collection, key, value }),
  );
}
