import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { migrate, MIGRATIONS } from '../../host/store/migrate.ts';
import { ADMIN_KEY } from '../helpers/admin-key.ts';
import { command, type CommandResult } from '../helpers/command.ts';
import { componentFile } from '../helpers/components.ts';
import { type HostProcess, startHostProcess } from '../helpers/host-process.ts';

let folder: string;
let dataDir: string;
let host: HostProcess;

/** On the machine, beside the host. */
function on(data: string, ...args: string[]): Promise<CommandResult> {
  return command([...args, '--json', '--data-dir', data]);
}

async function json(data: string, ...args: string[]): Promise<unknown> {
  const { exitCode, stdout, stderr } = await on(data, ...args);
  expect(exitCode, `${args.join(' ')}: ${stderr}`).toBe(0);
  return JSON.parse(stdout);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lorelai-backup-'));
  dataDir = join(folder, 'data');
  await json(dataDir, 'install', componentFile('hello'), '--grant-asked');
  await json(dataDir, 'install', componentFile('github'));
  await json(dataDir, 'connect', 'hello', '--name', 'greeter');
  await json(dataDir, 'index', 'greeter');
  // Its check fails, for nothing is granted; its credential is sealed all the same.
  const token = join(folder, 'token');
  await writeFile(token, 'a-secret-token');
  const made = await on(dataDir, 'connect', 'github', '--name', 'code', '--set', 'repositories=a/b', '--credential-file', token);
  expect(made.stdout, made.stderr).toContain('"hasCredential":true');
  host = await startHostProcess({ dataDir });
});
afterAll(async () => {
  await host.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Changes the database until it is told to stop; gives how often. */
function keepWriting(stop: AbortSignal): Promise<number> {
  const headers = { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' };
  const write = async (count: number): Promise<number> => {
    if (stop.aborted) return count;
    const body = JSON.stringify({ id: `org-${count}`, name: `Organisation ${count}` });
    const { status } = await fetch(`${host.url}/api/v1/organisations`, { method: 'POST', headers, body });
    expect(status).toBe(201);
    return write(count + 1);
  };
  return write(0);
}

describe('a backup of a host that works', () => {
  let backup: string;
  let made: unknown;
  let written: number;

  beforeAll(async () => {
    backup = join(folder, 'backups', 'monday');
    const stop = new AbortController();
    const writing = keepWriting(stop.signal);
    made = await json(dataDir, 'backup', backup);
    stop.abort();
    written = await writing;
  });

  test('says what it holds, and the host went on writing', () => {
    expect(made).toEqual({ folder: backup, bytes: expect.any(Number), components: 2, schemaVersion: MIGRATIONS.length });
    expect(written).toBeGreaterThan(0);
  });

  test('is for its owner only, and has no master key', async () => {
    expect(await readdir(backup)).toEqual(['components', 'lorelai.db']);
    for (const path of [backup, join(backup, 'lorelai.db')]) expect((await stat(path)).mode & 0o077).toBe(0);
    const key = await readFile(join(dataDir, 'master.key'), 'utf8');
    expect((await readFile(join(backup, 'lorelai.db'))).includes(key.trim())).toBe(false);
  });

  test('restored as the guide says, with the master key, answers as before and opens every secret', async () => {
    const restored = join(folder, 'restored');
    await cp(backup, restored, { recursive: true });
    await cp(join(dataDir, 'master.key'), join(restored, 'master.key'));
    const before = await json(dataDir, 'search', 'keeping', 'small', 'things');
    const after = await json(restored, 'search', 'keeping', 'small', 'things');
    expect(before).toMatchObject({ hits: expect.arrayContaining([expect.objectContaining({ datasource: 'hello' })]) });
    expect(after).toMatchObject({ hits: (before as { hits: object[] }).hits.map((hit) => ({ ...hit, score: expect.any(Number) })) });
    expect(await json(restored, 'vault', 'rotate')).toMatchObject({ rewrapped: expect.any(Number), failed: 0, status: { lost: [] } });
    // Its component too, which is compiled anew: the cache is in no backup.
    expect(await json(restored, 'index', 'greeter', '--full')).toMatchObject({ runs: [{ state: 'succeeded' }] });
    expect(await json(restored, 'audit', 'verify')).toMatchObject({});
  });

  test('does not touch a folder in which something is', async () => {
    const before = await stat(join(backup, 'lorelai.db'));
    const { exitCode, stderr } = await on(dataDir, 'backup', backup);
    expect([exitCode, JSON.parse(stderr)]).toEqual([1, expect.objectContaining({ code: 'CONFLICT' })]);
    expect((await stat(join(backup, 'lorelai.db'))).mtimeMs).toBe(before.mtimeMs);
    expect(await readdir(join(backup, '..'))).toEqual(['monday']);
  });
});

describe('what cannot be backed up leaves nothing behind', () => {
  test.each([
    ['a folder without a database', async () => undefined],
    ['a file that is no database', async (file: string) => writeFile(file, 'Dear diary. '.repeat(1_000))],
    [
      'a database that is damaged',
      async (file: string) => {
        const bytes = await readFile(join(dataDir, 'lorelai.db'));
        await writeFile(file, bytes.fill(0xff, 4_096, 200_000));
      },
    ],
  ])('%s', async (name, make) => {
    const broken = join(folder, name.replaceAll(' ', '-'));
    await mkdir(broken);
    await make(join(broken, 'lorelai.db'));
    const target = join(broken, 'backup');
    const { exitCode, stderr } = await on(broken, 'backup', target);
    expect([exitCode, JSON.parse(stderr)]).toEqual([1, expect.objectContaining({ code: 'FILE_NOT_READABLE', remedy: expect.any(String) })]);
    expect((await readdir(broken)).filter((entry) => entry.startsWith('backup'))).toEqual([]);
  });
});

test('a backup before an upgrade leaves the database at the version that it has', async () => {
  const old = join(folder, 'old');
  await mkdir(old);
  const database = new Libsql(join(old, 'lorelai.db'));
  migrate(database, MIGRATIONS.slice(0, 5));
  database.close();
  expect(await json(old, 'backup', join(folder, 'old-backup'))).toMatchObject({ schemaVersion: 5 });
  const after = new Libsql(join(old, 'lorelai.db'));
  expect(after.prepare('PRAGMA user_version').all([])).toEqual([{ user_version: 5 }]);
  after.close();
});
