import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ulid } from 'ulid';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { COMMAND_LINE } from '../../../../host/domain/caller.ts';
import { readConfig } from '../../../../host/config.ts';
import { createLog } from '../../../../host/log.ts';
import { openServices, type OpenServices } from '../../../../host/services/open.ts';
import { openDatabase } from '../../../../host/store/database.ts';
import { claimNextRun, createRun } from '../../../../host/store/runs.ts';
import { componentFile } from '../../../helpers/components.ts';

let dataDir: string;
let opened: OpenServices;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'run-attempts-'));
  const config = readConfig({ DATA_DIR: dataDir, ISOLATION: 'process' });
  opened = await openServices(config, createLog({ level: 'silent', pretty: false, write: () => undefined }));
});

afterEach(async () => {
  await opened.close();
  await rm(dataDir, { recursive: true, force: true });
});

/** A run whose every read is throttled, after hosts have claimed it so many times without a batch; works on it once. */
async function throttledAfter(claims: number, steps: object[]) {
  const { organisations, registry, connections, runs } = opened.services;
  await organisations.create({ id: 'acme' }, COMMAND_LINE);
  const component = new Uint8Array(await readFile(componentFile('probe')));
  await registry.install(component, { http: { origins: [], privateNetworks: [] }, storage: false, limits: {} }, COMMAND_LINE);
  const connection = await connections.create(
    'acme',
    { datasource: 'probe', config: { steps: JSON.parse(JSON.stringify(steps)) } },
    COMMAND_LINE,
  );
  const database = await openDatabase({ file: join(dataDir, 'lorelai.db') });
  // Long ago, so that every lease has run out by the next claim.
  let nowMs = Date.now() - 3_600_000;
  const run = await createRun(database, { id: ulid(), organisation: 'acme', connection: connection.id, features: ['items'], nowMs });
  for (let claim = 0; claim < claims; claim += 1) {
    nowMs += 10;
    await claimNextRun(database, { owner: 'a host that died', nowMs, leaseMs: 1 });
  }
  await database.close();
  const stop = new AbortController();
  const working = runs.work({ signal: stop.signal, untilIdle: true });
  await working;
  return runs.get('acme', run.id);
}

const THROTTLED = { do: 'fail', failure: { tag: 'throttled', val: { retryAfterMs: 3_600_000, reason: 'later' } } };

describe('a run that is throttled', () => {
  it('is parked, however often it was before', async () => {
    expect(await throttledAfter(98, [THROTTLED])).toMatchObject({ state: 'parked' });
  });

  it('fails in the end when nothing was read in between', async () => {
    const run = await throttledAfter(99, [THROTTLED]);
    expect(run).toMatchObject({
      state: 'failed',
      features: [{ state: 'failed', reason: expect.stringContaining('100 times without a batch') }],
    });
  });

  it('begins to count anew with each batch', async () => {
    const run = await throttledAfter(99, [
      { do: 'go-on', batches: 3 },
      { do: 'documents', count: 1, text: 'x' },
      { ...THROTTLED, batch: 1 },
    ]);
    expect(run).toMatchObject({ state: 'parked', features: [{ batches: 1 }] });
  });
});
