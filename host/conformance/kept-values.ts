import type { StorageWrite, StoredCollections } from '../capabilities/storage.ts';

/** What a connection keeps in its collections, in memory. Never changed: a commit makes another one. */
export interface KeptValues extends StoredCollections {
  commit(writes: readonly StorageWrite[]): KeptValues;
}

type Collections = ReadonlyMap<string, ReadonlyMap<string, Uint8Array>>;

/** Collections with nothing in them. */
export function noValues(): KeptValues {
  return keptValues(new Map());
}

function keptValues(collections: Collections): KeptValues {
  return {
    get: (collection, key) => Promise.resolve(collections.get(collection)?.get(key)),
    scan: (collection, { after, limit, maxBytes }) => {
      const entries = [...(collections.get(collection) ?? [])].map(([key, value]) => ({ key, value }));
      const sorted = entries.toSorted((one, other) => Buffer.compare(Buffer.from(one.key), Buffer.from(other.key)));
      const behind = sorted.filter(({ key }) => after === undefined || Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0);
      const page = behind.slice(0, limit);
      return Promise.resolve(sizeOf(page) > maxBytes ? undefined : page);
    },
    size: () => {
      const entries = [...collections.values()].flatMap((collection) => [...collection]);
      return Promise.resolve({ keys: entries.length, bytes: sizeOf(entries.map(([key, value]) => ({ key, value }))) });
    },
    commit(writes) {
      const next = new Map([...collections].map(([name, entries]) => [name, new Map(entries)]));
      for (const { collection, key, value } of writes) {
        const entries = next.get(collection) ?? new Map<string, Uint8Array>();
        next.set(collection, entries);
        if (value === undefined) entries.delete(key);
        else entries.set(key, value);
      }
      return keptValues(next);
    },
  };
}

function sizeOf(entries: readonly { key: string; value: Uint8Array }[]): number {
  return entries.reduce((sum, { key, value }) => sum + Buffer.byteLength(key) + value.byteLength, 0);
}
