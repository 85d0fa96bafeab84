import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openFurnishedApi, type Api } from '../helpers/api.ts';

let api: Api;
beforeAll(async () => {
  api = await openFurnishedApi();
});
afterAll(() => api.close());

async function connect(body: Record<string, unknown> = {}, query = ''): Promise<string> {
  const made = await api.call('POST', `/api/v1/connections${query}`, { datasource: 'hello', ...body });
  expect(made.status).toBe(201);
  return made.body.id;
}

describe('a new connection', () => {
  test('is at its Location, with the defaults of its schema filled in', async () => {
    const made = await api.call('POST', '/api/v1/connections', { datasource: 'hello' });
    expect(made).toMatchObject({
      status: 201,
      body: {
        organisation: 'default',
        datasource: 'hello',
        name: 'hello',
        config: { audience: 'author' },
        features: {},
        hasCredential: false,
        documents: 0,
        passages: 0,
      },
    });
    expect((await api.call('GET', made.headers.get('location') ?? '')).body).toEqual(made.body);
  });

  test.each([
    ['in the body', '', { organisation: 'acme' }],
    ['in the address', '?organisation=acme', {}],
  ])('belongs to the organisation that is named %s', async (_where, query, body) => {
    const made = await api.call('POST', `/api/v1/connections${query}`, { datasource: 'hello', ...body });
    expect(made.body.organisation).toBe('acme');
    expect((await api.call('GET', made.headers.get('location') ?? '')).status).toBe(200);
  });

  test.each<[Record<string, unknown>, number, string, string | undefined]>([
    [{ datasource: 'nope' }, 404, 'UNKNOWN_DATASOURCE', undefined],
    [{ datasource: 'hello', features: { nope: { enabled: true } } }, 404, 'UNKNOWN_FEATURE', undefined],
    [{ datasource: 'hello', config: { audience: 7 } }, 422, 'INVALID_CONFIG', '/config/audience'],
    [{ datasource: 'hello', config: { audienc: 'x' } }, 422, 'INVALID_CONFIG', '/config/audienc'],
    [{ datasource: 'hello', config: { audience: ' ' } }, 422, 'INVALID_CONFIG', '/config/audience'],
    [
      { datasource: 'hello', features: { greetings: { config: { batch_size: 0 } } } },
      422,
      'INVALID_CONFIG',
      '/features/greetings/config/batch_size',
    ],
    [{ datasource: 'hello', features: { greetings: { on: true } } }, 400, 'INVALID_REQUEST', '/features/greetings/on'],
    [{ datasource: 'hello', name: 'two\nlines' }, 400, 'INVALID_REQUEST', '/name'],
    [{ datasource: 'hello', credential: '' }, 400, 'INVALID_REQUEST', '/credential'],
    [{ datasource: 'hello', credential: 'a\r\nx-evil: 1' }, 400, 'INVALID_REQUEST', '/credential'],
    [{}, 400, 'INVALID_REQUEST', ''],
  ])('%j is refused with %i %s, and nothing is made', async (body, status, code, path) => {
    const before = (await api.call('GET', '/api/v1/connections?limit=200')).body.items.length;
    expect(await api.call('POST', '/api/v1/connections', body)).toMatchObject({
      status,
      body: { code, ...(path === undefined ? {} : { errors: [{ path }] }) },
    });
    expect((await api.call('GET', '/api/v1/connections?limit=200')).body.items.length).toBe(before);
  });
});

describe('a credential', () => {
  const SECRET = 'top-s3cret-credential-value';

  test('is never shown, never logged, and lies nowhere in the data folder as it is', async () => {
    const id = await connect({ credential: SECRET });
    const shown = await api.call('GET', `/api/v1/connections/${id}`);
    expect(shown.body.hasCredential).toBe(true);
    const listed = await api.call('GET', '/api/v1/connections?limit=200');
    expect(JSON.stringify([shown.body, listed.body])).not.toContain(SECRET);
    await api.call('POST', '/api/v1/connections', { datasource: 'hello', credential: `${SECRET}\n` });
    await api.call('POST', '/api/v1/connections', { datasource: 'hello', credentials: SECRET });
    expect(api.logged()).not.toContain(SECRET);
    for (const file of await readdir(api.dataDir)) {
      const bytes = await readFile(join(api.dataDir, file)).catch(() => Buffer.alloc(0));
      expect(bytes.includes(SECRET), file).toBe(false);
    }
  });

  test('is changed, kept and forgotten by PATCH', async () => {
    const id = await connect({ credential: SECRET });
    expect((await api.call('PATCH', `/api/v1/connections/${id}`, { name: 'other' })).body.hasCredential).toBe(true);
    expect((await api.call('PATCH', `/api/v1/connections/${id}`, { credential: null })).body.hasCredential).toBe(false);
    expect((await api.call('PATCH', `/api/v1/connections/${id}`, { credential: 'new' })).body.hasCredential).toBe(true);
  });
});

describe('a connection is changed', () => {
  let id: string;
  beforeEach(async () => {
    id = await connect({ name: 'mine', config: { audience: 'operator' }, features: { greetings: { enabled: false } } });
  });

  test('only where the body says so', async () => {
    const before = (await api.call('GET', `/api/v1/connections/${id}`)).body;
    const after = (await api.call('PATCH', `/api/v1/connections/${id}`, { name: 'ours' })).body;
    expect(after).toEqual({ ...before, name: 'ours', updatedAt: after.updatedAt, revision: after.revision });
    expect(after.revision).toBeGreaterThan(before.revision);
  });

  test('with a config and features that replace what was there', async () => {
    const { body } = await api.call('PATCH', `/api/v1/connections/${id}`, {
      config: {},
      features: { greetings: { config: { greeting: 'Hi' } } },
    });
    expect(body).toMatchObject({ config: { audience: 'author' }, features: { greetings: { config: { greeting: 'Hi' } } } });
    expect(body.features.greetings.enabled).toBeUndefined();
  });

  test.each([
    [{ config: { audience: '' } }, 'INVALID_CONFIG'],
    [{ features: { nope: {} } }, 'UNKNOWN_FEATURE'],
    [{ datasource: 'probe' }, 'INVALID_REQUEST'],
    [{}, 'INVALID_REQUEST'],
  ])('not at all by %j, which is %s', async (body, code) => {
    const before = (await api.call('GET', `/api/v1/connections/${id}`)).body;
    expect((await api.call('PATCH', `/api/v1/connections/${id}`, body)).body.code).toBe(code);
    expect((await api.call('GET', `/api/v1/connections/${id}`)).body).toEqual(before);
  });
});

describe('a check', () => {
  test('of a connection that works says who it is', async () => {
    const id = await connect();
    expect((await api.call('POST', `/api/v1/connections/${id}/check`)).body).toEqual({
      ready: true,
      account: 'nobody in particular',
      problems: [],
    });
  });

  test.each([
    [{ do: 'throw', message: 'broken' }, 'failed'],
    [{ do: 'fail', failure: { tag: 'unauthorized', val: 'no' } }, 'unauthorized'],
    [{ do: 'fail', failure: { tag: 'throttled', val: { retryAfterMs: 5_000, reason: 'slow down' } } }, 'throttled'],
  ])('of a datasource that does %j says so, and the next one still answers', async (step, kind) => {
    const id = await connect({ datasource: 'probe', config: { steps: [{ ...step, in: 'check' }] } });
    const checked = await api.call('POST', `/api/v1/connections/${id}/check`);
    expect(checked).toMatchObject({ status: 200, body: { ready: false, failure: { kind, message: expect.any(String) } } });
    const good = await connect({ datasource: 'probe' });
    expect((await api.call('POST', `/api/v1/connections/${good}/check`)).body).toMatchObject({ ready: true, account: 'probe' });
  });
});

describe('deleting a connection', () => {
  test('takes its documents, its runs and itself away', async () => {
    const id = await connect({ name: 'to go', config: { audience: 'zebra' } });
    const run = (await api.call('POST', `/api/v1/connections/${id}/runs`)).body;
    await api.work();
    const question = { question: 'zebra', k: 50 };
    expect((await api.call('POST', '/api/v1/retrieve', question)).body.hits.length).toBeGreaterThan(0);
    expect((await api.call('DELETE', `/api/v1/connections/${id}`)).status).toBe(204);
    expect((await api.call('POST', '/api/v1/retrieve', question)).body.hits).toEqual([]);
    expect(await api.call('GET', `/api/v1/connections/${id}`)).toMatchObject({ status: 404, body: { code: 'UNKNOWN_CONNECTION' } });
    expect(await api.call('GET', `/api/v1/runs/${run.id}`)).toMatchObject({ status: 404, body: { code: 'UNKNOWN_RUN' } });
    expect(await api.call('DELETE', `/api/v1/connections/${id}`)).toMatchObject({ status: 404, body: { code: 'UNKNOWN_CONNECTION' } });
  });

  test('while it is indexed is RUN_IN_PROGRESS and takes nothing away', async () => {
    const id = await connect();
    const run = (await api.call('POST', `/api/v1/connections/${id}/runs`)).body;
    expect(await api.call('DELETE', `/api/v1/connections/${id}`)).toMatchObject({ status: 409, body: { code: 'RUN_IN_PROGRESS' } });
    await api.call('POST', `/api/v1/runs/${run.id}/cancel`);
    await api.work();
    expect((await api.call('DELETE', `/api/v1/connections/${id}`)).status).toBe(204);
  });
});

test('a connection of another organisation does not exist', async () => {
  const id = await connect({ organisation: 'acme' });
  const unknown = { status: 404, body: { code: 'UNKNOWN_CONNECTION' } };
  expect(await api.call('GET', `/api/v1/connections/${id}`)).toMatchObject(unknown);
  expect(await api.call('PATCH', `/api/v1/connections/${id}`, { name: 'taken' })).toMatchObject(unknown);
  expect(await api.call('DELETE', `/api/v1/connections/${id}`)).toMatchObject(unknown);
  expect(await api.call('POST', `/api/v1/connections/${id}/check`)).toMatchObject(unknown);
  expect(await api.call('POST', `/api/v1/connections/${id}/runs`)).toMatchObject(unknown);
  expect((await api.call('GET', '/api/v1/connections?limit=200')).body.items.some((item: { id: string }) => item.id === id)).toBe(false);
  expect((await api.call('GET', `/api/v1/connections/${id}?organisation=acme`)).body.name).toBe('hello');
});

test.each(['x', '01KATM4X7Z6V0R1Q2W3E4R5T6Y', '%27%20OR%201=1--', '..%2F..', 'a'.repeat(200)])(
  'the id %s is UNKNOWN_CONNECTION',
  async (id) => {
    expect(await api.call('GET', `/api/v1/connections/${id}`)).toMatchObject({ status: 404, body: { code: 'UNKNOWN_CONNECTION' } });
  },
);

test.each(['%00', '%0A', '%7F'])('the id %s is INVALID_REQUEST', async (id) => {
  expect(await api.call('GET', `/api/v1/connections/${id}`)).toMatchObject({
    status: 400,
    body: { code: 'INVALID_REQUEST', errors: [{ path: 'id' }] },
  });
});

test('pages hold every connection once, in order', async () => {
  await api.call('POST', '/api/v1/organisations', { id: 'paged' });
  const made: string[] = [];
  for (const name of ['a', 'b', 'c', 'd', 'e']) made.push(await connect({ name }, '?organisation=paged'));
  const seen: string[] = [];
  let next: string | undefined = '';
  while (next !== undefined) {
    const page = await api.call(
      'GET',
      `/api/v1/connections?organisation=paged&limit=2${next === '' ? '' : `&after=${encodeURIComponent(next)}`}`,
    );
    expect(page.body.items.length).toBeLessThanOrEqual(2);
    seen.push(...page.body.items.map((item: { id: string }) => item.id));
    next = page.body.next;
  }
  expect(seen.toSorted()).toEqual(made.toSorted());
  expect(await api.call('GET', '/api/v1/connections?after=nonsense')).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } });
});
