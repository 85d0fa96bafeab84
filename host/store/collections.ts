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

export interface CollectionsSize {
  keys: number;
  bytes: number;
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

// The lengths are in the rows; the values themselves are not read for it.
const SCAN_BYTES = defineStatement<{ connection: string; collection: string; after: string; limit: number }, number>(
  'datasource_collections.scan-bytes',
  `SELECT coalesce(sum(bytes), 0) AS bytes FROM (SELECT octet_length(key) + octet_length(value) AS bytes FROM datasource_collections
   WHERE connection_id = :connection AND collection = :collection AND key > :after ORDER BY key LIMIT :limit)`,
  (row) => row.number('bytes'),
);

const SIZE = defineStatement<{ connection: string }, CollectionsSize>(
  'datasource_collections.size',
  `SELECT count(*) AS keys, coalesce(sum(octet_length(key) + octet_length(value)), 0) AS bytes
   FROM datasource_collections WHERE connection_id = :connection`,
  (row) => ({ keys: row.number('keys'), bytes: row.number('bytes') }),
);

export async function getCollectionValue(
  database: Database,
  connection: string,
  collection: string,
  key: string,
): Promise<Uint8Array | undefined> {
  return database.readOne(GET, { connection, collection, key });
}

/**
 * Entries with keys greater than `after` (from the first when undefined), in byte order of their keys. Undefined, with nothing
 * read, when they would hold more than `maxBytes`.
 */
export async function scanCollection(
  database: Database,
  connection: string,
  collection: string,
  { after = '', limit, maxBytes }: { after: string | undefined; limit: number; maxBytes: number },
): Promise<CollectionEntry[] | undefined> {
  const range = { connection, collection, after, limit };
  const bytes = (await database.readOne(SCAN_BYTES, range)) ?? 0;
  return bytes > maxBytes ? undefined : database.read(SCAN, range);
}

/** Keys, and bytes of all keys and values of a connection: what its quotas are measured by. */
export async function collectionsSize(database: Database, connection: string): Promise<CollectionsSize> {
  return (await database.readOne(SIZE, { connection })) ?? { keys: 0, bytes: 0 };
}

/** A datasource's writes as part of its batch's transaction, in order. */
export function writeCollections(connection: string, writes: readonly CollectionWrite[]): Operation[] {
  return writes.map(({ collection, key, value }) =>
    value === undefined ? operation(REMOVE, { connection, collection, key }) : operation(PUT, { connection, collection, key, value }),
  );
}
