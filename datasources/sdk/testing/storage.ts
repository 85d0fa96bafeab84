import type { Entry } from 'lorelai:datasource/storage@1.0.0';
import { currentStage } from './host.ts';

const MAX_SCAN_BYTES = 16 * 1024 * 1024;

/** Stands in for `lorelai:datasource/storage`. */
export function get(collection: string, key: string): Uint8Array | undefined {
  return collectionOf(collection).get(key);
}

export function put(collection: string, key: string, value: Uint8Array): void {
  const values = collectionOf(collection);
  const { host, options } = currentStage();
  const kept = [...host.collections.values()].flatMap((each) => [...each.values()]).reduce((bytes, each) => bytes + each.length, 0);
  const quota = options.storageQuotaBytes ?? Number.POSITIVE_INFINITY;
  if (kept - (values.get(key)?.length ?? 0) + value.length > quota) refuse('quota-exceeded', `${quota} bytes are spent.`);
  values.set(key, value);
}

export function remove(collection: string, key: string): void {
  collectionOf(collection).delete(key);
}

export function scan(collection: string, after: string | undefined, limit: number): Entry[] {
  const later = [...collectionOf(collection)].filter(([key]) => after === undefined || compareBytes(key, after) > 0);
  const sorted = later.toSorted(([a], [b]) => compareBytes(a, b));
  const page = sorted.slice(0, limit);
  // As the host does: so much does not cross at one time.
  const bytes = page.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + value.length, 0);
  if (bytes > MAX_SCAN_BYTES)
    refuse('quota-exceeded', `${limit} entries hold more than ${MAX_SCAN_BYTES} bytes: ask for fewer at one time`);
  return page.map(([key, value]) => ({ key, value }));
}

function collectionOf(name: string): Map<string, Uint8Array> {
  return currentStage().host.collections.get(name) ?? refuse('unknown-collection', name);
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function refuse(tag: 'unknown-collection' | 'quota-exceeded', val: string): never {
  const error: unknown = { tag, val };
  throw error;
}
