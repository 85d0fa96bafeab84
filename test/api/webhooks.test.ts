import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { install, openApi, type Api } from '../helpers/api.ts';

const SECRET = 'slack-signing-secret-0001';

let api: Api;
let connection: string;

beforeAll(async () => {
  api = await openApi();
  await install(api, 'probe');
});
afterAll(() => api.close());
beforeEach(async () => {
  const made = await api.call('POST', '/api/v1/connections', { datasource: 'probe', config: { steps: [] } });
  connection = made.body.id;
});

const webhook = (method: string, body?: unknown): ReturnType<Api['call']> =>
  api.call(method, `/api/v1/connections/${connection}/webhook?organisation=default`, body);

interface Sent {
  secret?: string;
  atMs?: number;
  headers?: Record<string, string>;
  to?: string;
}

/** Sends a delivery as the source would, without a key. */
function deliver(
  payload: object,
  { secret = SECRET, atMs = Date.now(), headers = {}, to = connection }: Sent = {},
): ReturnType<Api['call']> {
  const body = JSON.stringify(payload);
  const timestamp = String(Math.floor(atMs / 1_000));
  const signature = `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')}`;
  return api.call('POST', `/webhooks/${to}`, payload, {
    as: null,
    headers: { 'x-slack-signature': signature, 'x-slack-request-timestamp': timestamp, ...headers },
  });
}

const text = (words: string): object => ({ do: 'documents', count: 1, from: Math.floor(Math.random() * 1e9), text: words });

async function find(question: string): Promise<string[]> {
  const { body } = await api.call('POST', '/api/v1/retrieve', { organisation: 'default', question, k: 5 });
  return body.hits.map((hit: { text: string }) => hit.text);
}

describe('the entry of a connection', () => {
  it('is closed until an operator opens it, and shows a made secret once', async () => {
    expect((await webhook('GET')).body).toMatchObject({ open: false, scheme: 'hmac', path: `/webhooks/${connection}` });
    expect((await deliver({})).body.code).toBe('WEBHOOK_REFUSED');
    const { body } = await webhook('POST', {});
    expect(body.secret).toMatch(/^[\w-]{43}$/);
    expect(JSON.stringify((await webhook('GET')).body)).not.toContain(body.secret);
    expect((await deliver({}, { secret: body.secret })).body).toEqual({ outcome: 'kept' });
    expect(api.logged()).not.toContain(body.secret);
  });

  it('takes no proof with an earlier secret', async () => {
    await webhook('POST', { secret: SECRET });
    await webhook('POST', { secret: 'another-secret-of-enough-letters' });
    expect((await deliver({})).status).toBe(403);
  });

  it('can be closed, and forgets what waited', async () => {
    await webhook('POST', { secret: SECRET });
    await deliver({ steps: [text('unheard')] });
    expect((await webhook('GET')).body.pending).toBe(1);
    expect((await webhook('DELETE')).body).toMatchObject({ open: false, pending: 0 });
    expect((await deliver({})).status).toBe(403);
  });

  it('is not made for a datasource whose manifest says nothing of signatures', async () => {
    await install(api, 'hello');
    const made = await api.call('POST', '/api/v1/connections', { datasource: 'hello' });
    const { status, body } = await api.call('POST', `/api/v1/connections/${made.body.id}/webhook?organisation=default`, {});
    expect([status, body.code]).toEqual([422, 'WEBHOOK_UNSUPPORTED']);
    expect((await deliver({}, { to: made.body.id })).status).toBe(403);
  });

  it('takes no secret that could be guessed', async () => {
    expect((await webhook('POST', { secret: 'short' })).body.code).toBe('INVALID_REQUEST');
  });

  it('answers the same for nobody, for a closed entry and for a wrong proof', async () => {
    await webhook('POST', { secret: SECRET });
    const wrong = await deliver({}, { secret: 'x'.repeat(20) });
    const nobody = await deliver({}, { to: '01KATM4X7Z6V0R1Q2W3E4R5T6Y' });
    for (const key of ['status', 'code', 'detail', 'title'] as const) expect(nobody.body[key]).toBe(wrong.body[key]);
    expect((await deliver({}, { to: '..%2f..' })).status).toBe(403);
  });
});

describe('a delivery', () => {
  beforeEach(() => webhook('POST', { secret: SECRET }));

  it('is kept at once and becomes searchable with the next work', async () => {
    expect((await deliver({ steps: [text('the kraken was seen near the pier')] })).body).toEqual({ outcome: 'kept' });
    expect(await find('kraken pier')).toEqual([]);
    await api.work();
    expect(await find('kraken pier')).toContain('the kraken was seen near the pier');
    expect((await webhook('GET')).body).toMatchObject({ pending: 0, done: 1, failed: 0 });
    const runs = await api.call('GET', `/api/v1/runs?organisation=default&connection=${connection}`);
    expect(runs.body.items).toMatchObject([{ kind: 'receive', startedBy: 'delivery', state: 'succeeded' }]);
  });

  it('that comes twice is taken once, also with other headers', async () => {
    const atMs = Date.now();
    const payload = { steps: [text('once')] };
    expect((await deliver(payload, { atMs })).body.outcome).toBe('kept');
    expect((await deliver(payload, { atMs, headers: { 'x-probe-delivery': 'another' } })).body.outcome).toBe('repeated');
    await api.work();
    expect((await deliver(payload, { atMs })).body.outcome).toBe('repeated');
    expect((await webhook('GET')).body).toMatchObject({ pending: 0, done: 1 });
  });

  it('that is too old is refused', async () => {
    expect((await deliver({}, { atMs: Date.now() - 400_000 })).status).toBe(403);
  });

  it('is given without the proof and without what others may have put beside it', async () => {
    const headers = { authorization: 'Bearer of-somebody', 'x-probe': 'seen', 'x-probe-delivery': 'wanted-1' };
    await deliver({ echo: `it holds ${SECRET} itself` }, { headers });
    await api.work();
    const [echo] = await find('seen');
    expect(echo).toContain('["x-probe","seen"]');
    expect(echo).not.toContain('of-somebody');
    expect(echo).not.toContain('v0=');
    expect(echo).not.toContain(SECRET);
  });

  it('that asks for it has its feature read, in a run of its own', async () => {
    await api.call('PATCH', `/api/v1/connections/${connection}?organisation=default`, {
      config: { steps: [text('found by reading anew')] },
    });
    await deliver({ readNow: true });
    await api.work();
    const runs = await api.call('GET', `/api/v1/runs?organisation=default&connection=${connection}`);
    expect(runs.body.items.map((run: { kind: string; startedBy: string; state: string }) => [run.kind, run.startedBy, run.state])).toEqual([
      ['content', 'delivery', 'succeeded'],
      ['receive', 'delivery', 'succeeded'],
    ]);
    expect(await find('found by reading anew')).toContain('found by reading anew');
  });

  it('that the datasource cannot take ends with a reason and holds up none of the others', async () => {
    await deliver({ steps: [{ do: 'fail', failure: { tag: 'failed', val: 'it is not mine' } }] });
    await deliver({ steps: [{ do: 'throw', message: 'broken' }] });
    await deliver({ steps: [text('the third one came through')] });
    await api.work();
    expect((await webhook('GET')).body).toMatchObject({ pending: 0, done: 1, failed: 2 });
    expect(await find('third came through')).toContain('the third one came through');
  });

  it('waits when the source asks for patience, and is not lost', async () => {
    await deliver({ steps: [{ do: 'fail', failure: { tag: 'throttled', val: { retryAfterMs: 60_000, reason: 'slow down' } } }] });
    await api.work();
    expect((await webhook('GET')).body).toMatchObject({ pending: 1, failed: 0 });
    const runs = await api.call('GET', `/api/v1/runs?organisation=default&connection=${connection}`);
    expect(runs.body.items[0]).toMatchObject({ kind: 'receive', state: 'parked' });
  });

  it('waits while the connection is paused', async () => {
    await api.call('POST', `/api/v1/connections/${connection}/pause?organisation=default`, {});
    await deliver({ steps: [text('after the pause')] });
    await api.work();
    expect((await webhook('GET')).body.pending).toBe(1);
    await api.call('POST', `/api/v1/connections/${connection}/resume?organisation=default`);
    await api.work();
    expect((await webhook('GET')).body).toMatchObject({ pending: 0, done: 1 });
  });

  it('of more than 8 MiB is refused before it is kept', async () => {
    const { status, body } = await deliver({ text: 'x'.repeat(8 * 1024 * 1024) });
    expect([status, body.code]).toEqual([413, 'BODY_TOO_LARGE']);
  });

  it('is refused when too many wait', async () => {
    const big = 'x'.repeat(7 * 1024 * 1024);
    const outcomes: number[] = [];
    for (let at = 0; at < 10; at += 1) outcomes.push((await deliver({ at, big })).status);
    expect(outcomes).toEqual([200, 200, 200, 200, 200, 200, 200, 200, 200, 503]);
  });
});

describe('a handshake', () => {
  it('is answered with what the source sent along, when it is proved', async () => {
    await webhook('POST', { secret: SECRET });
    expect((await deliver({ type: 'url_verification', challenge: '3eZbrw1aB' })).body).toEqual({ challenge: '3eZbrw1aB' });
    expect((await deliver({ type: 'url_verification', challenge: '3eZbrw1aB' }, { secret: 'x'.repeat(20) })).status).toBe(403);
    expect((await webhook('GET')).body.pending).toBe(0);
  });
});
