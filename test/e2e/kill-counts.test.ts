import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Libsql from 'libsql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runDatasources } from '../../scripts/demo/command.ts';
import { type ApiRun, callApi, endOfRun } from '../helpers/api-client.ts';
import { componentFile } from '../helpers/components.ts';
import { startHostProcess } from '../helpers/host-process.ts';
import { dumpIndex } from '../helpers/index-dump.ts';

const BATCHES = 60;
const DOCUMENTS_PER_BATCH = 5;
const LEASE_MS = 300;
let dataDir: string;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'kill-counts-'));
});

afterAll(() => rm(dataDir, { recursive: true, force: true }));

const startHost = () => startHostProcess({ dataDir, env: { LORELAI_RUN_LEASE_MS: String(LEASE_MS), LOG_LEVEL: 'warn' } });

/** Many small batches, each of which counts, and overwrites what the one before it kept. */
async function connect(): Promise<string> {
  await runDatasources(['install', componentFile('probe'), '--storage', '--data-dir', dataDir]);
  const host = await startHost();
  const steps = [
    { do: 'go-on', batches: BATCHES },
    { do: 'documents', count: DOCUMENTS_PER_BATCH, text: 'what the batch says' },
    { do: 'add', metric: 'steps_done', value: 1 },
  ];
  const { id } = await callApi<{ id: string }>(`${host.url}/api/v1/connections`, {
    method: 'POST',
    body: { datasource: 'probe', config: { steps } },
  });
  await host.stop();
  return id;
}

describe('a host that is killed at any time', () => {
  it('counts every batch once: documents, metrics and progress agree to the last one', async () => {
    const connection = await connect();
    let run: ApiRun | undefined;
    let kills = 0;
    for (let pauseMs = 40; run === undefined || ['queued', 'running', 'parked'].includes(run.state); pauseMs = (pauseMs * 1.7) % 400) {
      const host = await startHost();
      run ??= await callApi<ApiRun>(`${host.url}/api/v1/connections/${connection}/runs`, { method: 'POST', body: { features: ['items'] } });
      const ended = endOfRun(host.url, run.id).catch(() => undefined);
      const last = await Promise.race([ended, sleep(LEASE_MS + pauseMs)]);
      if (last !== undefined) run = last;
      else kills += 1;
      await host.kill();
    }
    expect(kills).toBeGreaterThan(1);
    expect(run).toMatchObject({ state: 'succeeded', features: [{ batches: BATCHES, upserted: BATCHES * DOCUMENTS_PER_BATCH }] });

    const { documents, passages, integrity } = dumpIndex(dataDir);
    expect(documents).toHaveLength(BATCHES * DOCUMENTS_PER_BATCH);
    expect(passages).toHaveLength(BATCHES * DOCUMENTS_PER_BATCH);
    expect(integrity).toEqual([{ integrity_check: 'ok' }]);
    const database = new Libsql(join(dataDir, 'lorelai.db'), { readonly: true });
    expect(database.prepare('SELECT name, value FROM datasource_metrics').all()).toEqual([{ name: 'steps_done', value: BATCHES }]);
    database.close();
  }, 120_000);
});
