import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createApp } from '../../host/app.ts';
import { readConfig } from '../../host/config.ts';
import { listen, type ClientTimeouts, type Listener } from '../../host/listen.ts';
import { createLog } from '../../host/log.ts';
import { edgeServices } from '../helpers/edge.ts';
import { install, openApi, type Api } from '../helpers/api.ts';
import { inspectFile } from '../unit/store/fixture.ts';

const log = createLog({ level: 'silent', pretty: false, write: () => undefined });

/** The edge on a port, over services that answer at once. */
async function serve(env: Record<string, string>, timeouts?: ClientTimeouts): Promise<Listener> {
  const services = edgeServices({
    organisations: { list: async () => ({ items: [], next: undefined }) },
    changes: { exportLines: endless },
    callers: { authenticate: async (header) => ({ kind: 'key', id: header ?? 'k', organisation: undefined, scopes: ['admin'] }) },
  });
  const app = createApp(services, { log, config: readConfig(env) });
  const listener = await listen(app, { host: '127.0.0.1', port: 0, log, ...(timeouts === undefined ? {} : { timeouts }) });
  onTestFinished(() => listener.close(0));
  return listener;
}

/** Resolves when nobody wants more of `endless`. */
const gaveUp = Promise.withResolvers<void>();

async function* endless(): AsyncGenerator<string> {
  try {
    for (;;) yield 'x'.repeat(65_536);
  } finally {
    gaveUp.resolve();
  }
}

const LIST = '/api/v1/organisations';

/** The status for a request that says that it was forwarded. */
async function askFrom(url: string, from: string): Promise<number> {
  return (await fetch(`${url}${LIST}`, { headers: { 'x-forwarded-for': from } })).status;
}

/** What the server sends until it hangs up. */
async function answerTo(url: string, bytes: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(bytes);
  return text(socket);
}

describe('rates', () => {
  test('are limited by caller, with the fields that say so', async () => {
    const { url } = await serve({ LORELAI_CALLER_REQUESTS_PER_MINUTE: '2' });
    const ask = (key: string) => fetch(`${url}${LIST}`, { headers: { authorization: key } });
    const first = await ask('a');
    expect([first.status, first.headers.get('ratelimit-policy'), first.headers.get('ratelimit')]).toEqual([
      200,
      '"caller";q=2;w=60',
      expect.stringMatching(/^"caller";r=1;t=\d+$/),
    ]);
    await ask('a');
    const refused = await ask('a');
    expect(refused.status).toBe(429);
    expect(await refused.json()).toMatchObject({ code: 'RATE_LIMITED', status: 429 });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused.headers.get('ratelimit')).toMatch(/;r=0;/);
    expect((await ask('b')).status).toBe(200);
  });

  test('are limited by address before anybody is asked who they are, and health is not counted', async () => {
    const { url } = await serve({ LORELAI_ADDRESS_REQUESTS_PER_MINUTE: '2' });
    for (const key of ['a', 'b']) expect((await fetch(`${url}${LIST}`, { headers: { authorization: key } })).status).toBe(200);
    expect((await fetch(`${url}${LIST}`, { headers: { authorization: 'c' } })).status).toBe(429);
    expect((await fetch(`${url}/reference`)).status).toBe(429);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  test('by address follow X-Forwarded-For only from a proxy that is trusted', async () => {
    const open = await serve({ LORELAI_ADDRESS_REQUESTS_PER_MINUTE: '1' });
    expect([await askFrom(open.url, '192.0.2.1'), await askFrom(open.url, '192.0.2.2')]).toEqual([200, 429]);
    const behind = await serve({ LORELAI_ADDRESS_REQUESTS_PER_MINUTE: '1', LORELAI_TRUSTED_PROXIES: '127.0.0.0/8, 10.0.0.0/8' });
    expect([await askFrom(behind.url, '192.0.2.1'), await askFrom(behind.url, '192.0.2.2')]).toEqual([200, 200]);
    // What stands before the last address that is not a proxy's was written by the client.
    expect(await askFrom(behind.url, '203.0.113.9, 192.0.2.1, 10.1.1.1')).toBe(429);
    expect([await askFrom(behind.url, '2001:db8::1'), await askFrom(behind.url, '2001:db8::2')]).toEqual([200, 429]);
  });
});

describe('web pages of other origins', () => {
  const page = { origin: 'https://app.example.com', 'sec-fetch-site': 'cross-site' };

  test('are told nothing unless their origin is on the list', async () => {
    const { url } = await serve({});
    const preflight = await fetch(`${url}${LIST}`, { method: 'OPTIONS', headers: { ...page, 'access-control-request-method': 'POST' } });
    expect(preflight.headers.get('access-control-allow-origin')).toBeNull();
    expect((await fetch(`${url}${LIST}`, { headers: page })).headers.get('access-control-allow-origin')).toBeNull();
    expect((await fetch(`${url}${LIST}`, { method: 'POST', headers: page })).status).toBe(403);
  });

  test('may call with a key when it is, and others still may not', async () => {
    const { url } = await serve({ LORELAI_CORS_ORIGINS: 'https://app.example.com' });
    const preflight = await fetch(`${url}${LIST}`, { method: 'OPTIONS', headers: { ...page, 'access-control-request-method': 'PATCH' } });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe('https://app.example.com');
    expect(preflight.headers.get('access-control-allow-headers')).toContain('Authorization');
    expect(preflight.headers.get('access-control-allow-credentials')).toBeNull();
    const listed = await fetch(`${url}${LIST}`, { headers: page });
    expect([listed.status, listed.headers.get('access-control-allow-origin')]).toEqual([200, 'https://app.example.com']);
    expect((await fetch(`${url}${LIST}`, { method: 'POST', headers: page })).status).toBe(400);
    const other = { ...page, origin: 'https://evil.example' };
    expect((await fetch(`${url}${LIST}`, { headers: other })).headers.get('access-control-allow-origin')).toBeNull();
    expect((await fetch(`${url}${LIST}`, { method: 'POST', headers: other })).status).toBe(403);
  });
});

test('browsers are told to come back by TLS when the public address is https, and only then', async () => {
  const behind = await serve({ LORELAI_PUBLIC_URL: 'https://datasources.example.com' });
  expect((await fetch(`${behind.url}/healthz`)).headers.get('strict-transport-security')).toBe('max-age=31536000');
  const plain = await serve({});
  expect((await fetch(`${plain.url}/healthz`)).headers.get('strict-transport-security')).toBeNull();
});

describe('a client that is slow', () => {
  const SHORT: ClientTimeouts = { headersMs: 300, requestMs: 600, keepAliveMs: 300, idleMs: 60_000, checkMs: 50 };

  test('to send its headers is answered 408 and hung up on', async () => {
    const { url } = await serve({}, { ...SHORT, requestMs: 120_000 });
    expect(await answerTo(url, 'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n')).toMatch(/^HTTP\/1\.1 408 .*REQUEST_TIMEOUT/s);
  });

  test('to send its body is answered 408 and hung up on', async () => {
    const { url } = await serve({}, { ...SHORT, idleMs: 120_000 });
    const head = `POST ${LIST} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`;
    expect(await answerTo(url, head)).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('to send a next request is hung up on', async () => {
    const { url } = await serve({}, SHORT);
    expect(await answerTo(url, 'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('to read its answer is hung up on', async () => {
    const { url } = await serve({}, { ...SHORT, idleMs: 500 });
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    socket.pause();
    socket.write(`GET /api/v1/changes/export HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
    // Nothing is read: what shows that the server has given up is that it takes no more to send.
    await gaveUp.promise;
    socket.destroy();
  });
});

describe('over a real store', () => {
  let api: Api;
  let sent = 0;

  beforeAll(async () => {
    api = await openApi();
    await install(api, 'hello');
  });
  afterAll(() => api.close());

  const create = (key: string, body: object = { datasource: 'hello' }, as?: string) =>
    api.call('POST', '/api/v1/connections', body, { headers: { 'idempotency-key': key }, ...(as === undefined ? {} : { as }) });
  const newKey = (): string => `request-number-${(sent += 1)}`;
  const count = async (): Promise<number> => (await api.call('GET', '/api/v1/connections?limit=200')).body.items.length;

  describe('a request with an Idempotency-Key', () => {
    test('takes effect once and is answered the same again', async () => {
      const [key, before] = [newKey(), await count()];
      const first = await create(key);
      const again = await create(key);
      expect([again.status, again.body]).toEqual([201, first.body]);
      expect([again.headers.get('location'), again.headers.get('etag')]).toEqual([
        first.headers.get('location'),
        `"${first.body.revision}"`,
      ]);
      expect([first.headers.get('idempotency-replayed'), again.headers.get('idempotency-replayed')]).toEqual([null, 'true']);
      expect(await count()).toBe(before + 1);
    });

    test('takes effect once when all copies come at the same moment', async () => {
      const [key, before] = [newKey(), await count()];
      const answers = await Promise.all(Array.from({ length: 8 }, () => create(key)));
      expect(answers.every(({ status, body }) => status === 201 || body.code === 'IDEMPOTENCY_KEY_IN_USE')).toBe(true);
      expect(answers.some(({ status }) => status === 201)).toBe(true);
      expect(await count()).toBe(before + 1);
    });

    test('is refused with another body, and is another caller’s own affair', async () => {
      const key = newKey();
      await create(key);
      const other = await create(key, { datasource: 'hello', name: 'other' });
      expect([other.status, other.body.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
      const stranger = await create(key, { datasource: 'hello', name: 'other' }, await api.keyWith(['operator'], 'default'));
      expect(stranger.status).toBe(201);
    });

    test('that failed has changed nothing and may be sent again', async () => {
      const key = newKey();
      expect((await create(key, { datasource: 'hullo' })).status).toBe(404);
      expect((await create(key)).status).toBe(201);
    });

    test('is refused when the key is too short to be one of its own', async () => {
      expect((await create('1')).body).toMatchObject({ code: 'INVALID_REQUEST', errors: [{ path: 'Idempotency-Key' }] });
    });

    test('may be answered with a secret again, which nobody can read from the store', async () => {
      const key = newKey();
      const make = () => api.call('POST', '/api/v1/keys', { name: 'once', scopes: ['reader'] }, { headers: { 'idempotency-key': key } });
      const first = await make();
      expect((await make()).body).toEqual(first.body);
      const kept = inspectFile(`${api.dataDir}/lorelai.db`, (direct) => direct.prepare('SELECT * FROM idempotent_requests').all([]));
      const bytes = JSON.stringify(kept, (_name, value: unknown) =>
        value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value,
      );
      expect(kept.length).toBeGreaterThan(0);
      for (const secret of [first.body.secret, key, 'hello']) expect(bytes).not.toContain(secret);
    });

    test('that nobody may make is not answered from what was kept', async () => {
      const key = newKey();
      const operator = await api.services.keys.create(
        { organisation: 'default', name: 'x', scopes: ['operator'] },
        { kind: 'local', id: 'x', requestId: undefined },
      );
      expect((await create(key, { datasource: 'hello' }, operator.text)).status).toBe(201);
      await api.call('POST', `/api/v1/keys/${operator.key.id}/revoke`);
      expect((await create(key, { datasource: 'hello' }, operator.text)).status).toBe(401);
    });
  });

  describe('If-Match', () => {
    test('changes only the state that was read', async () => {
      const { body, headers } = await create(newKey());
      const first = `"${body.revision}"`;
      expect(headers.get('etag')).toBe(first);
      const path = `/api/v1/connections/${body.id}`;
      const change = (etag: string, name: string) => api.call('PATCH', path, { name }, { headers: { 'if-match': etag } });
      const mine = await change(first, 'mine');
      expect([mine.status, mine.headers.get('etag')]).toEqual([200, `"${mine.body.revision}"`]);
      const late = await change(first, 'late');
      expect([late.status, late.body.code]).toEqual([412, 'CHANGED_MEANWHILE']);
      expect((await api.call('DELETE', path, undefined, { headers: { 'if-match': first } })).status).toBe(412);
      expect((await api.call('GET', path)).body).toMatchObject({ name: 'mine', revision: mine.body.revision });
      const any = await change('*', 'any');
      expect(any.status).toBe(200);
      expect((await change('W/"x"', 'odd')).body).toMatchObject({ code: 'INVALID_REQUEST', errors: [{ path: 'If-Match' }] });
      const last = any.headers.get('etag') ?? '';
      expect((await api.call('DELETE', path, undefined, { headers: { 'if-match': last } })).status).toBe(204);
    });

    test('is refused where it means nothing', async () => {
      const { body } = await api.call('POST', '/api/v1/keys', { name: 'x', scopes: ['reader'] }, { headers: { 'if-match': '"1"' } });
      expect(body).toMatchObject({ code: 'INVALID_REQUEST', detail: expect.stringContaining('no ETag') });
    });
  });
});
