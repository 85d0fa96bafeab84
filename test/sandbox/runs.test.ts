import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMAND_LINE } from '../../host/domain/caller.ts';
import { readConfig } from '../../host/config.ts';
import type { Grant } from '../../host/domain/grant.ts';
import { createLog } from '../../host/log.ts';
import { openServices, type OpenServices } from '../../host/services/open.ts';
import type { ConnectionInput } from '../../host/services/connections/connection-service.ts';
import type { Run } from '../../host/services/runs/run-view.ts';
import type { Services } from '../../host/services/services.ts';
import type { Step } from '../fixtures/probe/steps.ts';
import { componentFile } from '../helpers/components.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';

// The whole way of a run, with a datasource that misbehaves on request.

const SECRET = 'probe-secret-0123456789';
let dataDir: string;
let opened: OpenServices;
let services: Services;
let upstream: Upstream;
let other: Upstream;
let logged = '';

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'runs-'));
  upstream = await startUpstream((request, response) => response.end(`you are ${String(request.headers.authorization)}`));
  other = await startUpstream((request, response) => response.end(`you are ${String(request.headers.authorization)}`));
  const log = createLog({ level: 'debug', pretty: false, write: (line) => (logged += line) });
  opened = await openServices(readConfig({ DATA_DIR: dataDir }), log);
  ({ services } = opened);
  await services.organisations.create({ id: 'acme' }, COMMAND_LINE);
  await install();
});

afterAll(async () => {
  await opened.close();
  await Promise.all([upstream.close(), other.close()]);
  await rm(dataDir, { recursive: true });
});

/** Installs `probe`, or changes what it is granted. */
async function install(grant: Partial<Grant> = {}): Promise<void> {
  const component = new Uint8Array(await readFile(componentFile('probe')));
  await services.registry.install(
    component,
    { http: { origins: [], privateNetworks: [] }, storage: true, limits: {}, ...grant },
    COMMAND_LINE,
  );
}

async function connect(steps: readonly Step[], input: Partial<ConnectionInput> = {}): Promise<string> {
  const { config, ...rest } = input;
  const connection = await services.connections.create(
    'acme',
    {
      datasource: 'probe',
      config: { ...config, steps: structuredClone(steps) as never },
      ...rest,
    },
    COMMAND_LINE,
  );
  return connection.id;
}

/** Runs a connection to where it ends or is parked. */
async function run(connection: string, features?: string[]): Promise<Run> {
  const { id } = await services.runs.start('acme', connection, features === undefined ? {} : { features }, COMMAND_LINE);
  await services.runs.work({ signal: new AbortController().signal, untilIdle: true });
  return services.runs.get('acme', id);
}

async function runSteps(steps: readonly Step[], input: Partial<ConnectionInput> = {}): Promise<{ run: Run; connection: string }> {
  const connection = await connect(steps, input);
  return { run: await run(connection), connection };
}

/** What the steps of a connection said, as the index has it. */
async function said(connection: string): Promise<Record<string, unknown>> {
  const { hits } = await services.retrieval.retrieve({ organisation: 'acme', question: 'step', k: 100 });
  const own = hits.filter((hit) => hit.connection === connection && hit.title.startsWith('step-'));
  return Object.fromEntries(own.map((hit) => [hit.title, JSON.parse(hit.text)]));
}

function feature(of: Run, name = 'items'): Run['features'][number] {
  const found = of.features.find((candidate) => candidate.feature === name);
  if (found === undefined) throw new Error(`no feature ${name}`);
  return found;
}

describe('a run', () => {
  it('reads batch after batch until it is done, and goes on from there the next time', async () => {
    const { run: first, connection } = await runSteps([
      { do: 'go-on', batches: 3 },
      { do: 'documents', count: 5, text: 'number {number}' },
    ]);
    expect(first).toMatchObject({ state: 'succeeded', reason: undefined, problems: [] });
    expect(feature(first)).toMatchObject({ state: 'done', batches: 3, seen: 15, upserted: 15, expected: 3 });
    expect(await services.connections.get('acme', connection)).toMatchObject({ documents: 15, passages: 15 });
    const second = await run(connection);
    expect(feature(second)).toMatchObject({ state: 'done', batches: 1, upserted: 5 });
    expect(await services.connections.get('acme', connection)).toMatchObject({ documents: 20 });
  });

  it('counts what it knew and what is gone', async () => {
    const { connection } = await runSteps([
      { do: 'documents', count: 3, from: 0, text: 'same' },
      { do: 'delete', id: 'document-1', batch: 1 },
      { do: 'delete', id: 'never' },
    ]);
    expect(feature(await run(connection))).toMatchObject({ unchanged: 2, upserted: 0, deleted: 1 });
    expect(await services.connections.get('acme', connection)).toMatchObject({ documents: 2 });
  });

  it('gives every batch a fresh instance', async () => {
    const { connection } = await runSteps([{ do: 'go-on', batches: 2 }, { do: 'count' }]);
    expect(await said(connection)).toMatchObject({ 'step-1': { counted: 1 } });
  });

  it('of the same connection cannot begin twice', async () => {
    const connection = await connect([]);
    await services.runs.start('acme', connection, {}, COMMAND_LINE);
    await expect(services.runs.start('acme', connection, {}, COMMAND_LINE)).rejects.toMatchObject({ code: 'RUN_IN_PROGRESS' });
    await services.runs.work({ signal: new AbortController().signal, untilIdle: true });
  });
});

describe('a failure of the contract', () => {
  it.each<[string, Step & { do: 'fail' }, object, object]>([
    [
      'invalid-config ends the run',
      { do: 'fail', failure: { tag: 'invalid-config', val: [{ path: '/steps', reason: 'They are bad.', remedy: 'Mend them.' }] } },
      { state: 'failed', reason: '/steps: They are bad.' },
      { state: 'failed' },
    ],
    [
      'unauthorized ends the run',
      { do: 'fail', failure: { tag: 'unauthorized', val: 'who?' } },
      { state: 'failed', reason: 'unauthorized: who?' },
      { state: 'failed' },
    ],
    [
      'forbidden goes on with the next feature',
      { do: 'fail', failure: { tag: 'forbidden', val: 'not this' } },
      { state: 'partial', reason: 'items: forbidden: not this' },
      { state: 'skipped', reason: 'forbidden: not this' },
    ],
    [
      'failed goes on with the next feature',
      { do: 'fail', failure: { tag: 'failed', val: 'oh' } },
      { state: 'partial', reason: 'items: failed: oh' },
      { state: 'failed' },
    ],
    [
      'unsupported goes on with the next feature',
      { do: 'fail', failure: { tag: 'unsupported' } },
      { state: 'partial' },
      { state: 'failed' },
    ],
    [
      'checkpoint-expired without a checkpoint fails the feature',
      { do: 'fail', failure: { tag: 'checkpoint-expired', val: 'old' } },
      { state: 'partial' },
      { state: 'failed', reason: 'checkpoint-expired: old' },
    ],
  ])('%s', async (_, step, ofRun, ofFeature) => {
    const { run: ended } = await runSteps([step]);
    expect(ended).toMatchObject(ofRun);
    expect(feature(ended)).toMatchObject(ofFeature);
    if (ended.state === 'partial') expect(feature(ended, 'others')).toMatchObject({ state: 'done' });
  });

  it('throttled parks the run until then', async () => {
    const startedMs = Date.now();
    const { run: parked } = await runSteps([
      { do: 'fail', failure: { tag: 'throttled', val: { retryAfterMs: 60_000, reason: 'slowly' } } },
    ]);
    expect(parked).toMatchObject({ state: 'parked', reason: 'throttled: slowly' });
    expect(parked.wakeAtMs).toBeGreaterThanOrEqual(startedMs + 60_000);
    expect(parked.wakeAtMs).toBeLessThan(startedMs + 120_000);
    await services.runs.cancel('acme', parked.id, COMMAND_LINE);
    expect(await services.runs.get('acme', parked.id)).toMatchObject({ state: 'cancelled' });
  });

  it('unavailable is tried again, then parks the run', async () => {
    const { run: parked } = await runSteps([{ do: 'fail', failure: { tag: 'unavailable', val: 'down' } }]);
    expect(parked).toMatchObject({ state: 'parked', reason: 'unavailable: down' });
    await services.runs.cancel('acme', parked.id, COMMAND_LINE);
  });

  it('checkpoint-expired starts the feature again once, and then gives up', async () => {
    const { run: ended } = await runSteps([
      { do: 'go-on', batches: 3 },
      { do: 'documents', count: 1, text: 'x' },
      { do: 'fail', batch: 1, failure: { tag: 'checkpoint-expired', val: 'old' } },
    ]);
    expect(feature(ended)).toMatchObject({ state: 'failed', reason: 'checkpoint-expired: old', batches: 2, unchanged: 1 });
  });

  it('thrown as anything else is `failed`', async () => {
    const { run: ended } = await runSteps([{ do: 'throw', message: 'a bug' }]);
    expect(feature(ended)).toMatchObject({ state: 'failed', reason: expect.stringMatching(/^failed: read of "items" threw Error: a bug/) });
  });

  it('with text that no store can hold is kept as far as it can be', async () => {
    const { run: ended } = await runSteps([{ do: 'fail', failure: { tag: 'failed', val: 'a\0b' } }]);
    expect(feature(ended)).toMatchObject({ state: 'failed', reason: 'failed: a\ufffdb' });
  });
});

describe('a batch that breaks the contract fails its feature, names the field and leaves nothing', () => {
  it.each<[string, Step[], RegExp]>([
    [
      'a link that nobody may click',
      [{ do: 'document', fields: { link: 'javascript:alert(1)' } }],
      /changes\[0\]\.upsert\.link: not an absolute http or https URL/,
    ],
    ['an id that is empty', [{ do: 'document', fields: { id: '' } }], /changes\[0\]\.upsert\.id: 0 bytes/],
    ['an id with NUL in it', [{ do: 'document', fields: { id: 'a\0b' } }], /changes\[0\]\.upsert\.id: it holds a NUL/],
    ['a title that is too long', [{ do: 'document', fields: { title: 't'.repeat(2_000) } }], /changes\[0\]\.upsert\.title: 2000 bytes/],
    ['a time beyond all calendars', [{ do: 'document', fields: { updatedAtMs: 9e15 } }], /updated-at-ms: not a time/],
    ['a checkpoint that is too large', [{ do: 'checkpoint', text: 'x', times: 65_537 }], /next: 65537 bytes; at most 65536 are allowed/],
    [
      'the checkpoint that it was given',
      [
        { do: 'batch', fields: { changes: [], done: false } },
        { do: 'checkpoint', text: '{"batch":0}' },
      ],
      /it would go on for ever/,
    ],
  ])('%s', async (_, steps, reason) => {
    const { run: ended, connection } = await runSteps([
      { do: 'documents', count: 1, text: 'x' },
      { do: 'put', collection: 'notes', key: 'a', value: '1' },
      ...steps,
    ]);
    expect(ended.state).toBe('partial');
    expect(feature(ended)).toMatchObject({ state: 'failed', reason: expect.stringMatching(reason) });
    expect(await services.connections.get('acme', connection)).toMatchObject({ documents: 0 });
  });
});

it('a feature whose batches repeat a checkpoint is ended, although each carries a change', async () => {
  const { run: ended } = await runSteps([
    { do: 'documents', count: 1, from: 0, text: 'x' },
    { do: 'batch', fields: { done: false } },
    { do: 'checkpoint', text: '{"batch":0}' },
  ]);
  expect(feature(ended)).toMatchObject({
    state: 'failed',
    reason: expect.stringMatching(/101 times, without being done: it would go on for ever/),
  });
});

describe('an item that the host cannot read', () => {
  it('is listed with its reason, taken up again alone, and off the list when it comes well', async () => {
    const broken: Step[] = [
      { do: 'documents', count: 2, from: 0, text: 'no PDF' },
      { do: 'document', fields: { mediaType: 'application/pdf' } },
    ];
    const { run: first, connection } = await runSteps(broken);
    expect(first).toMatchObject({ state: 'partial' });
    expect(feature(first)).toMatchObject({ state: 'done', upserted: 2, skipped: 1, failed: 1 });
    const listed = await services.runs.failedItems('acme', connection, { limit: 10 });
    expect(listed.items).toMatchObject([{ feature: 'items', path: 'document-0', kept: true, times: 1, reason: expect.any(String) }]);

    const { id } = await services.runs.retryFailed('acme', connection, COMMAND_LINE);
    await services.runs.work({ signal: new AbortController().signal, untilIdle: true });
    const retried = await services.runs.get('acme', id);
    expect(retried).toMatchObject({ kind: 'retry', state: 'partial', features: [{ feature: 'items', seen: 1, upserted: 1, failed: 1 }] });
    expect((await services.runs.failedItems('acme', connection, { limit: 10 })).items).toMatchObject([{ times: 2 }]);
    expect(await services.connections.get('acme', connection)).toMatchObject({ documents: 2 });

    await services.connections.change('acme', connection, { config: { steps: broken.slice(0, 1) as never } }, COMMAND_LINE);
    await run(connection);
    expect((await services.runs.failedItems('acme', connection, { limit: 10 })).items).toEqual([]);
    await expect(services.runs.retryFailed('acme', connection, COMMAND_LINE)).rejects.toMatchObject({ code: 'NOTHING_TO_RETRY' });
  });
});

describe('what a call writes to its storage', () => {
  it('is there for the next batch, and gone with a batch that failed', async () => {
    const { connection } = await runSteps([
      { do: 'go-on', batches: 3 },
      { do: 'put', collection: 'notes', key: 'a', value: 'kept', batch: 0 },
      { do: 'get', collection: 'notes', key: 'a', batch: 1 },
      { do: 'put', collection: 'notes', key: 'a', value: 'lost', batch: 2 },
      { do: 'throw', message: 'oh', batch: 2 },
    ]);
    expect(await said(connection)).toMatchObject({ 'step-2': { ok: 'kept' } });
    // The next run begins where the last batch was committed, and fails again; its storage is as it was.
    await services.connections.change(
      'acme',
      connection,
      { config: { steps: [{ do: 'get', collection: 'notes', key: 'a' }] } },
      COMMAND_LINE,
    );
    await run(connection);
    expect(await said(connection)).toMatchObject({ 'step-0': { ok: 'kept' } });
  });

  it('is refused with a reason, and the call goes on', async () => {
    const { run: ended, connection } = await runSteps([
      { do: 'put', collection: 'secrets', key: 'a', value: '1' },
      { do: 'put', collection: 'notes', key: '', value: '1' },
      { do: 'put', collection: 'notes', key: 'a\0b', value: '1' },
      { do: 'scan', collection: 'notes', limit: 0 },
    ]);
    expect(ended.state).toBe('succeeded');
    expect(await said(connection)).toMatchObject({
      'step-0': { error: { tag: 'unknown-collection' } },
      'step-1': { error: { tag: 'invalid' } },
      'step-2': { error: { tag: 'invalid' } },
      'step-3': { error: { tag: 'invalid' } },
    });
  });
});

describe('metrics', () => {
  it('are those that the manifest declares, of batches that were committed', async () => {
    const { connection } = await runSteps([
      { do: 'go-on', batches: 3 },
      { do: 'add', metric: 'steps_done', value: 2 },
      { do: 'set', metric: 'level', value: 7 },
      { do: 'add', metric: 'stolen', value: 1 },
      { do: 'set', metric: 'steps_done', value: 99 },
      { do: 'throw', message: 'oh', batch: 2 },
    ]);
    expect(await services.connections.get('acme', connection)).toMatchObject({ metrics: { steps_done: 4, level: 7 } });
  });
});

describe('the network', () => {
  it('is what manifest, config and grant agree on, with the credential only where it belongs', async () => {
    await install({ http: { origins: [upstream.origin, other.origin], privateNetworks: ['127.0.0.0/8'] } });
    const steps: Step[] = [
      { do: 'http', url: `${upstream.origin}/a` },
      { do: 'http', url: `${other.origin}/b` },
      { do: 'http', url: 'https://example.com/c' },
      { do: 'http', url: `${upstream.origin}/d`, headers: [{ name: 'Authorization', value: 'mine' }] },
    ];
    const { connection } = await runSteps(steps, { credential: SECRET, config: { base_url: upstream.origin, other_url: other.origin } });
    expect(await said(connection)).toMatchObject({
      'step-0': { ok: { status: 200, body: 'you are Bearer [secret]' } },
      'step-1': { ok: { status: 200, body: 'you are undefined' } },
      'step-2': { error: { tag: 'denied' } },
      'step-3': { error: { tag: 'invalid-request' } },
    });
    expect(upstream.requests.at(-1)?.headers.authorization).toBe(`Bearer ${SECRET}`);
    expect(logged).not.toContain(SECRET);
    await install();
  });
});

describe('a datasource that overruns its limits', () => {
  it('costs itself its feature, and no other organisation anything', async () => {
    await install({
      limits: { callTimeoutMs: 1_000, maxHostCallsPerCall: 100, maxResultBytes: 100_000, maxMemoryBytes: 64 * 1024 * 1024 },
    });
    await services.organisations.create({ id: 'other' }, COMMAND_LINE);
    const hostile: Step[] = [
      { do: 'spin' },
      { do: 'allocate' },
      { do: 'recurse' },
      { do: 'log', lines: 101, message: 'x' },
      { do: 'bytes', count: 200_000 },
    ];
    const runs = await Promise.all(
      hostile.map(async (step) => services.runs.start('acme', await connect([step]), { features: ['items'] }, COMMAND_LINE)),
    );
    const steps = [{ do: 'documents', count: 3, text: 'untouched' }];
    const neighbour = await services.connections.create('other', { datasource: 'probe', config: { steps } }, COMMAND_LINE);
    const quiet = await services.runs.start('other', neighbour.id, {}, COMMAND_LINE);
    await services.runs.work({ signal: new AbortController().signal, untilIdle: true });
    const reasons = await Promise.all(runs.map(async ({ id }) => feature(await services.runs.get('acme', id)).reason));
    // One that shares a process with what spins may have its own time run out beside it.
    expect(reasons).toEqual([
      expect.stringMatching(/callTimeoutMs of 1000|neighbour/),
      expect.stringMatching(/out of memory|neighbour|callTimeoutMs/),
      expect.stringMatching(/call stack|neighbour|callTimeoutMs/),
      expect.stringMatching(/maxHostCallsPerCall|neighbour|callTimeoutMs/),
      expect.stringMatching(/maxResultBytes|neighbour|callTimeoutMs/),
    ]);
    expect(await services.runs.get('other', quiet.id)).toMatchObject({ state: 'succeeded' });
    expect(await services.connections.get('other', neighbour.id)).toMatchObject({ documents: 3 });
    await install();
  });
});

describe('a run that somebody ends', () => {
  it('by cancelling it ends at once, in the middle of a call', async () => {
    const connection = await connect([
      { do: 'go-on', batches: 2 },
      { do: 'documents', count: 1, text: 'x' },
      { do: 'spin', batch: 1 },
    ]);
    const { id } = await services.runs.start('acme', connection, {}, COMMAND_LINE);
    const spinning = Promise.withResolvers<void>();
    const work = services.runs.work({
      signal: new AbortController().signal,
      untilIdle: true,
      onProgress: (now) => {
        if (feature(now).batches === 1) spinning.resolve();
      },
    });
    await spinning.promise;
    await services.runs.cancel('acme', id, COMMAND_LINE);
    await work;
    expect(await services.runs.get('acme', id)).toMatchObject({ state: 'cancelled' });
    // The batch that was committed stays.
    expect(await services.connections.get('acme', connection)).toMatchObject({ documents: 1 });
  });

  it('by stopping the host goes on where it was, without loss', async () => {
    const connection = await connect([
      { do: 'go-on', batches: 4 },
      { do: 'documents', count: 2, text: 'number {number}' },
    ]);
    const { id } = await services.runs.start('acme', connection, {}, COMMAND_LINE);
    const stop = new AbortController();
    await services.runs.work({
      signal: stop.signal,
      onProgress: (now) => {
        if (feature(now).batches === 2) stop.abort();
      },
    });
    expect((await services.runs.get('acme', id)).state).toMatch(/parked|queued|running/);
    await services.runs.work({ signal: new AbortController().signal, untilIdle: true });
    expect(await services.runs.get('acme', id)).toMatchObject({ state: 'succeeded' });
    expect(await services.connections.get('acme', connection)).toMatchObject({ documents: 8 });
  });
});

describe('setting up and checking a connection', () => {
  it('asks the datasource, which may refuse with the place and a remedy', async () => {
    const problem = { path: '/steps', reason: 'They are bad.', remedy: 'Mend them.' };
    await expect(
      connect([{ in: 'validate-config', do: 'fail', failure: { tag: 'invalid-config', val: [problem] } }]),
    ).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      problems: [expect.objectContaining({ path: '/config/steps' })],
    });
  });

  it('says whose fault it is when the datasource breaks', async () => {
    await expect(connect([{ in: 'validate-config', do: 'throw', message: 'a bug' }])).rejects.toMatchObject({ code: 'DATASOURCE_FAULT' });
    await expect(connect([{ in: 'validate-config', do: 'recurse' }])).rejects.toMatchObject({ code: 'DATASOURCE_FAULT' });
  });

  it('reports what check finds, and what it failed with', async () => {
    expect(await services.connections.check('acme', await connect([]))).toEqual({
      ready: true,
      account: 'probe',
      problems: [],
      failure: undefined,
    });
    const broken = await connect([{ in: 'check', do: 'fail', failure: { tag: 'unauthorized', val: 'who?' } }]);
    expect(await services.connections.check('acme', broken)).toMatchObject({
      ready: false,
      failure: { kind: 'unauthorized', message: 'who?' },
    });
  });
});
