import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { command, type CommandResult } from '../helpers/command.ts';
import { componentFile } from '../helpers/components.ts';

const BIN = join(import.meta.dirname, '../../bin/datasources.js');

let folder: string;
let dataDir: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lorelai-data-folder-'));
  dataDir = join(folder, 'whole');
  for (const args of [
    ['install', componentFile('hello'), '--grant-asked'],
    ['connect', 'hello'],
  ]) {
    const { exitCode, stderr } = await command([...args, '--data-dir', dataDir]);
    expect(exitCode, stderr).toBe(0);
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A copy that a test may harm. */
async function copy(name: string): Promise<string> {
  const copied = join(folder, name);
  await cp(dataDir, copied, { recursive: true });
  return copied;
}

describe('a component file', () => {
  test.each([
    ['that is gone', async (file: string) => rm(file)],
    ['that has changed', async (file: string) => writeFile(file, 'something else')],
  ])('%s is COMPONENT_LOST, with what to do and without a path, and installing it again mends it', async (name, harm) => {
    const harmed = await copy(name.replaceAll(' ', '-'));
    await rm(join(harmed, 'cache'), { recursive: true });
    const [file = ''] = await readdir(join(harmed, 'components'));
    await harm(join(harmed, 'components', file));
    const { exitCode, stderr } = await command(['index', '--all', '--json', '--data-dir', harmed]);
    expect(exitCode).toBe(1);
    expect(JSON.parse(stderr)).toMatchObject({ code: 'COMPONENT_LOST', remedy: expect.stringContaining('install the same file again') });
    expect(stderr).not.toContain(harmed);
    expect(await command(['install', componentFile('hello'), '--grant-asked', '--data-dir', harmed])).toMatchObject({ exitCode: 0 });
    expect(await command(['index', '--all', '--data-dir', harmed])).toMatchObject({ exitCode: 0 });
  });
});

/** A command whose data folder is on a disk of so many bytes. It is the command that fills it. */
async function onSmallDisk(bytes: number, args: readonly string[]): Promise<CommandResult> {
  const disk = join(folder, 'disk');
  await mkdir(disk, { recursive: true });
  const inside = [process.execPath, BIN, ...args, '--data-dir', join(disk, 'data')];
  // A sandbox in a sandbox is another test's business.
  const child = spawn('bwrap', ['--dev-bind', '/', '/', '--size', String(bytes), '--tmpfs', disk, ...inside], {
    env: { PATH: process.env.PATH, ISOLATION: 'process' },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const written = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (written.stdout += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (written.stderr += chunk.toString('utf8')));
  await once(child, 'close');
  return { exitCode: child.exitCode ?? -1, ...written };
}

describe('a disk that is full', () => {
  test.each([
    ['before there is a database', 100_000],
    ['while a component is compiled', 2_500_000],
  ])('%s is DISK_FULL, with what to do', async (_, bytes) => {
    const { exitCode, stdout, stderr } = await onSmallDisk(bytes, ['install', componentFile('hello'), '--grant-asked', '--json']);
    expect([exitCode, stdout]).toEqual([1, '']);
    expect(JSON.parse(stderr)).toMatchObject({ code: 'DISK_FULL', remedy: expect.stringContaining('Make room') });
  });
});
