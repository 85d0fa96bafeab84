import type { Collection } from '@lorelai/datasource-sdk';

/** What this datasource uses of a collection. */
export type Shelf = Pick<Collection, 'get' | 'put' | 'remove' | 'scan'>;

/**
 * A collection that asks the host for each key once. It is for one call, which alone writes to the collection; what
 * it gives must not be changed in place.
 */
export function cached(collection: Shelf): Shelf {
  const values = new Map<string, unknown>();
  return {
    get: <T>(key: string): T | undefined => {
      if (!values.has(key)) values.set(key, collection.get<T>(key));
      // As in the collection itself, the type is the caller's word for it.
      return values.get(key) as T | undefined;
    },
    put: (key, value) => {
      collection.put(key, value);
      values.set(key, value);
    },
    remove: (key) => {
      collection.remove(key);
      values.set(key, undefined);
    },
    scan: (after) => collection.scan(after),
  };
}
