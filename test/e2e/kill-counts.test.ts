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
/** Long enough for a host that is alive to extend it on a busy machine. */
const LEASE_MS = 1_000;
const MOST_KILLS = 5;
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

const batchesOf = ({ features }: ApiRun): number => features[0]?.batches ?? 0;
const isActive = ({ state }: ApiRun): boolean => ['queued', 'running', 'parked'].includes(state);
const runAt = (url: string, { id }: Pick<ApiRun, 'id'>): Promise<ApiRun> => callApi(`${url}/api/v1/runs/${id}`);

/** The run once it has a batch more than it was last seen with, or has ended. */
async function furtherThan(before: ApiRun, url: string): Promise<ApiRun> {
  for (;;) {
    const run = await runAt(url, before);
    if (batchesOf(run) > batchesOf(before) || !isActive(run)) return run;
    await sleep(5);
  }
}

describe('a host that is killed at any time', () => {
  it('counts every batch once: documents, metrics and progress agree to the last one', async () => {
    const connection = await connect();
    let run: ApiRun | undefined;
    let kills = 0;
    for (let pauseMs = 10; kills < MOST_KILLS && (run === undefined || isActive(run)); pauseMs = (pauseMs * 1.7) % 100) {
      const host = await startHost();
      run ??= await callApi<ApiRun>(`${host.url}/api/v1/connections/${connection}/runs`, { method: 'POST', body: { features: ['items'] } });
      // Each third one while it takes the run over, whatever it does then; the others at some point behind a batch of theirs, so that
      // the run gets on, however slow the machine is.
      const anywhere = kills % 3 === 2;
      if (!anywhere) run = await furtherThan(run, host.url);
      await sleep(anywhere ? LEASE_MS + pauseMs : pauseMs);
      run = await runAt(host.url, run);
      await host.kill();
      kills += isActive(run) ? 1 : 0;
    }
    expect(kills).toBeGreaterThan(1);
    if (run === undefined) throw new TypeError('it was started');
    const last = await startHost();
    run = await endOfRun(last.url, run.id);
    await last.kill();
    expect(run).toMatchObject({ state: 'succeeded', features: [{ batches: BATCHES, upserted: BATCHES * DOCUMENTS_PER_BATCH }] });

    const { documents, passages, integrity } = dumpIndex(dataDir);
    expect(documents).toHaveLength(BATCHES * DOCUMENTS_PER_BATCH);
    expect(passages).toHaveLength(BATCHES * DOCUMENTS_PER_BATCH);
    expect(integrity).toEqual([{ integrity_check: 'ok' }]);
    const database = new Libsql(join(dataDir, 'lorelai.db'), { readonly: true });
    expect(database.prepare('SELECT name, value FROM datasource_metrics').all()).toEqual([{ name: 'steps_done', value: BATCHES }]);
    database.close();
  }, 240_000);
});
