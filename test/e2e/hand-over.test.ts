import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runDatasources } from '../../scripts/demo/command.ts';
import { type ApiRun, callApi, endOfRun } from '../helpers/api-client.ts';
import { componentFile } from '../helpers/components.ts';
import { type HostProcess, startHostProcess } from '../helpers/host-process.ts';
import { type MirrorSource, startMirrorSource } from '../helpers/mirror.ts';

/** Long enough for a host that is alive to extend it on a busy machine: those tests need it to keep its run. */
const LEASE_MS = 3_000;
const ITEMS = 9;
let scratch: string;
let source: MirrorSource;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'hand-over-'));
  source = await startMirrorSource();
  for (let number = 0; number < ITEMS; number += 1) source.put({ id: `item-${number}` });
});

afterEach(() => source.interfere(undefined));

afterAll(async () => {
  await source.close();
  await rm(scratch, { recursive: true, force: true });
});

const startHost = (dataDir: string) =>
  startHostProcess({ dataDir, env: { LORELAI_RUN_LEASE_MS: String(LEASE_MS), LOG_LEVEL: 'info', ISOLATION: 'process' } });

/** A host on a folder of its own, with the source connected and nothing scheduled. */
async function prepare(name: string): Promise<{ dataDir: string; host: HostProcess; connection: string }> {
  const dataDir = join(scratch, name);
  const grant = ['--allow', source.origin, '--allow-private', '127.0.0.0/8'];
  await runDatasources(['install', componentFile('mirror'), ...grant, '--data-dir', dataDir]);
  const host = await startHost(dataDir);
  const body = { datasource: 'mirror', config: { base_url: source.origin, page_size: 3 } };
  const { id } = await callApi<{ id: string }>(`${host.url}/api/v1/connections`, { method: 'POST', body });
  await callApi(`${host.url}/api/v1/connections/${id}/schedule`, {
    method: 'PATCH',
    body: { content: 'off', prune: 'off', access: 'off' },
  });
  return { dataDir, host, connection: id };
}

const start = (host: HostProcess, connection: string) =>
  callApi<ApiRun>(`${host.url}/api/v1/connections/${connection}/runs`, { method: 'POST', body: {} });

/** Resolves when the source is asked for the second page, which it then does not answer before `release`. */
function holdSecondPage(): { asked: Promise<void>; release: () => void } {
  const { promise: asked, resolve: onAsked } = Promise.withResolvers<void>();
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  let pages = 0;
  source.interfere(async (_, __, path) => {
    if (path !== '/changes') return false;
    pages += 1;
    if (pages !== 2) return false;
    onAsked();
    await released;
    return false;
  });
  return { asked, release };
}

/** The second page is asked for while the first one is written. */
async function firstPageWritten(host: HostProcess, id: string): Promise<void> {
  await expect.poll(async () => (await callApi<ApiRun>(`${host.url}/api/v1/runs/${id}`)).features).toMatchObject([{ batches: 1 }]);
}

/** Between two of its transactions: asleep in one it would keep every other host from writing until it wakes. */
function putToSleep(host: HostProcess, dataDir: string): void {
  const database = new Libsql(join(dataDir, 'lorelai.db'), { timeout: 10_000 });
  try {
    database.exec('BEGIN IMMEDIATE');
    process.kill(host.pid, 'SIGSTOP');
    database.exec('ROLLBACK');
  } finally {
    database.close();
  }
}

describe('a parked run', () => {
  it('waits for what the source said across the end of its host, and goes on by itself in the next one, not earlier', async () => {
    const { dataDir, host, connection } = await prepare('parked');
    let toldAtMs = 0;
    let backAtMs: number | undefined;
    source.interfere((_, response) => {
      if (toldAtMs > 0) {
        backAtMs ??= Date.now();
        return false;
      }
      toldAtMs = Date.now();
      response.writeHead(429, { 'retry-after': '3' }).end();
      return true;
    });
    const { id } = await start(host, connection);
    await expect.poll(async () => (await callApi<ApiRun>(`${host.url}/api/v1/runs/${id}`)).state, { timeout: 30_000 }).toBe('parked');
    expect(await host.stop()).toBe(0);
    const next = await startHost(dataDir);
    const before = await callApi<ApiRun>(`${next.url}/api/v1/runs/${id}`);
    // On a busy machine the host may be back later than the run is due.
    if (Date.now() < toldAtMs + 3_000) expect(before).toMatchObject({ state: 'parked', reason: expect.stringContaining('throttled') });
    expect(await endOfRun(next.url, id)).toMatchObject({ state: 'succeeded', features: [{ upserted: ITEMS }] });
    expect((backAtMs ?? 0) - toldAtMs).toBeGreaterThanOrEqual(3_000);
    await next.stop();
  }, 120_000);
});

describe('of two hosts on one database', () => {
  it('one works on a run, and the other one takes it over when that one is killed', async () => {
    const { dataDir, host, connection } = await prepare('killed');
    const { asked, release } = holdSecondPage();
    const { id } = await start(host, connection);
    await asked;
    await firstPageWritten(host, id);
    const other = await startHost(dataDir);
    expect(await callApi<ApiRun>(`${other.url}/api/v1/runs/${id}`)).toMatchObject({ state: 'running', features: [{ batches: 1 }] });
    await host.kill();
    expect(await endOfRun(other.url, id)).toMatchObject({ state: 'succeeded', features: [{ batches: 3, upserted: ITEMS }] });
    release();
    await other.stop();
  }, 120_000);

  it('one that sleeps through its lease finds it lost when it wakes, and writes nothing any more', async () => {
    const { dataDir, host, connection } = await prepare('asleep');
    const { asked, release } = holdSecondPage();
    const { id } = await start(host, connection);
    await asked;
    await firstPageWritten(host, id);
    putToSleep(host, dataDir);
    const other = await startHost(dataDir);
    const ended = await endOfRun(other.url, id);
    expect(ended).toMatchObject({ state: 'succeeded', features: [{ batches: 3, upserted: ITEMS }] });
    release();
    process.kill(host.pid, 'SIGCONT');
    await expect.poll(() => host.log(), { timeout: 30_000 }).toMatch(/run lost to another host|"run left".*"end":"stopped"/);
    expect(await callApi<ApiRun>(`${other.url}/api/v1/runs/${id}`)).toEqual(ended);
    await Promise.all([host.stop(), other.stop()]);
  }, 120_000);
});
