import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import Libsql from 'libsql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildDatasource } from '../../host/authoring/build.ts';
import { runDatasources } from '../../scripts/demo/command.ts';
import { type ApiRun, callApi, endOfRun } from '../helpers/api-client.ts';
import { componentFile } from '../helpers/components.ts';
import { type DockerRegistry, startDockerRegistry } from '../helpers/docker-registry.ts';
import { type HostProcess, startHostProcess } from '../helpers/host-process.ts';
import { type MirrorSource, startMirrorSource } from '../helpers/mirror.ts';
import { seededRandom } from '../helpers/random.ts';
import { smallDatasource } from '../helpers/small-datasource.ts';

const INSTALL_ROUNDS = 5;
const UPGRADE_ROUNDS = 3;
const ITEMS = 40;
const SEED = Date.now() % 1_000_000;
const BIN = join(import.meta.dirname, '../../bin/datasources.js');
const random = seededRandom(SEED);
let scratch: string;
let source: MirrorSource;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'kill-upgrade-'));
  source = await startMirrorSource();
  for (let item = 0; item < ITEMS; item += 1) source.put({ id: `item-${item}` });
});

afterAll(async () => {
  await source.close();
  await rm(scratch, { recursive: true, force: true });
});

/** When to kill in a round: somewhere in one part after another of what it takes on this machine. The first ones cannot come too late. */
function momentOf(round: number, wholeMs: number): number {
  return ((round + random.below(1_000) / 1_000) / INSTALL_ROUNDS) * wholeMs;
}

/** A command in a process of its own, which ends by itself, or by SIGKILL after so long. */
async function commandKilled(args: readonly string[], afterMs?: number): Promise<{ killed: boolean; tookMs: number }> {
  const startedMs = performance.now();
  const env = { PATH: process.env.PATH, ISOLATION: 'process' };
  const child: ChildProcess = spawn(process.execPath, [BIN, ...args], { env, stdio: 'ignore' });
  const ended = once(child, 'exit');
  const timer = afterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), afterMs);
  await ended;
  clearTimeout(timer);
  return { killed: child.signalCode === 'SIGKILL', tookMs: performance.now() - startedMs };
}

/** The state of a version when it can first be seen from outside, which is when the command is killed. */
async function stateAtFirstSight(
  args: readonly string[],
  { dataDir, version }: { dataDir: string; version: string },
): Promise<string | undefined> {
  const child = spawn(process.execPath, [BIN, ...args], { env: { PATH: process.env.PATH, ISOLATION: 'process' }, stdio: 'ignore' });
  const ended = once(child, 'exit');
  const database = new Libsql(join(dataDir, 'lorelai.db'), { timeout: 10_000 });
  try {
    const look = database.prepare('SELECT state FROM datasource_versions WHERE version = ?');
    for (;;) {
      const [seen] = look.all([version]) as { state: string }[];
      if (seen !== undefined || child.exitCode !== null) return seen?.state;
      await nextTurn();
    }
  } finally {
    child.kill('SIGKILL');
    database.close();
    await ended;
  }
}

function read<T>(dataDir: string, sql: string): T[] {
  const database = new Libsql(join(dataDir, 'lorelai.db'), { timeout: 10_000 });
  try {
    return database.prepare(sql).all([]) as T[];
  } finally {
    database.close();
  }
}

interface VersionRow {
  version: string;
  state: string;
  digest: string;
}

/** The version that runs, after a look at whether everything that says so agrees: states, registry and file. */
async function runningVersion(dataDir: string, name: string): Promise<string | undefined> {
  // Killed before there was a database.
  if (!existsSync(join(dataDir, 'lorelai.db'))) return undefined;
  const exists = read(dataDir, "SELECT 1 FROM sqlite_master WHERE name = 'datasource_versions'").length > 0;
  if (!exists) return undefined;
  const versions = read<VersionRow>(dataDir, `SELECT version, state, digest FROM datasource_versions WHERE name = '${name}'`);
  const [registered] = read<VersionRow>(dataDir, `SELECT version, digest FROM datasource_registry WHERE name = '${name}'`);
  const running = versions.filter(({ state }) => state === 'enabled');
  expect(
    running.map(({ version, digest }) => ({ version, digest })),
    `seed ${SEED}`,
  ).toEqual(registered === undefined ? [] : [{ version: registered.version, digest: registered.digest }]);
  if (registered === undefined) {
    expect(versions, `seed ${SEED}`).toEqual([]);
    return undefined;
  }
  const bytes = await readFile(join(dataDir, 'components', `${registered.digest.replace('sha256:', '')}.wasm`));
  expect(`sha256:${createHash('sha256').update(bytes).digest('hex')}`).toBe(registered.digest);
  return registered.version;
}

describe('a command that is killed at any point', () => {
  it(`leaves the version before or the version after: install, ${INSTALL_ROUNDS} times`, async () => {
    const dataDir = join(scratch, 'install');
    const first = join(scratch, 'small.wasm');
    await writeFile(first, await smallDatasource({ version: '1.0.0' }));
    const { tookMs } = await commandKilled(['install', first, '--data-dir', join(scratch, 'undisturbed')]);
    let before: string | undefined;
    let kills = 0;
    for (let round = 0; round < INSTALL_ROUNDS; round += 1) {
      const version = `1.0.${round}`;
      const file = join(scratch, `small-${version}.wasm`);
      await writeFile(file, await smallDatasource({ version }));
      const { killed } = await commandKilled(['install', file, '--data-dir', dataDir], momentOf(round, tookMs));
      kills += killed ? 1 : 0;
      const now = await runningVersion(dataDir, 'small');
      expect([before, version], `seed ${SEED}, round ${round}`).toContain(now);
      if (!killed) expect(now).toBe(version);
      before = now;
    }
    expect(kills).toBeGreaterThan(0);
    // And what was killed stands in nobody's way.
    const file = join(scratch, 'small-2.0.0.wasm');
    await writeFile(file, await smallDatasource({ version: '2.0.0' }));
    await runDatasources(['install', file, '--data-dir', dataDir]);
    expect(await runningVersion(dataDir, 'small')).toBe('2.0.0');
  }, 120_000);

  it(`leaves the version before or the version after: install from a registry, ${INSTALL_ROUNDS} times`, async () => {
    const dataDir = join(scratch, 'from-afar');
    const registry = await startDockerRegistry();
    try {
      await runDatasources(['keygen', join(scratch, 'acme')]);
      await runDatasources(['trust', 'add', 'acme', '--key', join(scratch, 'acme.pub'), '--name', 'small', '--data-dir', dataDir]);
      let before: string | undefined = '0.9.0';
      const { tookMs } = await commandKilled(['install', await publish(registry, before), '--data-dir', dataDir]);
      expect(await runningVersion(dataDir, 'small')).toBe(before);
      let kills = 0;
      for (let round = 0; round < INSTALL_ROUNDS; round += 1) {
        const version = `1.0.${round}`;
        const address = await publish(registry, version);
        const { killed } = await commandKilled(['install', address, '--data-dir', dataDir], momentOf(round, tookMs));
        kills += killed ? 1 : 0;
        const now = await runningVersion(dataDir, 'small');
        expect([before, version], `seed ${SEED}, round ${round}`).toContain(now);
        if (!killed) expect(now).toBe(version);
        // Proved and kept, and not running: that would be between before and after.
        const between = read(dataDir, `SELECT version FROM datasource_versions WHERE state NOT IN ('enabled', 'installed')`);
        expect(between, `seed ${SEED}, round ${round}`).toEqual([]);
        before = now;
      }
      expect(kills).toBeGreaterThan(0);
      const seen = await stateAtFirstSight(['install', await publish(registry, '2.0.0'), '--data-dir', dataDir], {
        dataDir,
        version: '2.0.0',
      });
      expect(seen).toBe('enabled');
      expect(await runningVersion(dataDir, 'small')).toBe('2.0.0');
    } finally {
      await registry.close();
    }
  }, 240_000);

  it(`leaves the version before or the version after, and runs go on: upgrade under a run, ${UPGRADE_ROUNDS} times, then rollback under one`, async () => {
    const dataDir = join(scratch, 'upgrade');
    const grant = ['--allow', source.origin, '--allow-private', '127.0.0.0/8'];
    await runDatasources(['install', componentFile('mirror'), ...grant, '--data-dir', dataDir]);
    const next = await nextMirror();
    const host = await startHostProcess({ dataDir, env: { LOG_LEVEL: 'warn', ISOLATION: 'process' } });
    try {
      const connection = await connect(host);
      source.interfere(async () => {
        await sleep(20);
        return false;
      });
      const first = await start(host, connection, {});
      for (let round = 0; round < UPGRADE_ROUNDS; round += 1) {
        const { killed } = await commandKilled(['upgrade', 'mirror', '--file', next, '--data-dir', dataDir], 800 + random.below(5_000));
        await expect
          .poll(() => read(dataDir, `SELECT 1 FROM datasource_versions WHERE state = 'upgrading'`), { timeout: 30_000, interval: 250 })
          .toEqual([]);
        const now = await runningVersion(dataDir, 'mirror');
        expect(['1.0.0', '1.1.0'], `seed ${SEED}, round ${round}`).toContain(now);
        if (now === '1.1.0' || !killed) break;
      }
      if ((await runningVersion(dataDir, 'mirror')) === '1.0.0') {
        await runDatasources(['upgrade', 'mirror', '--file', next, '--data-dir', dataDir]);
      }
      expect(await runningVersion(dataDir, 'mirror')).toBe('1.1.0');
      expect((await endOfRun(host.url, first)).state).toBe('succeeded');

      let asked = 0;
      source.interfere(async (_request, _response, path) => {
        if (path === '/changes' && (asked += 1) === 5) await callApi(`${host.url}/api/v1/datasources/mirror/rollback`, { method: 'POST' });
        return false;
      });
      const second = await start(host, connection, { full: true });
      expect((await endOfRun(host.url, second)).state).toBe('succeeded');
      expect(await runningVersion(dataDir, 'mirror')).toBe('1.0.0');
      const ids = read<{ id: string }>(dataDir, 'SELECT source_id AS id FROM documents').map(({ id }) => id);
      expect(ids.toSorted()).toEqual(
        source
          .items()
          .map(({ id }) => id)
          .toSorted(),
      );
    } finally {
      source.interfere(undefined);
      await host.stop();
    }
  }, 240_000);
});

/** The small datasource in a registry, signed by acme. */
async function publish(registry: DockerRegistry, version: string): Promise<string> {
  const file = join(scratch, `published-${version}.wasm`);
  await writeFile(file, await smallDatasource({ version }));
  const address = `oci://${registry.host}/acme/small:${version}`;
  await runDatasources(['publish', file, address, '--key', join(scratch, 'acme.key'), '--data-dir', join(scratch, 'author')]);
  return address;
}

/** The mirror once more, one version higher. */
async function nextMirror(): Promise<string> {
  const folder = join(scratch, 'mirror-next');
  await cp(join(import.meta.dirname, '../fixtures/mirror'), folder, { recursive: true });
  const manifest = join(folder, 'datasource.yaml');
  await writeFile(manifest, (await readFile(manifest, 'utf8')).replace('version: 1.0.0', 'version: 1.1.0'));
  return (await buildDatasource(folder, { outFile: join(scratch, 'mirror-1.1.0.wasm') })).file;
}

async function connect(host: HostProcess): Promise<string> {
  const body = { datasource: 'mirror', config: { base_url: source.origin, page_size: 1 } };
  const { id } = await callApi<{ id: string }>(`${host.url}/api/v1/connections`, { method: 'POST', body });
  const off = { content: 'off', prune: 'off', access: 'off' };
  await callApi(`${host.url}/api/v1/connections/${id}/schedule`, { method: 'PATCH', body: off });
  return id;
}

async function start(host: HostProcess, connection: string, body: object): Promise<string> {
  return (await callApi<ApiRun>(`${host.url}/api/v1/connections/${connection}/runs`, { method: 'POST', body })).id;
}
