import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command, type CommandResult } from '../helpers/command.ts';
import { componentFile } from '../helpers/components.ts';
import { startMirrorSource, type MirrorSource } from '../helpers/mirror.ts';

let dataDir: string;
let source: MirrorSource;

const datasources = (...args: string[]): Promise<CommandResult> => command([...args, '--data-dir', dataDir]);

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'run-commands-'));
  source = await startMirrorSource();
  for (let number = 0; number < 20; number += 1) source.put({ id: `item-${number}` });
  await datasources('install', componentFile('mirror'), '--allow', source.origin, '--allow-private', '127.0.0.0/8');
  expect(await datasources('connect', 'mirror', '--name', 'wiki', '--set', `base_url=${source.origin}`)).toMatchObject({ exitCode: 0 });
  expect(await datasources('index', 'wiki')).toMatchObject({ exitCode: 0 });
});

afterAll(async () => {
  await source.close();
  await rm(dataDir, { recursive: true });
});

describe('the way of an operator through runs', () => {
  test('index reads who is in which group, too', async () => {
    const { stdout } = await datasources('runs', 'wiki', '--json');
    expect(JSON.parse(stdout).runs).toMatchObject([
      { kind: 'access', state: 'succeeded' },
      { kind: 'content', state: 'succeeded', progress: { seen: 20, changed: 20 } },
    ]);
    expect((await datasources('runs', '--kind', 'content')).stdout).toMatch(/content {2}succeeded {2}.*20 seen, 20 changed, 0 deleted/);
  });

  test('schedule shows what holds and sets what is said', async () => {
    const set = await datasources('schedule', 'wiki', '--content', '*/15 * * * *', '--bound', 'alwaysPruned=3', '--json');
    expect(JSON.parse(set.stdout)).toMatchObject({ content: { cron: '*/15 * * * *', from: 'connection' }, bounds: { alwaysPruned: 3 } });
    const { stdout } = await datasources('schedule', 'wiki', '--content', 'default', '--prune', 'off');
    expect(stdout).toMatch(/content +\*\/5 \* \* \* \* +\(datasource\)/);
    expect(stdout).toMatch(/prune +off +\(connection\)/);
    expect(await datasources('schedule', 'wiki', '--content', 'hourly')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('/content'),
    });
    expect(await datasources('schedule', 'wiki', '--bound', 'alwaysPrune=3')).toMatchObject({ exitCode: 2 });
  });

  test('pause refuses what would begin, and resume takes it back', async () => {
    expect((await datasources('pause', 'wiki', '--reason', 'The wiki is being moved.')).stdout).toMatch(
      /^Paused by the operator since .*: The wiki is being moved\./,
    );
    expect(await datasources('index', 'wiki')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('datasources resume') });
    expect((await datasources('resume', 'wiki')).stdout).not.toContain('Paused');
  });

  test('a held prune is listed, looked at, and approved', async () => {
    for (let number = 0; number < 10; number += 1) source.vanish(`item-${number}`);
    const pruned = await datasources('index', 'wiki', '--kind', 'prune', '--json');
    expect(pruned.exitCode).toBe(1);
    const [held] = JSON.parse(pruned.stdout).runs;
    expect(held).toMatchObject({ state: 'held' });
    expect((await datasources('held')).stdout).toMatch(/10 of 20 documents are no longer listed/);
    expect(JSON.parse((await datasources('held', held.id, '--json')).stdout).items).toHaveLength(10);
    expect(await datasources('held', held.id, '--approve', '--dismiss')).toMatchObject({ exitCode: 2 });
    expect(await datasources('held', held.id, '--approve')).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('10 deleted') });
    expect((await datasources('held')).stdout).toBe('Nothing is held.\n');
  });

  test('failed says that nothing has failed', async () => {
    expect(await datasources('failed', 'wiki')).toMatchObject({ exitCode: 0, stdout: 'No item has failed.\n' });
    expect(await datasources('failed', 'wiki', '--retry')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('index') });
  });
});

describe('index against a source that is away', () => {
  test('shows at once that it has begun, then why and until when it waits', async () => {
    const { origin, close } = await startMirrorSource();
    await close();
    const away = await mkdtemp(join(tmpdir(), 'source-away-'));
    const at = ['--data-dir', away];
    await command(['install', componentFile('mirror'), '--allow', origin, '--allow-private', '127.0.0.0/8', ...at]);
    await command(['connect', 'mirror', '--name', 'wiki', '--set', `base_url=${origin}`, ...at]);
    const stop = new AbortController();
    const seen: string[] = [];
    const { exitCode } = await command(['index', 'wiki', ...at], {
      tty: true,
      signal: stop.signal,
      env: { LOG_LEVEL: 'silent' },
      onStderr: (text) => {
        seen.push(text.replace('\r\u001b[2K', ''));
        if (text.includes('waiting until')) stop.abort();
      },
    });
    await rm(away, { recursive: true });
    expect(exitCode).toBe(130);
    // What was drawn before anything was known of the source.
    expect(seen[0]).toMatch(/^\w+ waiting$/);
    expect(seen.join('\n')).toMatch(/^\w+ begins; for \d+ s$/m);
    expect(seen.join('\n')).toMatch(/^waiting until [\d:]+ UTC: unavailable: .*ECONNREFUSED/m);
  });
});
