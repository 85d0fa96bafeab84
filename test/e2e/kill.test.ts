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
  await runDatasources([
    'install',
    componentFile('github'),
    '--storage',
    '--allow',
    front.url,
    '--allow-private',
    '127.0.0.0/8',
    '--data-dir',
    dataDir,
  ]);
  const host = await startHost(dataDir);
  const { id } = await callApi<{ id: string }>(`${host.url}/api/v1/connections`, {
    method: 'POST',
    body: {
      datasource: 'github',
      credential: emulator.token,
      config: { base_url: front.url, repositories: [emulator.repository] },
    },
  });
  // Requests are counted: nothing may come by itself.
  await callApi(`${host.url}/api/v1/connections/${id}/schedule`, {
    method: 'PATCH',
    body: { content: 'off', prune: 'off', access: 'off' },
  });
  expect(await host.stop()).toBe(0);
  return { dataDir, connection: id };
}

/**
 * Runs to the end. Each host is killed at one of these requests, counted from its start; a last one
 * is left alone. Says how many were killed before the run was over.
 */
async function runWithKills(dataDir: string, connection: string, killAt: readonly number[]): Promise<{ run: ApiRun; kills: number }> {
  let id: string | undefined;
  let kills = 0;
  for (const at of [...killAt, Number.POSITIVE_INFINITY]) {
    const host = await startHost(dataDir);
    let killed: Promise<void> | undefined;
    front.restart(at, () => {
      killed = host.kill();
    });
    id ??= (await callApi<ApiRun>(`${host.url}/api/v1/connections/${connection}/runs`, { method: 'POST', body: {} })).id;
    // A host that is killed under the question answers no more.
    const ended = await endOfRun(host.url, id).catch(() => undefined);
    await killed;
    if (killed === undefined) expect(await host.stop()).toBe(0);
    else kills += 1;
    if (ended !== undefined) return { run: ended, kills };
  }
  throw new TypeError('the last host is never killed');
}

describe('a host that is killed', () => {
  it('goes on from its last commit: after any number of SIGKILLs the index is that of an undisturbed run', async () => {
    const calm = await prepare('calm');
    const undisturbed = await runWithKills(calm.dataDir, calm.connection, []);
    const requests = front.requests;
    expect(undisturbed).toMatchObject({ run: { state: 'succeeded' }, kills: 0 });
    const expected = dumpIndex(calm.dataDir);
    expect(expected.documents.length).toBeGreaterThan(30);

    // Early, late, and again before anything new was committed.
    const rough = await prepare('rough');
    const disturbed = await runWithKills(rough.dataDir, rough.connection, [
      1,
      Math.floor(requests * 0.9),
      2,
      2,
      Math.floor(requests * 0.4),
      3,
    ]);
    expect(disturbed.kills).toBeGreaterThanOrEqual(4);
    expect(disturbed.run.state).toBe('succeeded');
    expect(dumpIndex(rough.dataDir)).toEqual(expected);

    const late = await prepare('late');
    const atTheEnd = await runWithKills(late.dataDir, late.connection, [requests]);
    expect(atTheEnd).toMatchObject({ run: { state: 'succeeded' }, kills: 1 });
    expect(dumpIndex(late.dataDir)).toEqual(expected);
  }, 180_000);

  it('reads nothing twice in the next run', async () => {
    const { dataDir, connection } = await prepare('again');
    await runWithKills(dataDir, connection, [5, 5]);
    const before = dumpIndex(dataDir);
    const { run: next } = await runWithKills(dataDir, connection, []);
    expect(next.features.map(({ upserted, deleted }) => upserted + deleted)).toEqual([0, 0, 0]);
    expect(dumpIndex(dataDir)).toEqual(before);
  }, 120_000);
});
