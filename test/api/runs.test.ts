import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openFurnishedApi, type Api } from '../helpers/api.ts';

let api: Api;
beforeAll(async () => {
  api = await openFurnishedApi();
});
afterAll(() => api.close());

async function connect(body: Record<string, unknown> = {}): Promise<string> {
  return (await api.call('POST', '/api/v1/connections', { datasource: 'hello', ...body })).body.id;
}

describe('a run', () => {
  test('is queued at once, followed at its Location, and ends with what it did', async () => {
    const connection = await connect();
    const started = await api.call('POST', `/api/v1/connections/${connection}/runs`);
    expect(started).toMatchObject({
      status: 202,
      body: { state: 'queued', connection, features: [{ feature: 'greetings', state: 'pending' }] },
    });
    await api.work();
    const ended = await api.call('GET', started.headers.get('location') ?? '');
    expect(ended.body).toMatchObject({
      state: 'succeeded',
      problems: [],
      features: [{ state: 'done', seen: 5, upserted: 5, deleted: 0 }],
      finishedAt: expect.any(String),
    });
    const shown = await api.call('GET', `/api/v1/connections/${connection}`);
    expect(shown.body).toMatchObject({ documents: 5, metrics: { guides_known: 5 } });
    expect(shown.body.passages).toBeGreaterThan(4);
  });

  test('takes an empty body, an empty object and a choice of features', async () => {
    const connection = await connect({
      datasource: 'probe',
      config: { steps: [{ do: 'documents', count: 1, text: 'x', feature: 'others' }] },
    });
    for (const body of [undefined, {}, { features: ['others'] }]) {
      const { body: run } = await api.call('POST', `/api/v1/connections/${connection}/runs`, body);
      expect(run.features.map(({ feature }: { feature: string }) => feature)).toEqual(body?.features ?? ['items', 'others']);
      await api.work();
    }
  });

  test('is refused while another one of the connection is not finished', async () => {
    const connection = await connect();
    const { body: run } = await api.call('POST', `/api/v1/connections/${connection}/runs`);
    expect(await api.call('POST', `/api/v1/connections/${connection}/runs`)).toMatchObject({
      status: 409,
      body: { code: 'RUN_IN_PROGRESS' },
    });
    expect((await api.call('POST', `/api/v1/runs/${run.id}/cancel`)).status).toBe(200);
    await api.work();
    expect((await api.call('POST', `/api/v1/connections/${connection}/runs`)).status).toBe(202);
    await api.work();
  });

  test.each<[unknown, number, string]>([
    [{ features: ['nope'] }, 404, 'UNKNOWN_FEATURE'],
    [{ features: [] }, 400, 'INVALID_REQUEST'],
    [{ features: ['greetings', 'greetings'] }, 400, 'INVALID_REQUEST'],
    [{ feature: ['greetings'] }, 400, 'INVALID_REQUEST'],
    [[], 400, 'INVALID_REQUEST'],
  ])('with %j is refused with %i %s', async (body, status, code) => {
    const connection = await connect();
    expect(await api.call('POST', `/api/v1/connections/${connection}/runs`, body)).toMatchObject({ status, body: { code } });
    expect((await api.call('GET', `/api/v1/runs?connection=${connection}`)).body.items).toEqual([]);
  });

  test('of a datasource that fails ends as failed, with a reason, and the host goes on', async () => {
    const broken = await connect({ datasource: 'probe', config: { steps: [{ do: 'fail', failure: { tag: 'unauthorized', val: 'no' } }] } });
    const { body: run } = await api.call('POST', `/api/v1/connections/${broken}/runs`, { features: ['items'] });
    await api.work();
    expect((await api.call('GET', `/api/v1/runs/${run.id}`)).body).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('no'),
    });
    expect((await api.call('GET', '/readyz')).status).toBe(200);
  });
});

describe('cancelling', () => {
  test('ends a queued run, and a second time is RUN_NOT_ACTIVE', async () => {
    const connection = await connect();
    const { body: run } = await api.call('POST', `/api/v1/connections/${connection}/runs`);
    await api.call('POST', `/api/v1/runs/${run.id}/cancel`);
    await api.work();
    expect((await api.call('GET', `/api/v1/runs/${run.id}`)).body.state).toBe('cancelled');
    expect(await api.call('POST', `/api/v1/runs/${run.id}/cancel`)).toMatchObject({ status: 409, body: { code: 'RUN_NOT_ACTIVE' } });
  });

  test('ends a run within a call that would never end', async () => {
    const connection = await connect({ datasource: 'probe', config: { steps: [{ do: 'spin' }] } });
    const { body: run } = await api.call('POST', `/api/v1/connections/${connection}/runs`, { features: ['items'] });
    const reading = Promise.withResolvers<void>();
    const work = api.services.runs.work({ signal: new AbortController().signal, untilIdle: true, onProgress: () => reading.resolve() });
    const begun = (async () => {
      while ((await api.call('GET', `/api/v1/runs/${run.id}`)).body.state !== 'running') await new Promise(setImmediate);
    })();
    await begun;
    expect((await api.call('POST', `/api/v1/runs/${run.id}/cancel`)).status).toBe(200);
    await work;
    expect((await api.call('GET', `/api/v1/runs/${run.id}`)).body.state).toBe('cancelled');
  });
});

test('runs are listed newest first, by connection, in pages, and for their organisation only', async () => {
  const connection = await connect();
  const made: string[] = [];
  for (let time = 0; time < 3; time += 1) {
    made.unshift((await api.call('POST', `/api/v1/connections/${connection}/runs`)).body.id);
    await api.work();
  }
  const first = await api.call('GET', `/api/v1/runs?connection=${connection}&limit=2`);
  expect(first.body.items.map(({ id }: { id: string }) => id)).toEqual(made.slice(0, 2));
  const second = await api.call('GET', `/api/v1/runs?connection=${connection}&limit=2&after=${encodeURIComponent(first.body.next)}`);
  expect(second.body.items.map(({ id }: { id: string }) => id)).toEqual(made.slice(2));
  expect(second.body.next).toBeUndefined();
  expect((await api.call('GET', `/api/v1/runs?organisation=acme&connection=${connection}`)).body).toEqual({ items: [] });
  const unknown = { status: 404, body: { code: 'UNKNOWN_RUN' } };
  expect(await api.call('GET', `/api/v1/runs/${made[0]}?organisation=acme`)).toMatchObject(unknown);
  expect(await api.call('POST', `/api/v1/runs/${made[0]}/cancel?organisation=acme`)).toMatchObject(unknown);
  expect(await api.call('GET', '/api/v1/runs/nope')).toMatchObject(unknown);
});
