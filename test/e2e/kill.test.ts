import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runDatasources } from '../../scripts/demo/command.ts';
import { startEmulator, type Emulator } from '../../scripts/demo/emulator.ts';
import { type ApiRun, callApi, endOfRun } from '../helpers/api-client.ts';
import { componentFile } from '../helpers/components.ts';
import { type Front, startFront } from '../helpers/front.ts';
import { startHostProcess } from '../helpers/host-process.ts';
import { dumpIndex } from '../helpers/index-dump.ts';

const LEASE_MS = 400;
let scratch: string;
let front: Front;
let emulator: Emulator;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'kill-'));
  front = await startFront({ delayMs: 5 });
  emulator = await startEmulator({ publicUrl: front.url });
  front.forwardTo(emulator.url);
});

afterAll(async () => {
  await emulator.close();
  await front.close();
  await rm(scratch, { recursive: true, force: true });
});

const startHost = (dataDir: string) => startHostProcess({ dataDir, env: { LORELAI_RUN_LEASE_MS: String(LEASE_MS), LOG_LEVEL: 'warn' } });

/** A data folder with `github` installed and connected to the emulator. */
async function prepare(name: string): Promise<{ dataDir: string; connection: string }> {
  const dataDir = join(scratch, name);
  await runDatasources(['install', componentFile('github'), '--storage', '--allow', front.url, '--allow-private', '127.0.0.0/8', '--data-dir', dataDir]);
  const host = await startHost(dataDir);
  const { id } = await callApi<{ id: string }>(`${host.url}/api/v1/connections`, {
    method: 'POST',
    body: {
      datasource: 'github',
      credential: emulator.token,
      config: { base_url: front.url, repositories: [emulator.repository] },
    },
  });
  expect(await host.stop()).toBe(0);
  return { dataDir, connection: id };
}

/** Runs to the end; kills the host at each of these requests (counted from its start) and starts it again. */
async function runWithKills(dataDir: string, connection: string, killAt: readonly number[]): Promise<ApiRun> {
  let run: ApiRun | undefined;
  for (const at of [...killAt, undefined]) {
    const host = await startHost(dataDir);
    const killed = new Promise<void>((resolve) => {
      front.restart(at, () => void host.kill().then(resolve));
    });
    run ??= await callApi<ApiRun>(`${host.url}/api/v1/connections/${connection}/runs`, { method: 'POST', body: {} });
    if (at === undefined) {
      const ended = await endOfRun(host.url, run.id);
      expect(await host.stop()).toBe(0);
      return ended;
    }
    await killed;
  }
  throw new TypeError('the last start is never killed');
}

describe('a host that is killed', () => {
  it('goes on from its last commit: after any number of SIGKILLs the index is that of an undisturbed run', async () => {
    const calm = await prepare('calm');
    const calmRun = await runWithKills(calm.dataDir, calm.connection, []);
    const requests = front.requests;
    expect(calmRun.state).toBe('succeeded');
    const expected = dumpIndex(calm.dataDir);
    expect(expected.documents.length).toBeGreaterThan(30);

    // Every place of a run, one host after the other: early, in each feature, and at the last request.
    const rough = await prepare('rough');
    const roughRun = await runWithKills(rough.dataDir, rough.connection, [1, 3, 6, 10, 15, 4, 2, 8]);
    expect(roughRun.state).toBe('succeeded');
    expect(dumpIndex(rough.dataDir)).toEqual(expected);

    const late = await prepare('late');
    const lateRun = await runWithKills(late.dataDir, late.connection, [requests, Math.floor(requests / 2)].toSorted((a, b) => a - b));
    expect(lateRun.state).toBe('succeeded');
    expect(dumpIndex(late.dataDir)).toEqual(expected);
  }, 180_000);

  it('reads nothing twice in the next run', async () => {
    const { dataDir, connection } = await prepare('again');
    await runWithKills(dataDir, connection, [5, 5]);
    const before = dumpIndex(dataDir);
    const next = await runWithKills(dataDir, connection, []);
    expect(next.features.map(({ upserted, deleted }) => upserted + deleted)).toEqual([0, 0, 0]);
    expect(dumpIndex(dataDir)).toEqual(before);
  }, 120_000);
});
