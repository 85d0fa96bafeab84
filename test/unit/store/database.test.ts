import { chmod, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { ExpectationError, openDatabase, operation } from '../../../host/store/database.ts';
import { defineStatement, type NoParams, type SqlValue } from '../../../host/store/statement.ts';
import { createThreadPool, DatabaseThread } from '../../../host/store/thread-pool.ts';
import { temporaryDatabase, temporaryFolder } from './fixture.ts';

const MAKE = defineStatement<NoParams>('things.make', 'CREATE TABLE things (id INTEGER PRIMARY KEY, value ANY) STRICT');
const PUT = defineStatement<{ id: number; value: SqlValue }>('things.put', 'INSERT INTO things (id, value) VALUES (:id, :value)');
const REMOVE = defineStatement<{ id: number }>('things.remove', 'DELETE FROM things WHERE id = :id');
const COUNT = defineStatement<NoParams, number>('things.count', 'SELECT count(*) AS n FROM things', (row) => row.number('n'));
const TYPE = defineStatement<{ id: number }, string>('things.type', 'SELECT typeof(value) AS type FROM things WHERE id = :id', (row) =>
  row.text('type'),
);

const HOSTILE: [string, unknown][] = [
  ['true', true],
  ['undefined', undefined],
  ['an object', { a: 1 }],
  ['an array', [1]],
  ['a date', new Date()],
  ['a function', () => 1],
  ['a symbol', Symbol('x')],
  ['NaN', Number.NaN],
  ['infinity', Number.POSITIVE_INFINITY],
  ['an integer beyond 64 bits', 2n ** 63n],
  ['text with NUL', 'a\0b'],
  ['an ArrayBuffer', new ArrayBuffer(2)],
];

test.each(HOSTILE)('%s is refused before it reaches libSQL', (_, value) => {
  expect(() => operation(PUT, { id: 1, value: value as SqlValue })).toThrow(TypeError);
  expect(() => operation(REMOVE, { id: value as number })).toThrow(/^things\.remove :id /);
});

test('refused values leave the database as it was, and it goes on', async () => {
  const database = await temporaryDatabase();
  await database.write([operation(MAKE, {})]);
  for (const [, value] of HOSTILE) await expect(database.read(TYPE, { id: value as number })).rejects.toThrow(TypeError);
  await database.write([operation(PUT, { id: 1, value: 1 })]);
  expect(await database.readOne(COUNT, {})).toBe(1);
});

test('a statement refuses parameters that are missing or that it does not have', () => {
  expect(() => operation(REMOVE, {} as { id: number })).toThrow('things.remove :id is missing');
  expect(() => operation(REMOVE, { id: 1, name: 2 } as { id: number })).toThrow('things.remove has no parameter :name');
});

test('values are stored as what they are', async () => {
  const database = await temporaryDatabase();
  const values: [SqlValue, string][] = [
    ['grüße 👋 漢字', 'text'],
    ['', 'text'],
    [42, 'integer'],
    [Number.MAX_SAFE_INTEGER, 'integer'],
    [-0, 'integer'],
    [-(2n ** 63n), 'integer'],
    [0.5, 'real'],
    [1e300, 'real'],
    [new Uint8Array([0, 255]), 'blob'],
    [Buffer.from('x'), 'blob'],
    [null, 'null'],
  ];
  await database.write([operation(MAKE, {}), ...values.map(([value], id) => operation(PUT, { id, value }))]);
  const types = values.map((_, id) => database.readOne(TYPE, { id }));
  expect(await Promise.all(types)).toEqual(values.map(([, type]) => type));
});

test('text comes back as it went in, half a surrogate pair as the replacement character', async () => {
  const database = await temporaryDatabase();
  const get = defineStatement<{ id: number }, string>('things.text', 'SELECT value FROM things WHERE id = :id', (row) => row.text('value'));
  const texts = ['grüße 👋 漢字', '', '\u0001\u007f\uffff', 'a\ud800b'];
  await database.write([operation(MAKE, {}), ...texts.map((value, id) => operation(PUT, { id, value }))]);
  const back = await Promise.all(texts.map((_, id) => database.readOne(get, { id })));
  expect(back).toEqual(texts.map((text) => text.toWellFormed()));
});

test('a view of a larger buffer is stored as the view', async () => {
  const database = await temporaryDatabase();
  const get = defineStatement<NoParams, Uint8Array>('things.bytes', 'SELECT value FROM things', (row) => row.bytes('value'));
  const view = new Uint8Array([1, 2, 3, 4]).subarray(1, 3);
  await database.write([operation(MAKE, {}), operation(PUT, { id: 1, value: view })]);
  expect(await database.readOne(get, {})).toEqual(new Uint8Array([2, 3]));
});

test('a row that is not what its statement says is a TypeError that names the column', async () => {
  const database = await temporaryDatabase();
  const wrong = defineStatement<NoParams, string>('things.wrong', 'SELECT 1 AS name', (row) => row.text('name'));
  await expect(database.read(wrong, {})).rejects.toThrow('things.wrong gave a name that is not text');
});

test('a parameter that is named twice is one value, and a colon in a text is none', async () => {
  const database = await temporaryDatabase();
  const twice = defineStatement<{ a: string; b: string }, string>(
    'twice',
    `SELECT :a || :b || :a || ':c' || "x" AS "x" FROM (SELECT '!' AS x) -- :d`,
    (row) => row.text('x'),
  );
  expect(await database.readOne(twice, { a: '1', b: '2' })).toBe('121:c!');
});

test('write does all or nothing: an expectation that fails takes back what came before it', async () => {
  const database = await temporaryDatabase();
  await database.write([operation(MAKE, {})]);
  const write = database.write([
    operation(PUT, { id: 1, value: 'a' }, { expectChanges: 1 }),
    operation(REMOVE, { id: 7 }, { expectChanges: 1 }),
    operation(PUT, { id: 2, value: 'b' }),
  ]);
  await expect(write).rejects.toThrow(ExpectationError);
  await expect(write).rejects.toMatchObject({ statement: 'things.remove' });
  expect(await database.readOne(COUNT, {})).toBe(0);
});

test('write does all or nothing: so does a statement that libSQL refuses', async () => {
  const database = await temporaryDatabase();
  await database.write([operation(MAKE, {})]);
  const write = database.write([operation(PUT, { id: 1, value: 'a' }), operation(PUT, { id: 1, value: 'b' })]);
  await expect(write).rejects.toMatchObject({ code: 'SQLITE_CONSTRAINT_PRIMARYKEY', message: expect.stringContaining('things.put') });
  expect(await database.readOne(COUNT, {})).toBe(0);
  await database.write([operation(PUT, { id: 1, value: 'a' }), operation(PUT, { id: 2, value: 'b' })]);
  expect(await database.readOne(COUNT, {})).toBe(2);
});

test('changes are those of each operation, none for one that found nothing', async () => {
  const database = await temporaryDatabase();
  await database.write([operation(MAKE, {})]);
  const written = await database.write([operation(PUT, { id: 1, value: 1 }), operation(REMOVE, { id: 9 }), operation(REMOVE, { id: 1 })]);
  expect([0, 1, 2].map((index) => written.changes(index))).toEqual([1, 0, 1]);
});

test('every reader sees a write that has resolved', async () => {
  const database = await temporaryDatabase({ readers: 3 });
  await database.write([operation(MAKE, {})]);
  for (let id = 1; id <= 50; id += 1) {
    await database.write([operation(PUT, { id, value: id })]);
    const counts = await Promise.all([1, 2, 3].map(() => database.readOne(COUNT, {})));
    expect(counts).toEqual([id, id, id]);
  }
});

test('a reader cannot write', async () => {
  const database = await temporaryDatabase();
  await database.write([operation(MAKE, {})]);
  await expect(database.read(PUT, { id: 1, value: 1 })).rejects.toMatchObject({ code: expect.stringContaining('SQLITE_READONLY') });
});

test('requests beyond the queue are refused with HOST_BUSY, and those in it are answered', async () => {
  const database = await temporaryDatabase({ readers: 1, maxQueued: 3 });
  const results = await Promise.allSettled(Array.from({ length: 6 }, () => database.read(TABLES, {})));
  const codes = results.map((result) => (result.status === 'fulfilled' ? 'ok' : result.reason.code));
  expect(codes).toEqual(['ok', 'ok', 'ok', 'ok', 'HOST_BUSY', 'HOST_BUSY']);
});

const TABLES = defineStatement<NoParams, string>('tables', 'SELECT name FROM sqlite_schema', (row) => row.text('name'));

test('close lets what was asked finish, then refuses with SHUTTING_DOWN', async () => {
  const database = await temporaryDatabase();
  await database.write([operation(MAKE, {})]);
  const asked = [...Array(20).keys()].map((id) => database.write([operation(PUT, { id, value: id })]));
  const closed = database.close();
  await expect(Promise.all(asked)).resolves.toHaveLength(20);
  await closed;
  await expect(database.read(COUNT, {})).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
  await database.close();
});

test('when a thread dies, what it was asked and what waits for it is rejected, not left hanging', async () => {
  const worker = new Worker(`require('node:worker_threads').parentPort.once('message', () => process.exit(3))`, { eval: true });
  onTestFinished(async () => void (await worker.terminate()));
  const pool = createThreadPool([new DatabaseThread(worker)], { maxQueued: 10 });
  const asked = [1, 2, 3].map(() => pool.ask({ kind: 'open' }));
  for (const result of await Promise.allSettled(asked)) {
    expect(result).toMatchObject({ status: 'rejected', reason: { code: 'INTERNAL' } });
  }
  await expect(pool.ask({ kind: 'open' })).rejects.toMatchObject({ code: 'INTERNAL' });
  await pool.close();
});

test('the file and what stands beside it are for their owner only, whatever the mask of the process', async () => {
  const before = process.umask(0o000);
  onTestFinished(() => void process.umask(before));
  const folder = join(await temporaryFolder(), 'data');
  const database = await openDatabase({ file: join(folder, 'test.db') });
  onTestFinished(() => database.close());
  await database.write([operation(MAKE, {})]);
  expect(await modesIn(folder)).toEqual({ 'test.db': '600', 'test.db-wal': '600', 'test.db-shm': '600' });
});

test('a file that an earlier version made for everybody is taken from them, while another host works on it', async () => {
  const folder = await temporaryFolder();
  const file = join(folder, 'test.db');
  const first = await openDatabase({ file });
  onTestFinished(() => first.close());
  await first.write([operation(MAKE, {})]);
  for (const name of await readdir(folder)) await chmod(join(folder, name), 0o644);
  const second = await openDatabase({ file });
  onTestFinished(() => second.close());
  expect(await modesIn(folder)).toEqual({ 'test.db': '600', 'test.db-wal': '600', 'test.db-shm': '600' });
  await Promise.all([first, second].map((database, id) => database.write([operation(PUT, { id, value: id })])));
  expect(await first.readOne(COUNT, {})).toBe(2);
});

async function modesIn(folder: string): Promise<Record<string, string>> {
  const names = await readdir(folder);
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, ((await stat(join(folder, name))).mode & 0o777).toString(8)] as const)),
  );
}
