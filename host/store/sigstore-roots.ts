import { isJsonObject, type JsonObject } from '../domain/json.ts';
import { MAX_ROOTS, parseAuthorities, type SigstoreRoot } from '../domain/sigstore.ts';
import { operation } from './database.ts';
import type { Database } from './database.ts';
import { defineStatement } from './statement.ts';
import type { NoParams } from './statement.ts';

export interface StoredRoot extends SigstoreRoot {
  addedAtMs: number;
}

type PutParams = Record<'name' | 'body' | 'digest' | 'witnesses' | 'authorities', string> & { nowMs: number; most: number };

// A name that is there already may always get another text; a new one only while there are few.
const PUT = defineStatement<PutParams>(
  'sigstore_roots.put',
  `INSERT INTO sigstore_roots (name, body, digest, witnesses, authorities, added_at_ms)
   SELECT :name, :body, :digest, :witnesses, :authorities, :nowMs
   WHERE (SELECT count(*) FROM sigstore_roots WHERE name <> :name) < :most
   ON CONFLICT (name) DO UPDATE SET body = excluded.body, digest = excluded.digest, witnesses = excluded.witnesses,
     authorities = excluded.authorities, added_at_ms = excluded.added_at_ms`,
);

const DELETE = defineStatement<{ name: string }>('sigstore_roots.delete', 'DELETE FROM sigstore_roots WHERE name = :name');

const LIST = defineStatement<NoParams, StoredRoot>(
  'sigstore_roots.list',
  'SELECT name, body, digest, witnesses, authorities, added_at_ms FROM sigstore_roots ORDER BY name',
  (row) => {
    const witnesses = toObject(row.json('witnesses'));
    const authorities = parseAuthorities(row.json('authorities'));
    if (authorities === undefined) throw new TypeError('a root is stored with what is in it');
    return {
      name: row.text('name'),
      text: row.text('body'),
      digest: row.text('digest'),
      witnesses: {
        logEntries: toCount(witnesses.logEntries),
        timestamps: toCount(witnesses.timestamps),
        certificateLogs: toCount(witnesses.certificateLogs),
      },
      authorities,
      addedAtMs: row.number('added_at_ms'),
    };
  },
);

/** `ExpectationError` when there are as many as there may be. */
export async function putRoot(database: Database, root: SigstoreRoot, nowMs: number): Promise<void> {
  const { name, text: body, digest, witnesses, authorities } = root;
  const documents = { witnesses: JSON.stringify(witnesses), authorities: JSON.stringify(authorities) };
  await database.write([operation(PUT, { name, body, digest, ...documents, nowMs, most: MAX_ROOTS }, { expectChanges: 1 })]);
}

/** `ExpectationError` when there is none. */
export async function deleteRoot(database: Database, name: string): Promise<void> {
  await database.write([operation(DELETE, { name }, { expectChanges: 1 })]);
}

/** By name. */
export async function listRoots(database: Database): Promise<StoredRoot[]> {
  return database.read(LIST, {});
}

function toObject(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

/** What is missing asks for more than anybody can have. */
function toCount(value: unknown): number {
  return typeof value === 'number' ? value : Number.POSITIVE_INFINITY;
}
