import { get, put, remove, scan } from 'lorelai:datasource/storage@1.0.0';
import { fromUtf8, toUtf8 } from './bytes.ts';
import type { DatasourceManifest, ManifestTypes } from './datasource.ts';
import { failed, type Failure } from './failure.ts';

const PAGE_ENTRIES = 1_000;

export interface StoredEntry<T> {
  key: string;
  value: T;
}

/**
 * Keys and values of this connection alone. What a call writes is committed with its batch, or not at all.
 * Keys have 1 to 512 bytes, values at most 1 MiB. Every function throws `failed` when the quota is spent.
 */
export interface Collection {
  /** What `put` wrote; undefined when there is no such key. The type is your word for it. */
  get<T>(key: string): T | undefined;
  /** Writes a value as JSON, new or not. */
  put(key: string, value: unknown): void;
  getBytes(key: string): Uint8Array | undefined;
  putBytes(key: string, value: Uint8Array): void;
  /** No error when there is none. */
  remove(key: string): void;
  /** What `put` wrote, in the byte order of the keys, from the first key after `after`. Read page by page. */
  scan<T>(after?: string): Generator<StoredEntry<T>, void, undefined>;
}

/** The collections that a manifest declares, by name. */
export type Storage<Types extends ManifestTypes> = { readonly [Name in Types['collections']]: Collection };

/** The manifest's collections: `const storage = openStorage(manifest)`, then `storage.seen_items.put('a', 1)`. */
export function openStorage<Types extends ManifestTypes>(manifest: DatasourceManifest<Types>): Storage<Types> {
  const collections: unknown = Object.fromEntries(manifest.collections.map((name) => [name, openCollection(name)]));
  // The generated names and the generated types come from the same manifest.
  return collections as Storage<Types>;
}

function openCollection(name: string): Collection {
  const getBytes = (key: string): Uint8Array | undefined => attempt(name, () => get(name, key) ?? undefined);
  const putBytes = (key: string, value: Uint8Array): void => attempt(name, () => put(name, key, value));
  return {
    getBytes,
    putBytes,
    get: <T>(key: string) => {
      const bytes = getBytes(key);
      return bytes === undefined ? undefined : decode<T>(name, key, bytes);
    },
    put: (key, value) => putBytes(key, encode(name, key, value)),
    remove: (key) => attempt(name, () => remove(name, key)),
    scan: <T>(after?: string) => scanAll<T>(name, after),
  };
}

function* scanAll<T>(name: string, first: string | undefined): Generator<StoredEntry<T>, void, undefined> {
  let after = first;
  let limit = PAGE_ENTRIES;
  for (;;) {
    const from = after;
    const entries = scanPage(name, from, limit);
    if (entries === undefined) {
      // They hold too much for one page: large values come in smaller ones.
      limit = Math.ceil(limit / 4);
      continue;
    }
    for (const { key, value } of entries) yield { key, value: decode<T>(name, key, value) };
    after = entries.at(-1)?.key;
    if (entries.length < limit) return;
  }
}

/** Undefined when fewer should be asked for. */
function scanPage(name: string, after: string | undefined, limit: number): ReturnType<typeof scan> | undefined {
  try {
    return scan(name, after, limit);
  } catch (error) {
    if (limit > 1 && isQuota(error)) return undefined;
    throw toStorageFailure(error, name);
  }
}

function isQuota(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const { tag, payload }: { tag?: unknown; payload?: unknown } = error;
  return tag === 'quota-exceeded' || isQuota(payload);
}

function encode(collection: string, key: string, value: unknown): Uint8Array {
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) throw failed(`The value of "${key}" for collection "${collection}" is no JSON.`);
  return toUtf8(text);
}

function decode<T>(collection: string, key: string, value: Uint8Array): T {
  try {
    return JSON.parse(fromUtf8(value));
  } catch {
    throw failed(`The value of "${key}" in collection "${collection}" is no JSON. Read it with getBytes.`);
  }
}

function attempt<T>(collection: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw toStorageFailure(error, collection);
  }
}

function toStorageFailure(error: unknown, collection: string): Failure {
  if (typeof error !== 'object' || error === null) return failed(`Storage: ${String(error)}`);
  const { tag, val, payload }: { tag?: unknown; val?: unknown; payload?: unknown } = error;
  if (typeof payload === 'object' && payload !== null) return toStorageFailure(payload, collection);
  switch (tag) {
    case 'unknown-collection':
      return failed(`There is no collection "${collection}". Declare it under database.tables in datasource.yaml.`);
    case 'quota-exceeded':
    case 'invalid':
      return failed(`Collection "${collection}": ${String(val)}`);
    default:
      return failed(`Collection "${collection}": ${String(error)}`);
  }
}
