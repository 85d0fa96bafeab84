import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Libsql from 'libsql';
import { expect, onTestFinished, test } from 'vitest';
import { openDatabase } from '../../../host/store/database.ts';
import { DatabaseNewerError, migrate, MIGRATIONS } from '../../../host/store/migrate.ts';
import { inspectFile, temporaryFolder } from './fixture.ts';

const NEWEST = MIGRATIONS.at(-1)?.version;

function versionOf(file: string): unknown {
  return inspectFile(file, (database) => database.prepare('PRAGMA user_version').all([]));
}

test('migrations are numbered from 1 without gaps', () => {
  expect(MIGRATIONS.map((migration) => migration.version)).toEqual(MIGRATIONS.map((_, index) => index + 1));
});

test('a fresh file gets the newest schema, its folder too, and opening it again changes nothing', async () => {
  const file = join(await temporaryFolder(), 'deep', 'er', 'test.db');
  const schema = 'SELECT type, name, sql FROM sqlite_schema ORDER BY name';
  await (await openDatabase({ file })).close();
  const fresh = inspectFile(file, (database) => database.prepare(schema).all([]));
  expect(versionOf(file)).toEqual([{ user_version: NEWEST }]);
  await (await openDatabase({ file })).close();
  expect(inspectFile(file, (database) => database.prepare(schema).all([]))).toEqual(fresh);
  expect(JSON.stringify(fresh)).toContain('datasource_registry');
});

test('every table is STRICT', async () => {
  const file = join(await temporaryFolder(), 'test.db');
  await (await openDatabase({ file })).close();
  const loose = inspectFile(file, (database) =>
    database
      .prepare(`SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%' AND strict = 0`)
      .all([]),
  );
  expect(loose).toEqual([]);
});

test('a database of a newer version is refused with both versions and left as it was', async () => {
  const file = join(await temporaryFolder(), 'test.db');
  await (await openDatabase({ file })).close();
  inspectFile(file, (database) => database.exec('PRAGMA user_version = 999'));
  await expect(openDatabase({ file })).rejects.toMatchObject({
    code: 'DATABASE_NEWER',
    message: expect.stringMatching(new RegExp(`version 999.*up to ${NEWEST}`)),
    remedy: expect.stringContaining('newer version'),
  });
  expect(versionOf(file)).toEqual([{ user_version: 999 }]);
});

test('a folder that cannot be written to is DATA_DIR_NOT_WRITABLE, with its name', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'file'), '');
  await expect(openDatabase({ file: join(folder, 'file', 'test.db') })).rejects.toMatchObject({
    code: 'DATA_DIR_NOT_WRITABLE',
    message: expect.stringContaining(join(folder, 'file')),
    remedy: expect.stringContaining('DATA_DIR'),
  });
  await expect(openDatabase({ file: '/proc/datasource-host/test.db' })).rejects.toMatchObject({ code: 'DATA_DIR_NOT_WRITABLE' });
});

test('a folder in the place of the file is DATA_DIR_NOT_WRITABLE', async () => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'test.db'));
  await expect(openDatabase({ file: join(folder, 'test.db') })).rejects.toMatchObject({ code: 'DATA_DIR_NOT_WRITABLE' });
});

test('a file that is no database is FILE_NOT_READABLE and stays as it is', async () => {
  const file = join(await temporaryFolder(), 'test.db');
  await writeFile(file, 'Dear diary, today I was mistaken for a database. '.repeat(100));
  await expect(openDatabase({ file })).rejects.toMatchObject({ code: 'FILE_NOT_READABLE', message: expect.stringContaining(file) });
});

test('a step that fails leaves the schema of the step before it', async () => {
  const database = new Libsql(':memory:');
  onTestFinished(() => void database.close());
  const one = { version: 1, name: 'one', sql: 'CREATE TABLE one (id INTEGER PRIMARY KEY) STRICT;' };
  const two = { version: 2, name: 'two', sql: 'CREATE TABLE two (id INTEGER PRIMARY KEY) STRICT;' };
  const broken = { ...two, sql: `${two.sql} INSERT INTO nowhere VALUES (1);` };
  expect(() => migrate(database, [one, broken])).toThrow('nowhere');
  expect(database.prepare('SELECT name FROM sqlite_schema').all([])).toEqual([{ name: 'one' }]);
  expect(database.prepare('PRAGMA user_version').all([])).toEqual([{ user_version: 1 }]);
  migrate(database, [one, two]);
  expect(database.prepare('PRAGMA user_version').all([])).toEqual([{ user_version: 2 }]);
  expect(() => migrate(database, [one])).toThrow(DatabaseNewerError);
});

test('processes that open a new file at the same moment migrate it once', async () => {
  const file = join(await temporaryFolder(), 'test.db');
  const children = await Promise.all(
    [1, 2, 3].map(async (number) => {
      const child = fork(new URL('./opening-process.ts', import.meta.url), [file, `organisation-${number}`]);
      onTestFinished(() => void child.kill('SIGKILL'));
      await once(child, 'message');
      return child;
    }),
  );
  const codes = children.map(async (child) => {
    child.send('go');
    const [code] = await once(child, 'exit');
    return code;
  });
  expect(await Promise.all(codes)).toEqual([0, 0, 0]);
  expect(inspectFile(file, (database) => database.prepare('SELECT id FROM organisations ORDER BY id').all([]))).toEqual(
    [1, 2, 3].map((number) => ({ id: `organisation-${number}` })),
  );
});
