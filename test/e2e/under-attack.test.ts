import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runDatasources } from '../../scripts/demo/command.ts';
import { startEmulator, type Emulator } from '../../scripts/demo/emulator.ts';
import type { Step } from '../fixtures/probe/steps.ts';
import { type ApiRun, callApi, endOfRun } from '../helpers/api-client.ts';
import { componentFile } from '../helpers/components.ts';
import { type HostProcess, startHostProcess } from '../helpers/host-process.ts';
import { percentile } from '../helpers/hostile.ts';
import { dumpIndex } from '../helpers/index-dump.ts';

/** What each of ten organisations has its datasource do, at the same time and again and again. */
const ATTACKS: readonly Step[] = [
  { do: 'spin' },
  { do: 'spin' },
  { do: 'spin' },
  { do: 'allocate' },
  { do: 'allocate' },
  { do: 'recurse' },
  { do: 'log', lines: 100_000, message: 'flood' },
  { do: 'get', collection: 'notes', key: 'a', times: 100_000 },
  { do: 'add', metric: 'steps_done', value: 1, times: 100_000 },
  { do: 'bytes', count: 80_000_000 },
];
const LIMITS = ['callTimeoutMs=1500', 'maxMemoryBytes=67108864', 'maxProcessMemoryBytes=419430400', 'maxHostCallsPerCall=20000'];
/** An idle two-core machine stays below 100; others may use this one at the same time. */
const MAX_P99_MS = 1_000;

let scratch: string;
let emulator: Emulator;
const started: HostProcess[] = [];

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'attack-'));
  emulator = await startEmulator();
});

afterAll(async () => {
  await Promise.all(started.map((host) => host.kill()));
  await emulator.close();
  await rm(scratch, { recursive: true, force: true });
});

async function install(dataDir: string, name: 'github' | 'probe', ...options: string[]): Promise<void> {
  await runDatasources(['install', componentFile(name), '--storage', ...options, '--data-dir', dataDir]);
}

/** Indexes the emulated GitHub and gives the run. */
async function indexGithub(host: HostProcess): Promise<ApiRun> {
  const config = { base_url: emulator.url, repositories: [emulator.repository] };
  const body = { datasource: 'github', credential: emulator.token, config };
  const { id } = await callApi<{ id: string }>(`${host.url}/api/v1/connections`, { method: 'POST', body });
  const run = await callApi<ApiRun>(`${host.url}/api/v1/connections/${id}/runs`, { method: 'POST', body: {} });
  return endOfRun(host.url, run.id);
}

/** One organisation that keeps attacking until it is told to stop. Gives how often its runs ended. */
async function attack(host: HostProcess, organisation: string, step: Step, signal: AbortSignal): Promise<number> {
  await callApi(`${host.url}/api/v1/organisations`, { method: 'POST', body: { id: organisation } });
  let ended = 0;
  while (!signal.aborted) {
    const body = { organisation, datasource: 'probe', config: { steps: [step] } };
    const { id } = await callApi<{ id: string }>(`${host.url}/api/v1/connections`, { method: 'POST', body });
    const at = `${host.url}/api/v1/connections/${id}/runs?organisation=${organisation}`;
    const run = await callApi<ApiRun>(at, { method: 'POST', body: { features: ['items'] } });
    for (let state = run.state; !signal.aborted && ['queued', 'running'].includes(state);) {
      await sleep(100);
      ({ state } = await callApi<ApiRun>(`${host.url}/api/v1/runs/${run.id}?organisation=${organisation}`));
    }
    ended += 1;
  }
  return ended;
}

interface Pings {
  /** How long each answer of `/healthz` took. */
  tookMs: number[];
  /** How late this process, which nobody attacks, got the processor in between. */
  lateMs: number[];
}

/** One every 20 ms. */
async function pings(host: HostProcess, signal: AbortSignal): Promise<Pings> {
  const tookMs: number[] = [];
  const lateMs: number[] = [];
  while (!signal.aborted) {
    const beganMs = performance.now();
    const response = await fetch(`${host.url}/healthz`);
    expect(response.status).toBe(200);
    await response.arrayBuffer();
    tookMs.push(performance.now() - beganMs);
    const restedMs = performance.now();
    await sleep(20);
    lateMs.push(performance.now() - restedMs - 20);
  }
  return { tookMs, lateMs };
}

/** What concerns the organisation that did nothing wrong. */
function indexOf(dataDir: string): unknown {
  const { documents, passages, terms, integrity } = dumpIndex(dataDir);
  return { documents: documents.filter(isOwn), passages: passages.filter(isOwn), terms, integrity };
}

function isOwn(row: unknown): boolean {
  return typeof row === 'object' && row !== null && 'feature' in row && row.feature !== 'items' && row.feature !== 'others';
}

describe('a run of github while ten organisations spin, allocate and flood', () => {
  it('finishes with the index that it has alone, and the host answers all the while', async () => {
    const allow = ['--allow', emulator.url, '--allow-private', '127.0.0.0/8'];
    await install(join(scratch, 'calm'), 'github', ...allow);
    const calm = await startHostProcess({ dataDir: join(scratch, 'calm'), env: { LOG_LEVEL: 'warn' } });
    started.push(calm);
    expect(await indexGithub(calm)).toMatchObject({ state: 'succeeded' });
    await calm.stop();

    const dataDir = join(scratch, 'attacked');
    await install(dataDir, 'github', ...allow);
    await install(dataDir, 'probe', ...LIMITS.flatMap((limit) => ['--limit', limit]));
    const host = await startHostProcess({ dataDir, env: { LOG_LEVEL: 'error' } });
    started.push(host);
    const stop = new AbortController();
    const attacks = ATTACKS.map((step, at) => attack(host, `mallory-${at}`, step, stop.signal));
    const answers = pings(host, stop.signal);
    // The attack is under way before anybody else begins.
    await sleep(500);
    const beganMs = performance.now();
    const run = await indexGithub(host).finally(() => stop.abort());
    const elapsedMs = performance.now() - beganMs;
    const { tookMs, lateMs } = await answers;
    const ended = (await Promise.all(attacks)).reduce((sum, count) => sum + count, 0);
    await host.stop();

    const p99 = percentile(tookMs, 0.99);
    process.stdout.write(
      `github among ten attackers: ${Math.round(elapsedMs)} ms, ${ended} hostile runs ended; /healthz p50 ${percentile(tookMs, 0.5).toFixed(1)} ms, p99 ${p99.toFixed(1)} ms of ${tookMs.length}\n`,
    );
    expect(run).toMatchObject({ state: 'succeeded' });
    expect(ended).toBeGreaterThanOrEqual(ATTACKS.length);
    expect(indexOf(dataDir)).toEqual(indexOf(join(scratch, 'calm')));
    // An answer needs the processor some times, here and there: where everybody waits for it, the host is not at fault.
    expect(p99).toBeLessThan(MAX_P99_MS + 10 * percentile(lateMs, 0.99));
  }, 300_000);
});
