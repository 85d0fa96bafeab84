import { isStorableText } from '../domain/text.ts';
import { describeBreach } from '../domain/meter.ts';
import { type Answer, type CallScope, type OpenCapability, plainText, refused, succeeded } from './capability.ts';

/** What is committed, read by collection and key. Given by the store, for one connection. */
export interface StoredCollections {
  get(collection: string, key: string): Promise<Uint8Array | undefined>;
  /** In the byte order of the keys; undefined when they hold more than `maxBytes`. */
  scan(
    collection: string,
    range: { after: string | undefined; limit: number; maxBytes: number },
  ): Promise<{ key: string; value: Uint8Array }[] | undefined>;
  /** How many keys there are, and the bytes of all keys and values. */
  size(): Promise<StoredSize>;
}

export interface StoredSize {
  keys: number;
  bytes: number;
}

/** What a call wrote: committed with its batch, or dropped with it. `value` undefined removes. */
export interface StorageWrite {
  collection: string;
  key: string;
  value: Uint8Array | undefined;
}

const MAX_KEY_BYTES = 512;
const MAX_VALUE_BYTES = 1024 * 1024;
const MAX_SCAN = 1_000;
/** Of what one scan gives: values are large and many, and all of them are in the host's memory at one time. */
const MAX_SCAN_BYTES = 16 * 1024 * 1024;

/** `storage`: the declared collections, with this call's own writes over what is committed. */
export class StorageCapability {
  readonly #scope: CallScope;
  readonly #stored: StoredCollections;
  readonly #collections: Set<string>;
  /** By collection, then key. */
  readonly #writes = new Map<string, Map<string, Uint8Array | undefined>>();
  /** Of what the call put and did not remove. What it replaces in the store counts until the commit. */
  readonly #written: StoredSize = { keys: 0, bytes: 0 };
  /** Summed over the whole connection, so once a call. */
  #storedSize: Promise<StoredSize> | undefined;

  constructor(scope: CallScope, stored: StoredCollections) {
    this.#scope = scope;
    this.#stored = stored;
    this.#collections = new Set(scope.manifest.collections.map(({ name }) => name));
  }

  open(): OpenCapability {
    return {
      get: async ([collection, key]) => this.#checked(collection, key, async (name, id) => this.#get(name, id)),
      put: async ([collection, key, value]) => this.#checked(collection, key, async (name, id) => this.#put(name, id, value)),
      remove: async ([collection, key]) =>
        this.#checked(collection, key, async (name, id) => {
          this.#write(name, id, undefined);
          return succeeded();
        }),
      scan: async ([collection, after, limit]) => this.#scan(collection, after ?? undefined, limit),
    };
  }

  /** All that the call wrote, for the transaction of its batch. */
  writes(): StorageWrite[] {
    return [...this.#writes].flatMap(([collection, entries]) => [...entries].map(([key, value]) => ({ collection, key, value })));
  }

  async #checked(collection: unknown, key: unknown, then: (collection: string, key: string) => Promise<Answer>): Promise<Answer> {
    const refusal = this.#refuse(collection);
    if (refusal !== undefined) return refusal;
    const bytes = typeof key === 'string' ? Buffer.byteLength(key) : 0;
    if (typeof key !== 'string' || bytes < 1 || bytes > MAX_KEY_BYTES) return refused('invalid', `a key has 1 to ${MAX_KEY_BYTES} bytes`);
    if (!isStorableText(key)) return refused('invalid', 'a key holds no NUL and no half of a surrogate pair');
    return then(collection as string, key);
  }

  #refuse(collection: unknown): Answer | undefined {
    if (typeof collection !== 'string' || !this.#collections.has(collection)) {
      return refused(
        'unknown-collection',
        `${plainText(collection, 64)}: the manifest declares it under database.tables, or it does not exist`,
      );
    }
    if (!this.#scope.grant.storage)
      return refused('quota-exceeded', 'storage is not granted: an operator allows it with `datasources install … --storage`');
    return undefined;
  }

  #overlay(collection: string): Map<string, Uint8Array | undefined> {
    const found = this.#writes.get(collection) ?? new Map<string, Uint8Array | undefined>();
    this.#writes.set(collection, found);
    return found;
  }

  async #get(collection: string, key: string): Promise<Answer> {
    const overlay = this.#overlay(collection);
    return succeeded(overlay.has(key) ? overlay.get(key) : await this.#stored.get(collection, key));
  }

  async #put(collection: string, key: string, value: unknown): Promise<Answer> {
    if (!(value instanceof Uint8Array) || value.byteLength > MAX_VALUE_BYTES)
      return refused('invalid', `a value has at most ${MAX_VALUE_BYTES} bytes`);
    this.#storedSize ??= this.#stored.size();
    const stored = await this.#storedSize;
    const more = this.#change(collection, key, value);
    const { meter } = this.#scope;
    const sums = [
      ['maxStorageKeys', stored.keys + this.#written.keys + more.keys],
      ['maxStorageBytes', stored.bytes + this.#written.bytes + more.bytes],
    ] as const;
    for (const [limit, sum] of sums) {
      if (sum > meter.limits[limit]) return refused('quota-exceeded', `more than ${describeBreach(meter.breach(limit, sum))}`);
    }
    this.#write(collection, key, value);
    return succeeded();
  }

  #write(collection: string, key: string, value: Uint8Array | undefined): void {
    const { keys, bytes } = this.#change(collection, key, value);
    this.#written.keys += keys;
    this.#written.bytes += bytes;
    this.#overlay(collection).set(key, value);
  }

  /** What a write adds to what the call has written. */
  #change(collection: string, key: string, value: Uint8Array | undefined): StoredSize {
    const before = this.#overlay(collection).get(key);
    return {
      keys: (value === undefined ? 0 : 1) - (before === undefined ? 0 : 1),
      bytes: sizeOf(key, value) - sizeOf(key, before),
    };
  }

  async #scan(collection: unknown, after: unknown, limit: unknown): Promise<Answer> {
    const refusal = this.#refuse(collection);
    if (refusal !== undefined) return refusal;
    if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 1 || limit > MAX_SCAN)
      return refused('invalid', `limit: 1 to ${MAX_SCAN}`);
    if (after !== undefined && (typeof after !== 'string' || !isStorableText(after))) return refused('invalid', 'after: not a key');
    const overlay = this.#overlay(collection as string);
    // Committed entries that this call removed leave gaps, so as many more are fetched.
    const removed = [...overlay.values()].filter((value) => value === undefined).length;
    const range = { after: after as string | undefined, limit: limit + removed, maxBytes: MAX_SCAN_BYTES };
    const stored = await this.#stored.scan(collection as string, range);
    if (stored === undefined)
      return refused('quota-exceeded', `${limit} entries hold more than ${MAX_SCAN_BYTES} bytes: ask for fewer at one time`);
    const merged = new Map<string, Uint8Array | undefined>(stored.map(({ key, value }) => [key, value]));
    const last = stored.length === limit + removed ? stored.at(-1)?.key : undefined;
    for (const [key, value] of overlay) {
      if (isAfter(key, after) && (last === undefined || !isAfter(key, last))) merged.set(key, value);
    }
    const entries = [...merged].flatMap(([key, value]) => (value === undefined ? [] : [{ key, value }]));
    return succeeded(entries.toSorted((a, b) => compareBytes(a.key, b.key)).slice(0, limit));
  }
}

function sizeOf(key: string, value: Uint8Array | undefined): number {
  return value === undefined ? 0 : Buffer.byteLength(key) + value.byteLength;
}

function isAfter(key: string, after: string | undefined): boolean {
  return after === undefined || compareBytes(key, after) > 0;
}

/** SQLite compares text by its UTF-8 bytes; JavaScript compares UTF-16 units. */
function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
