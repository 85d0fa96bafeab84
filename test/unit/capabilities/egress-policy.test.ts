import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EgressRecord } from '../../../host/capabilities/egress.ts';
import type { HttpAsk } from '../../../host/domain/manifest.ts';
import { bodyOf, sendThrough } from '../../helpers/egress.ts';
import { startUpstream, type Upstream } from '../../helpers/upstream.ts';

let upstream: Upstream;
let other: Upstream;

beforeAll(async () => {
  upstream = await startUpstream((request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://x');
    if (pathname.startsWith('/redirect/')) response.writeHead(Number(pathname.split('/')[2]), { location: `${other.origin}/landed` });
    response.end(`${request.method} ${request.url}`);
  });
  other = await startUpstream((_, response) => response.end('other'));
});

afterAll(() => Promise.all([upstream.close(), other.close()]));

/** How many requests reached either server while `act` ran. */
async function requestsDuring(act: () => Promise<unknown>): Promise<number> {
  const before = upstream.requests.length + other.requests.length;
  await act();
  return upstream.requests.length + other.requests.length - before;
}

function filled(origins: readonly string[]): string[] {
  return origins.map((origin) => origin.replace('HERE', upstream.origin).replace('PORT', String(upstream.port)));
}

describe('a request', () => {
  it('goes where the manifest asks and the grant allows', async () => {
    expect(bodyOf(await sendThrough({ granted: [upstream.origin] }, `${upstream.origin}/path?query=1`))).toBe('GET /path?query=1');
  });

  it.each<[string, string[], string[], RegExp]>([
    ['the grant allows alone', [], ['HERE'], /is not in the manifest: add it under capabilities\.http/],
    ['the manifest asks for alone', ['HERE'], [], /is not granted: an operator allows it with `datasources install … --allow http:\/\/127/],
    ['neither names', [], [], /is not in the manifest/],
    ['the grant names on another port', ['HERE'], ['http://127.0.0.1:1'], /is not granted/],
    ['the grant names with another scheme', ['HERE'], ['https://127.0.0.1:PORT'], /is not granted/],
    ['the manifest names with another host', ['http://localhost:PORT'], ['HERE'], /is not in the manifest/],
  ])('never goes where %s', async (_, asked, granted, why) => {
    const reached = await requestsDuring(async () => {
      const outcome = await sendThrough({ asked: filled(asked), granted: filled(granted) }, `${upstream.origin}/`);
      expect(outcome).toEqual({ ok: false, error: { tag: 'denied', val: expect.stringMatching(why) } });
    });
    expect(reached).toBe(0);
  });

  it('may go to the origin that the config names, when the manifest asks for that key and the grant allows it', async () => {
    const asked: HttpAsk[] = [{ kind: 'from-config', configKey: 'base_url', reason: 'For a test.' }];
    const send = (config: Record<string, string>, granted: string[]) => sendThrough({ asked, granted, config }, upstream.origin);
    expect(await send({ base_url: `${upstream.origin}/api/v3` }, [upstream.origin])).toMatchObject({ ok: true });
    expect(await send({ base_url: `${upstream.origin}/api/v3` }, [])).toMatchObject({ ok: false, error: { tag: 'denied' } });
    expect(await send({ other_url: upstream.origin }, [upstream.origin])).toMatchObject({ ok: false, error: { tag: 'denied' } });
    expect(await send({ base_url: 'no url' }, [upstream.origin])).toMatchObject({ ok: false, error: { tag: 'denied' } });
    // What a setting names is one origin, whatever it looks like.
    const wide = await sendThrough(
      { asked, granted: ['https://*.example.com'], config: { base_url: 'https://*.example.com/' } },
      'https://a.example.com/',
    );
    expect(wide).toMatchObject({ ok: false, error: { tag: 'denied', val: expect.stringContaining('is not in the manifest') } });
  });

  it.each([
    ['', /not an absolute URL/],
    ['/path', /not an absolute URL/],
    ['//example.com/', /not an absolute URL/],
    ['ftp://example.com/', /ftp: is neither https: nor http:/],
    ['file:///etc/passwd', /file: is neither/],
    ['data:text/plain,x', /data: is neither/],
    ['https://user:password@example.com/', /a user or a password does not belong/],
    ['https://user@example.com/', /a user or a password does not belong/],
    ['https://:password@example.com/', /a user or a password does not belong/],
    [`https://example.com/${'x'.repeat(9_000)}`, /longer than 8192 bytes/],
  ])('to %j is invalid', async (url, why) => {
    expect(await sendThrough({ granted: ['https://example.com'] }, url)).toEqual({
      ok: false,
      error: { tag: 'invalid-request', val: expect.stringMatching(why) },
    });
  });

  it('never carries a fragment', async () => {
    expect(bodyOf(await sendThrough({ granted: [upstream.origin] }, `${upstream.origin}/a#secret`))).toBe('GET /a');
  });

  it.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('may be %s', async (method) => {
    expect(await sendThrough({ granted: [upstream.origin] }, upstream.origin, { method })).toMatchObject({
      ok: true,
      response: { status: 200 },
    });
  });

  it.each(['CONNECT', 'TRACE', 'get', 'PROPFIND', 'GET / HTTP/1.1\r\nX: y\r\n\r\nGET', ''])('may not be %j', async (method) => {
    expect(await sendThrough({ granted: [upstream.origin] }, upstream.origin, { method })).toEqual({
      ok: false,
      error: { tag: 'invalid-request', val: expect.stringMatching(/^method: /) },
    });
  });

  it('may not have a body above the limit', async () => {
    const limits = { maxRequestBytes: 10 };
    const send = (bytes: number) =>
      sendThrough({ granted: [upstream.origin], limits }, upstream.origin, { method: 'POST', body: new Uint8Array(bytes) });
    expect(await send(10)).toMatchObject({ ok: true });
    expect(await send(11)).toEqual({ ok: false, error: { tag: 'invalid-request', val: expect.stringMatching(/maxRequestBytes of 10/) } });
  });
});

describe('a redirect', () => {
  it.each([301, 302, 303, 307, 308])('%i is given back and never followed', async (status) => {
    const before = other.requests.length;
    const outcome = await sendThrough({ granted: [upstream.origin, other.origin] }, `${upstream.origin}/redirect/${status}`);
    expect(outcome).toMatchObject({ ok: true, response: { status } });
    expect(outcome.ok && outcome.response.headers).toContainEqual({ name: 'location', value: `${other.origin}/landed` });
    expect(other.requests.length).toBe(before);
  });
});

describe('an address that is not public', () => {
  it.each([
    'http://127.0.0.1:PORT/',
    'http://127.1:PORT/',
    'http://2130706433:PORT/',
    'http://0x7f000001:PORT/',
    'http://0x7f.1:PORT/',
    'http://0177.0.0.1:PORT/',
    'http://017700000001:PORT/',
    'http://127.0.0.1.:PORT/',
    'http://①②⑦.⓪.⓪.①:PORT/',
    'http://127。0。0。1:PORT/',
    'http://127%2e0%2e0%2e1:PORT/',
    'http://0.0.0.0:PORT/',
    'http://[::1]:PORT/',
    'http://[0:0:0:0:0:0:0:1]:PORT/',
    'http://[::]:PORT/',
    'http://[::ffff:127.0.0.1]:PORT/',
    'http://[::ffff:7f00:1]:PORT/',
    'http://[::127.0.0.1]:PORT/',
    'http://[64:ff9b::7f00:1]:PORT/',
    'http://[64:ff9b:1::127.0.0.1]:PORT/',
    'http://[2002:7f00:1::]:PORT/',
    'http://[fe80::1]:PORT/',
    'http://[fd00:ec2::254]/',
    'http://169.254.169.254/latest/meta-data/',
    'http://0xa9fea9fe/latest/meta-data/',
    'http://10.0.0.1/',
    'http://192.168.0.1/',
    'http://100.100.100.200/',
    'http://localhost:PORT/',
    'http://LOCALHOST:PORT/',
  ])('is denied although manifest and grant name its origin: %s', async (spelling) => {
    const url = spelling.replace('PORT', String(upstream.port));
    const { origin } = new URL(url);
    const reached = await requestsDuring(async () => {
      const outcome = await sendThrough({ granted: [origin], privateNetworks: [] }, url);
      expect(outcome).toEqual({
        ok: false,
        error: { tag: 'denied', val: expect.stringMatching(/is not a public address: an operator allows a private network/) },
      });
    });
    expect(reached).toBe(0);
  });

  it('by another name than the one that is granted is denied for that', async () => {
    expect(await sendThrough({ granted: [upstream.origin] }, `http://localhost:${upstream.port}/`)).toMatchObject({
      error: { val: expect.stringMatching(/is not in the manifest/) },
    });
  });

  it('is reached in any spelling when the operator named its network', async () => {
    for (const host of ['127.1', '0x7f.1', '2130706433']) {
      expect(await sendThrough({ granted: [upstream.origin] }, `http://${host}:${upstream.port}/`)).toMatchObject({ ok: true });
    }
  });

  it('of another network than the one that the operator named is denied', async () => {
    expect(await sendThrough({ granted: [upstream.origin], privateNetworks: ['10.0.0.0/8'] }, upstream.origin)).toMatchObject({
      error: { tag: 'denied' },
    });
  });

  it('is told in the words of the name that led to it', async () => {
    const outcome = await sendThrough({ granted: ['http://localhost:9'], privateNetworks: [] }, 'http://localhost:9/');
    expect(outcome).toMatchObject({
      error: { val: expect.stringMatching(/^localhost resolves to (127\.0\.0\.1|::1), which is not a public address/) },
    });
  });
});

describe('a name that cannot be resolved', () => {
  it('is unreachable', async () => {
    const outcome = await sendThrough({ granted: ['https://nowhere.invalid'] }, 'https://nowhere.invalid/');
    expect(outcome).toMatchObject({ ok: false, error: { tag: 'unreachable', val: expect.stringMatching(/ENOTFOUND|EAI_AGAIN/) } });
  });
});

describe('the record', () => {
  it('has one line for each request, sent or not, without query and fragment', async () => {
    const records: EgressRecord[] = [];
    await sendThrough({ granted: [upstream.origin], records }, `${upstream.origin}/a?token=x#y`, {
      method: 'POST',
      body: new Uint8Array(3),
    });
    await sendThrough({ granted: [], records }, `${upstream.origin}/b?c=d`);
    await sendThrough({ granted: [], records }, 'no url');
    expect(records).toEqual([
      {
        method: 'POST',
        origin: upstream.origin,
        path: '/a',
        outcome: '200',
        bytesOut: 3,
        bytesIn: 15,
        durationMs: expect.any(Number),
        reason: undefined,
      },
      {
        method: 'GET',
        origin: upstream.origin,
        path: '/b',
        outcome: 'denied',
        bytesOut: 0,
        bytesIn: 0,
        durationMs: expect.any(Number),
        reason: expect.stringContaining('not in the manifest'),
      },
      {
        method: 'GET',
        origin: '?',
        path: '?',
        outcome: 'invalid-request',
        bytesOut: 0,
        bytesIn: 0,
        durationMs: expect.any(Number),
        reason: 'url: not an absolute URL',
      },
    ]);
  });

  it('names no method but those that there are', async () => {
    const records: EgressRecord[] = [];
    await sendThrough({ granted: [upstream.origin], records }, upstream.origin, { method: `GET\r\n${'x'.repeat(10_000)}` });
    expect(records).toMatchObject([{ method: '?', outcome: 'invalid-request' }]);
  });
});
