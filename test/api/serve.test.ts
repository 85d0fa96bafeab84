import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ADMIN_KEY } from '../helpers/admin-key.ts';
import { startHostProcess } from '../helpers/host-process.ts';

const BIN = join(import.meta.dirname, '../../bin/datasources.js');
let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'lorelai-serve-'));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

/** Runs `datasources` to its end. */
function program(args: string[], env: Record<string, string>): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [BIN, ...args],
      { env: { PATH: process.env.PATH, DATA_DIR: dataDir, ...env }, timeout: 30_000 },
      (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr });
      },
    );
  });
}

describe('datasources serve', () => {
  test('says where it is, answers, and ends with 0 on SIGTERM', async () => {
    const host = await startHostProcess({ dataDir });
    expect(host.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const ready = await fetch(`${host.url}/readyz`);
    expect([ready.status, await ready.json()]).toMatchObject([200, { ready: true }]);
    expect((await fetch(`${host.url}/reference`)).status).toBe(200);
    const address = `${host.url}/api/v1/organisations/default`;
    expect((await fetch(address)).status).toBe(401);
    expect((await fetch(address, { headers: { authorization: `Bearer ${ADMIN_KEY}` } })).status).toBe(200);
    expect(await host.stop()).toBe(0);
    await expect(fetch(`${host.url}/healthz`)).rejects.toThrow();
  });

  test.each(['namespace', 'process'])('with ISOLATION=%s says so at its start and in /readyz', async (isolation) => {
    const child = spawn(process.execPath, [BIN, 'serve'], {
      env: { PATH: process.env.PATH, DATA_DIR: dataDir, PORT: '0', ISOLATION: isolation },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [line] = await once(child.stdout, 'data');
    const [, url] = new RegExp(`^Listening on (\\S+) .*, sandbox isolation: ${isolation} \\(`).exec(String(line)) ?? [];
    const ready = await (await fetch(`${url}/readyz`)).json();
    child.kill('SIGTERM');
    await once(child, 'exit');
    const detail = expect.stringMatching(new RegExp(`^isolation=${isolation} \\(.+\\), 0 processes$`));
    expect(ready).toMatchObject({ checks: expect.arrayContaining([{ name: 'sandbox', ok: true, detail }]) });
  });

  test.runIf(process.platform === 'linux')('holds nothing open that it inherited, so that no sandbox gets it', async () => {
    // bash, because other shells know descriptors of one digit only.
    const child = spawn('bash', ['-c', `exec 200>>"$1"; exec "$2" "$3" serve`, '-', join(dataDir, 'inherited'), process.execPath, BIN], {
      env: { PATH: process.env.PATH, DATA_DIR: dataDir, PORT: '0' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await once(child.stdout, 'data');
    const folder = `/proc/${child.pid}/fd`;
    const targets = await Promise.all((await readdir(folder)).map((file) => readlink(join(folder, file)).catch(() => '')));
    child.kill('SIGTERM');
    await once(child, 'exit');
    expect(targets.filter((target) => target.endsWith('inherited'))).toEqual([]);
  });

  test('with ISOLATION=namespace on a machine without bubblewrap says so in one sentence and ends with 1', async () => {
    expect(await program(['serve'], { PATH: dataDir, PORT: '0', ISOLATION: 'namespace' })).toEqual({
      code: 1,
      stdout: '',
      stderr: `error: ISOLATION=namespace does not work on this machine: bubblewrap is not installed. [INVALID_SETTING]\n  remedy: Install bubblewrap and allow user namespaces, or set ISOLATION=auto to take what works.\n`,
    });
  });

  test('on a port that is taken says so in one sentence and ends with 1', async () => {
    const host = await startHostProcess({ dataDir });
    const { port } = new URL(host.url);
    const second = await program(['serve'], { PORT: port });
    expect(second).toEqual({
      code: 1,
      stdout: '',
      stderr: `error: Port ${port} on 127.0.0.1 is taken by another program. [PORT_IN_USE]\n  remedy: Stop that program, or set PORT to another port, or to 0 for any free one.\n`,
    });
    expect((await fetch(`${host.url}/healthz`)).status).toBe(200);
    await host.stop();
  });

  test('in a data folder that is a file says so and ends with 1', async () => {
    const file = join(dataDir, 'file');
    await writeFile(file, '');
    const { code, stderr } = await program(['serve', '--json'], { DATA_DIR: file, PORT: '0' });
    expect([code, JSON.parse(stderr)]).toMatchObject([1, { code: 'DATA_DIR_NOT_WRITABLE', remedy: expect.stringContaining('DATA_DIR') }]);
  });

  test('at its first start hands the first key over in a file that only its owner can read, and never in its log', async () => {
    const host = await startHostProcess({ dataDir, env: { LORELAI_ADMIN_KEY_FILE: '', LOG_LEVEL: 'debug' } });
    const file = join(dataDir, 'first-admin.key');
    const key = (await readFile(file, 'utf8')).trim();
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const listed = await fetch(`${host.url}/api/v1/keys`, { headers: { authorization: `Bearer ${key}` } });
    expect([listed.status, await listed.json()]).toMatchObject([200, { items: [{ name: 'first', scopes: ['admin'] }] }]);
    expect(await host.stop()).toBe(0);
    expect(host.log()).toContain('first-admin.key');
    expect(host.log()).not.toContain(key);
    await rm(file);
    const again = await startHostProcess({ dataDir, env: { LORELAI_ADMIN_KEY_FILE: '' } });
    await again.stop();
    expect(await readdir(dataDir)).not.toContain('first-admin.key');
  });

  test('does not start with a file that holds no key', async () => {
    const file = join(dataDir, 'no.key');
    await writeFile(file, 'hunter2');
    const { code, stderr } = await program(['serve', '--json'], { PORT: '0', LORELAI_ADMIN_KEY_FILE: file });
    expect([code, JSON.parse(stderr)]).toMatchObject([1, { code: 'INVALID_SETTING', remedy: expect.stringContaining('keys generate') }]);
    expect(stderr).not.toContain('hunter2');
  });
});
