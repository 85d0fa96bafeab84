import { describe, expect, it } from 'vitest';
import type { Answer, OpenCapability } from '../../../host/capabilities/capability.ts';
import { StorageCapability, type StoredCollections } from '../../../host/capabilities/storage.ts';
import { Meter } from '../../../host/domain/meter.ts';
import { DEFAULT_LIMITS } from '../../../host/domain/limits.ts';
import { collectionsSize, getCollectionValue, scanCollection, writeCollections } from '../../../host/store/collections.ts';
import type { Database } from '../../../host/store/database.ts';
import { manifestWith } from '../../helpers/manifest.ts';
import { seededRandom } from '../../helpers/random.ts';
import { addConnection, temporaryDatabase } from '../store/fixture.ts';

const CONNECTION = 'acme-c1';

function storedIn(database: Database, connection = CONNECTION): StoredCollections {
  return {
    get: (collection, key) => getCollectionValue(database, connection, collection, key),
    scan: (collection, range) => scanCollection(database, connection, collection, range),
    size: () => collectionsSize(database, connection),
  };
}

interface StorageOfCall {
  capability: StorageCapability;
  /** Calls a function as a guest does. */
  call(func: string, ...args: unknown[]): Promise<Answer>;
  commit(): Promise<void>;
}

function openStorage(
  database: Database,
  options: { granted?: boolean; maxStorageBytes?: number; maxStorageKeys?: number; connection?: string } = {},
): StorageOfCall {
  const { granted = true, connection = CONNECTION } = options;
  const { maxStorageBytes, maxStorageKeys } = { ...DEFAULT_LIMITS, ...options };
  const collections = ['notes', 'others'].map((name) => ({ name, description: '' }));
  const capability = new StorageCapability(
    {
      connection: { id: connection, config: {} },
      manifest: manifestWith({ collections }),
      grant: { http: { origins: [], privateNetworks: [] }, storage: granted, limits: {} },
      meter: new Meter({ ...DEFAULT_LIMITS, maxStorageBytes, maxStorageKeys }),
      signal: new AbortController().signal,
    },
    storedIn(database, connection),
  );
  const open: OpenCapability = capability.open();
  return {
    capability,
    call: async (func, ...args) => (await open[func]?.(args)) ?? { ok: false, error: 'no answer' },
    commit: async () => void (await database.write(writeCollections(connection, capability.writes()))),
  };
}

async function freshStorage(options: Parameters<typeof openStorage>[1] = {}): Promise<StorageOfCall & { database: Database }> {
  const database = await temporaryDatabase();
  await addConnection(database);
  return { database, ...openStorage(database, options) };
}

const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const found = (text: string): Answer => ({ ok: true, value: bytes(text) });
const NOTHING: Answer = { ok: true, value: undefined };
const refused = (tag: string, val: RegExp) => ({ ok: false, error: { tag, val: expect.stringMatching(val) } });

describe('what a call writes', () => {
  it('it reads back at once, and another call only after it is committed', async () => {
    const { database, call, commit } = await freshStorage();
    await call('put', 'notes', 'a', bytes('1'));
    expect(await call('get', 'notes', 'a')).toEqual(found('1'));
    expect(await openStorage(database).call('get', 'notes', 'a')).toEqual(NOTHING);
    await commit();
    expect(await openStorage(database).call('get', 'notes', 'a')).toEqual(found('1'));
  });

  it('lies over what is committed, removals too', async () => {
    const before = await freshStorage();
    for (const key of ['a', 'b', 'c']) await before.call('put', 'notes', key, bytes('old'));
    await before.commit();
    const { call, commit } = openStorage(before.database);
    await call('put', 'notes', 'a', bytes('new'));
    await call('remove', 'notes', 'b');
    await call('remove', 'notes', 'c');
    await call('put', 'notes', 'c', bytes('again'));
    expect(await Promise.all(['a', 'b', 'c'].map((key) => call('get', 'notes', key)))).toEqual([found('new'), NOTHING, found('again')]);
    await commit();
    const after = openStorage(before.database);
    expect(await Promise.all(['a', 'b', 'c'].map((key) => after.call('get', 'notes', key)))).toEqual([
      found('new'),
      NOTHING,
      found('again'),
    ]);
  });

  it('stays in its collection and with its connection', async () => {
    const { database, call, commit } = await freshStorage();
    await addConnection(database, { connection: 'acme-c2' });
    await call('put', 'notes', 'a', bytes('1'));
    await commit();
    expect(await openStorage(database).call('get', 'others', 'a')).toEqual(NOTHING);
    expect(await openStorage(database, { connection: 'acme-c2' }).call('get', 'notes', 'a')).toEqual(NOTHING);
  });

  it('removing what is not there is no error', async () => {
    const { call, commit } = await freshStorage();
    expect(await call('remove', 'notes', 'never')).toEqual(NOTHING);
    await commit();
  });
});

describe('storage refuses', () => {
  it.each<[unknown]>([
    ['Notes'],
    ['note'],
    [''],
    ['__proto__'],
    ['constructor'],
    ['notes\0'],
    [undefined],
    [5],
    [{}],
    [{ toString: 1, valueOf: 1 }],
  ])('a collection that the manifest does not declare: %j', async (collection) => {
    const { call } = await freshStorage();
    for (const [func, ...args] of [
      ['get', 'a'],
      ['put', 'a', bytes('1')],
      ['remove', 'a'],
      ['scan', undefined, 10],
    ] as const) {
      expect(await call(func, collection, ...args)).toEqual(refused('unknown-collection', /the manifest declares it/));
    }
  });

  it('everything when it is not granted, saying who can', async () => {
    const { call } = await freshStorage({ granted: false });
    for (const [func, ...args] of [
      ['get', 'a'],
      ['put', 'a', bytes('1')],
      ['remove', 'a'],
      ['scan', undefined, 10],
    ] as const) {
      expect(await call(func, 'notes', ...args)).toEqual(refused('quota-exceeded', /--storage/));
    }
  });

  it.each<[string, unknown]>([
    ['an empty key', ''],
    ['a key of 513 bytes', 'k'.repeat(513)],
    ['a key of 171 characters and 513 bytes', '€'.repeat(171)],
    ['a key that is a number', 5],
    ['no key', undefined],
    ['a key with NUL in it', 'a\0b'],
    ['a key with half a pair in it', 'a\ud800'],
  ])('%s', async (_, key) => {
    const { call, commit } = await freshStorage();
    for (const [func, ...args] of [['get'], ['put', bytes('1')], ['remove']] as const) {
      expect(await call(func, 'notes', key, ...args)).toEqual(refused('invalid', /^a key (has 1 to 512 bytes|holds no NUL)/));
    }
    await commit();
  });

  it('no key of 512 bytes', async () => {
    const { call, commit } = await freshStorage();
    for (const key of ['k'.repeat(512), `${'€'.repeat(170)}xx`]) expect(await call('put', 'notes', key, bytes('1'))).toEqual(NOTHING);
    await commit();
  });

  it.each<[string, unknown]>([
    ['that is text', 'text'],
    ['that is none', undefined],
    ['that is a list of numbers', [1, 2]],
    ['above 1 MiB', new Uint8Array(1024 * 1024 + 1)],
  ])('a value %s', async (_, value) => {
    const { call } = await freshStorage();
    expect(await call('put', 'notes', 'a', value)).toEqual(refused('invalid', /a value has at most 1048576 bytes/));
  });

  it.each([0, -1, 1_001, 1.5, Number.NaN, '10', undefined, 2 ** 32])('to scan %d entries', async (limit) => {
    const { call } = await freshStorage();
    expect(await call('scan', 'notes', undefined, limit)).toEqual(refused('invalid', /limit: 1 to 1000/));
  });

  it.each([5, {}, 'a\0', '\udc00'])('to scan after %j', async (after) => {
    const { call } = await freshStorage();
    expect(await call('scan', 'notes', after, 10)).toEqual(refused('invalid', /^after: /));
  });
});

describe('the quota', () => {
  const spent = refused('quota-exceeded', /maxStorageBytes of 100/);

  it('counts keys and values, committed or not', async () => {
    const first = await freshStorage({ maxStorageBytes: 100 });
    expect(await first.call('put', 'notes', 'key', new Uint8Array(47))).toEqual(NOTHING);
    await first.commit();
    const second = openStorage(first.database, { maxStorageBytes: 100 });
    expect(await second.call('put', 'others', 'key', new Uint8Array(48))).toEqual(spent);
    expect(await second.call('put', 'others', 'key', new Uint8Array(47))).toEqual(NOTHING);
    expect(await second.call('put', 'others', 'x', new Uint8Array(0))).toEqual(spent);
    await second.commit();
    expect(await collectionsSize(first.database, CONNECTION)).toEqual({ keys: 2, bytes: 100 });
  });

  it('holds when many are written at the same time', async () => {
    const { call } = await freshStorage({ maxStorageBytes: 100 });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, at) => call('put', 'notes', `key-${at % 10}${at}`, new Uint8Array(15))),
    );
    expect(answers.filter(({ ok }) => ok).length).toBeLessThanOrEqual(5);
  });

  it('counts a key once, however often a call writes it', async () => {
    const { call } = await freshStorage({ maxStorageBytes: 100 });
    for (let time = 0; time < 10; time += 1) expect(await call('put', 'notes', 'key', new Uint8Array(90))).toEqual(NOTHING);
    expect(await call('put', 'notes', 'key', new Uint8Array(98))).toEqual(spent);
    // What was refused has changed nothing.
    expect(await call('get', 'notes', 'key')).toEqual({ ok: true, value: new Uint8Array(90) });
  });

  it('gives back what a call wrote and removed again', async () => {
    const { call } = await freshStorage({ maxStorageBytes: 100 });
    expect(await call('put', 'notes', 'a', new Uint8Array(90))).toEqual(NOTHING);
    await call('remove', 'notes', 'a');
    expect(await call('put', 'notes', 'b', new Uint8Array(90))).toEqual(NOTHING);
  });
});

function keysOf(answer: Answer): unknown {
  return answer.ok ? (answer.value as { key: string }[]).map(({ key }) => key) : answer;
}

async function allEntries({ call }: StorageOfCall, limit: number): Promise<unknown[]> {
  const all: { key: string }[] = [];
  for (;;) {
    const answer = await call('scan', 'notes', all.at(-1)?.key, limit);
    const page = answer.ok ? (answer.value as { key: string }[]) : [];
    all.push(...page);
    if (page.length < limit) return all;
  }
}

describe('a scan', () => {
  it('gives at most 16 MiB at one time, and says to ask for fewer', async () => {
    const { database, call, commit } = await freshStorage();
    for (let at = 0; at < 20; at += 1) await call('put', 'notes', `k${String(at).padStart(2, '0')}`, new Uint8Array(1024 * 1024));
    await commit();
    const later = openStorage(database);
    expect(await later.call('scan', 'notes', undefined, 20)).toEqual(refused('quota-exceeded', /ask for fewer at one time/));
    expect(keysOf(await later.call('scan', 'notes', undefined, 10))).toHaveLength(10);
    expect(keysOf(await later.call('scan', 'notes', 'k09', 1_000))).toHaveLength(10);
  });

  it('goes by the bytes of the keys, not by their UTF-16 units', async () => {
    const { database, call, commit } = await freshStorage();
    // U+FFFD is EF BF BD, U+1F600 is F0 9F 98 80; as UTF-16 the second begins with D83D and would come first.
    const order = ['Z', 'a', 'z', 'é', '\ufb01', '\ufffd', '\u{1f600}', '\u{10ffff}'];
    for (const key of order.toReversed()) await call('put', 'notes', key, bytes(key));
    expect(keysOf(await call('scan', 'notes', undefined, 100))).toEqual(order);
    await commit();
    expect(keysOf(await openStorage(database).call('scan', 'notes', undefined, 100))).toEqual(order);
    expect(keysOf(await openStorage(database).call('scan', 'notes', '\ufffd', 1))).toEqual(['\u{1f600}']);
  });

  it('page by page gives every entry once, whatever is committed and what is only written', async () => {
    const random = seededRandom(99);
    const letters = ['a', 'b', 'z', 'é', '\uffff', '\u{1f600}', '\u{10000}'];
    const letter = (): string => letters[random.below(letters.length)] ?? 'a';
    const before = await freshStorage();
    for (let round = 0; round < 25; round += 1) {
      const session = openStorage(before.database);
      const model = new Map<string, string>(
        ((await allEntries(session, 1_000)) as { key: string; value: Uint8Array }[]).map(({ key, value }) => [
          key,
          Buffer.from(value).toString(),
        ]),
      );
      for (let step = 0; step < 12; step += 1) {
        const key = Array.from({ length: 1 + random.below(3) }, letter).join('');
        if (random.below(3) === 0) {
          model.delete(key);
          await session.call('remove', 'notes', key);
        } else {
          model.set(key, `${round}.${step}`);
          await session.call('put', 'notes', key, bytes(`${round}.${step}`));
        }
      }
      const expected = [...model].toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      const limit = 1 + random.below(7);
      const pages = (await allEntries(session, limit)) as { key: string; value: Uint8Array }[];
      expect(pages.map(({ key, value }) => [key, Buffer.from(value).toString()])).toEqual(expected);
      if (random.below(2) === 0) await session.commit();
    }
  });
});
