import { describe, expect, it } from 'vitest';
import { log, openMetrics, openStorage } from '../index.ts';
import { useTestHost } from '../testing/index.ts';
import { manifest } from './example.ts';
import { failureOf } from './failure-of.ts';

const storage = openStorage(manifest);
const metrics = openMetrics(manifest);

describe('openStorage()', () => {
  it('keeps JSON and bytes by key, in collections of their own', () => {
    useTestHost({ collections: manifest.collections });
    storage.seen.put('a', { title: 'Grüße', n: [1, 2] });
    storage.etags.putBytes('a', new Uint8Array([0, 255]));
    expect(storage.seen.get('a')).toEqual({ title: 'Grüße', n: [1, 2] });
    expect(storage.etags.getBytes('a')).toEqual(new Uint8Array([0, 255]));
    expect(storage.seen.get('b')).toBeUndefined();
    storage.seen.remove('a');
    storage.seen.remove('never there');
    expect(storage.seen.get('a')).toBeUndefined();
  });

  it('scans page by page, from the first key after the one that is named', () => {
    useTestHost({ collections: manifest.collections });
    for (let index = 0; index < 2_500; index += 1) storage.seen.put(String(index).padStart(5, '0'), index);
    expect([...storage.seen.scan<number>()].map(({ value }) => value)).toEqual(Array.from({ length: 2_500 }, (_, index) => index));
    expect([...storage.seen.scan('02497')].map(({ key }) => key)).toEqual(['02498', '02499']);
    expect([...storage.etags.scan()]).toEqual([]);
  });

  it('scans values that are too large for one page in smaller ones', () => {
    useTestHost({ collections: manifest.collections });
    for (let index = 0; index < 50; index += 1)
      storage.etags.putBytes(String(index).padStart(2, '0'), new Uint8Array(1024 * 1024).fill(0x31));
    expect([...storage.etags.scan()].map(({ key }) => Number(key))).toEqual(Array.from({ length: 50 }, (_, index) => index));
  });

  it('fails with the reason when the quota is spent', () => {
    useTestHost({ collections: manifest.collections, storageQuotaBytes: 10 });
    expect(failureOf(() => storage.seen.put('a', 'x'.repeat(20)))).toMatchObject({
      kind: 'failed',
      message: 'Collection "seen": 10 bytes are spent.',
    });
  });

  it('fails with the remedy when the manifest declares no such collection', () => {
    useTestHost({ collections: [] });
    expect(failureOf(() => storage.seen.get('a')).message).toContain('database.tables in datasource.yaml');
  });

  it('fails for a value that JSON cannot carry and for bytes that are no JSON', () => {
    useTestHost({ collections: manifest.collections });
    expect(failureOf(() => storage.seen.put('a', undefined)).message).toBe('The value of "a" for collection "seen" is no JSON.');
    storage.seen.putBytes('b', new Uint8Array([123]));
    expect(failureOf(() => storage.seen.get('b')).message).toContain('Read it with getBytes');
  });
});

describe('openMetrics()', () => {
  it('adds to counters, sets gauges, and drops what is no number', () => {
    const host = useTestHost();
    metrics.items_read.add();
    metrics.items_read.add(2.5);
    metrics.items_read.add(-1);
    metrics.items_read.add(Number.NaN);
    metrics.requests_left.set(41);
    metrics.requests_left.set(Number.POSITIVE_INFINITY);
    expect([...host.metrics]).toEqual([
      ['items_read', 3.5],
      ['requests_left', 41],
    ]);
  });
});

describe('log', () => {
  it('writes lines with their level', () => {
    const host = useTestHost();
    log.debug('a');
    log.info('b');
    log.warn('c');
    log.error('d');
    expect(host.lines.map(({ level, message }) => `${level} ${message}`)).toEqual(['debug a', 'info b', 'warn c', 'error d']);
  });
});
