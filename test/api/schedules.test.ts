import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { install, openApi, type Api } from '../helpers/api.ts';

let api: Api;
let connection: string;

beforeAll(async () => {
  api = await openApi();
  await install(api, 'probe');
});
afterAll(() => api.close());

async function connect(steps: object[]): Promise<string> {
  const { body } = await api.call('POST', '/api/v1/connections', { datasource: 'probe', config: { steps } });
  return body.id;
}

async function run(id: string, body: object = {}): Promise<{ id: string; state: string; reason?: string; [key: string]: unknown }> {
  const started = await api.call('POST', `/api/v1/connections/${id}/runs`, body);
  await api.work();
  return (await api.call('GET', started.headers.get('location') ?? '')).body;
}

describe('the schedule of a connection', () => {
  beforeAll(async () => {
    connection = await connect([{ do: 'documents', count: 2, text: 'x' }]);
  });

  test('is read, changed in parts, and given back', async () => {
    const address = `/api/v1/connections/${connection}/schedule`;
    expect((await api.call('GET', address)).body).toMatchObject({
      connection,
      content: { cron: '0 * * * *', from: 'host', unsupported: false },
      prune: { cron: '30 2 * * *', from: 'host' },
      failedRuns: 0,
      bounds: { maxPrunedShare: 0.2, alwaysPruned: 10, maxFailedRuns: 5 },
    });
    const changed = await api.call('PATCH', address, { content: '*/15 * * * *', prune: 'off', bounds: { maxFailedRuns: 2 } });
    expect(changed.body).toMatchObject({
      content: { cron: '*/15 * * * *', from: 'connection' },
      bounds: { maxFailedRuns: 2, alwaysPruned: 10 },
    });
    const back = await api.call('PATCH', address, { content: null, bounds: { maxFailedRuns: null } });
    expect(back.body).toMatchObject({
      content: { from: 'host' },
      prune: { cron: 'off', from: 'connection' },
      bounds: { maxFailedRuns: 5 },
    });
  });

  test.each([
    [{ content: '* * *' }, 422, 'INVALID_SCHEDULE'],
    [{ content: '61 * * * *' }, 422, 'INVALID_SCHEDULE'],
    [{ bounds: { maxPrunedShare: 1.5 } }, 400, 'INVALID_REQUEST'],
    [{ bounds: { maxPrunedShares: 0.5 } }, 400, 'INVALID_REQUEST'],
    [{ retry: '* * * * *' }, 400, 'INVALID_REQUEST'],
  ])('%j is refused with what to do', async (body, status, code) => {
    expect(await api.call('PATCH', `/api/v1/connections/${connection}/schedule`, body)).toMatchObject({
      status,
      body: { code, remedy: expect.any(String) },
    });
  });

  test('is nobody else’s', async () => {
    await api.call('POST', '/api/v1/organisations', { id: 'rival' });
    for (const [method, what, body] of [
      ['GET', 'schedule', undefined],
      ['PATCH', 'schedule', { content: 'off' }],
      ['POST', 'pause', undefined],
      ['POST', 'resume', undefined],
      ['GET', 'failed-items', undefined],
      ['POST', 'failed-items/retry', undefined],
    ] as const) {
      const refused = await api.call(method, `/api/v1/connections/${connection}/${what}?organisation=rival`, body);
      expect(refused).toMatchObject({ status: 404, body: { code: 'UNKNOWN_CONNECTION' } });
    }
  });

  test('a paused connection refuses runs with the reason, until it is resumed', async () => {
    const paused = await api.call('POST', `/api/v1/connections/${connection}/pause`, { reason: 'The source is being moved.' });
    expect(paused.body.paused).toMatchObject({ by: 'operator', cause: 'operator', reason: 'The source is being moved.' });
    const refused = await api.call('POST', `/api/v1/connections/${connection}/runs`);
    expect(refused).toMatchObject({ status: 409, body: { code: 'CONNECTION_PAUSED', detail: expect.stringContaining('being moved') } });
    expect((await api.call('POST', `/api/v1/connections/${connection}/resume`)).body.paused).toBeUndefined();
    expect(await run(connection)).toMatchObject({ state: 'succeeded', progress: { seen: 2, changed: 2 } });
  });
});

describe('a run', () => {
  test('says what kind it is, who began it, and how far it is', async () => {
    const ended = await run(await connect([{ do: 'documents', count: 3, text: 'x' }]));
    expect(ended).toMatchObject({
      kind: 'content',
      startedBy: 'request',
      progress: { seen: 3, changed: 3, unchanged: 0, deleted: 0, skipped: 0, failed: 0, expected: 3 },
    });
    const listed = await api.call('GET', '/api/v1/runs?kind=content&state=succeeded');
    expect(listed.body.items.map(({ id }: { id: string }) => id)).toContain(ended.id);
    expect((await api.call('GET', '/api/v1/runs?state=held')).body.items).toEqual([]);
    expect((await api.call('GET', '/api/v1/runs?state=lost')).status).toBe(400);
  });

  test('of a datasource that cannot list what exists says so, and nothing is pruned', async () => {
    const id = await connect([{ do: 'documents', count: 2, text: 'x' }]);
    await run(id);
    const pruned = await run(id, { kind: 'prune' });
    expect(pruned).toMatchObject({ state: 'succeeded', reason: expect.stringContaining('the datasource cannot list what exists') });
    expect((await api.call('GET', `/api/v1/connections/${id}/schedule`)).body.prune.unsupported).toBe(true);
    expect((await api.call('GET', `/api/v1/connections/${id}`)).body.documents).toBe(2);
  });

  test('that is not held is neither approved nor dismissed', async () => {
    const { id } = await run(await connect([]));
    for (const what of ['approve', 'dismiss']) {
      expect(await api.call('POST', `/api/v1/runs/${id}/${what}`)).toMatchObject({ status: 409, body: { code: 'RUN_NOT_HELD' } });
    }
    expect(await api.call('GET', `/api/v1/runs/${id}/held`)).toMatchObject({ status: 409, body: { code: 'RUN_NOT_HELD' } });
  });

  test.each([
    [{ kind: 'access', features: ['items'] }, 'INVALID_REQUEST'],
    [{ kind: 'prune', full: true }, 'INVALID_REQUEST'],
    [{ kind: 'retry' }, 'INVALID_REQUEST'],
  ])('%j cannot be asked for', async (body, code) => {
    const id = await connect([]);
    expect(await api.call('POST', `/api/v1/connections/${id}/runs`, body)).toMatchObject({ status: 400, body: { code } });
  });
});

test('a run with more failed items than the bound is ended, and its connection paused with the reason', async () => {
  const skipped = [1, 2, 3].map((number) => ({ path: `item-${number}`, reason: 'It is broken.', remedy: 'Mend it.' }));
  const id = await connect([
    { do: 'go-on', batches: 5 },
    { do: 'batch', fields: { skipped } },
  ]);
  await api.call('PATCH', `/api/v1/connections/${id}/schedule`, { bounds: { maxFailedItems: 5 } });
  const reason = 'items: 6 items failed, more than the bound maxFailedItems of 5';
  expect(await run(id)).toMatchObject({ state: 'failed', reason, progress: { skipped: 6, failed: 0 } });
  expect((await api.call('GET', `/api/v1/connections/${id}/schedule`)).body.paused).toMatchObject({
    by: 'host',
    cause: 'failed-items',
    reason,
  });
  expect((await api.call('GET', `/api/v1/connections/${id}/failed-items`)).body.items).toMatchObject(
    skipped.map(({ path }) => ({ item: path, kept: false, times: 2 })),
  );
});

test('failed items are listed with reason and remedy, and retried where the host has kept them', async () => {
  const id = await connect([
    { do: 'documents', count: 1, text: 'no PDF' },
    { do: 'document', fields: { mediaType: 'application/pdf' } },
  ]);
  await run(id);
  const listed = await api.call('GET', `/api/v1/connections/${id}/failed-items`);
  expect(listed.body.items).toMatchObject([{ feature: 'items', item: 'document-0', kept: true, times: 1 }]);
  const retried = await api.call('POST', `/api/v1/connections/${id}/failed-items/retry`);
  expect(retried).toMatchObject({ status: 202, body: { kind: 'retry', state: 'queued' } });
  await api.work();
  expect((await api.call('GET', `/api/v1/connections/${id}/failed-items`)).body.items).toMatchObject([{ times: 2 }]);
  const none = await api.call('POST', `/api/v1/connections/${await connect([])}/failed-items/retry`);
  expect(none).toMatchObject({ status: 409, body: { code: 'NOTHING_TO_RETRY' } });
});
