import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ADMIN_KEY } from '../helpers/admin-key.ts';
import { command } from '../helpers/command.ts';
import { componentFile } from '../helpers/components.ts';
import { startHostProcess, type HostProcess } from '../helpers/host-process.ts';
import { pythonTools } from '../helpers/python-tools.ts';

const CLIENTS = join(import.meta.dirname, '../../clients/python');
const SCRIPT = join(import.meta.dirname, 'python_client.py');
const run = promisify(execFile);

let tools: string;
let folder: string;
let host: HostProcess;

beforeAll(async () => {
  tools = await pythonTools();
  folder = await mkdtemp(join(tmpdir(), 'lorelai-python-'));
  const dataDir = join(folder, 'data');
  const installed = await command(['install', componentFile('hello'), '--grant-asked', '--storage', '--data-dir', dataDir]);
  expect(installed.exitCode, installed.stderr).toBe(0);
  host = await startHostProcess({ dataDir });
}, 600_000);
afterAll(async () => {
  await host.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('the Python client', () => {
  test('connects, indexes, retrieves, pages and fails as it says, against a running host', async () => {
    const env = { PATH: process.env.PATH, PYTHONPATH: CLIENTS, PYTHONDONTWRITEBYTECODE: '1', TEST_URL: host.url, TEST_KEY: ADMIN_KEY };
    const { stdout } = await run('python3', [SCRIPT], { env });
    expect(stdout).toBe('kept\n');
  });

  test('and its caller pass mypy in its strict mode', async () => {
    const cache = join(folder, 'mypy');
    const env = { PATH: process.env.PATH, MYPYPATH: CLIENTS };
    const { stdout } = await run(join(tools, 'mypy'), ['--strict', '--cache-dir', cache, join(CLIENTS, 'datasource_host'), SCRIPT], {
      env,
    });
    expect(stdout).toMatch(/^Success/);
  }, 120_000);
});
