import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { headersFor } from '../../../host/capabilities/egress-headers.ts';
import type { EgressRecord } from '../../../host/capabilities/egress.ts';
import type { AttachRule } from '../../../host/domain/manifest.ts';
import { manifestWith } from '../../helpers/manifest.ts';
import { bodyOf, type EgressUnderTest, sendThrough } from '../../helpers/egress.ts';
import { startUpstream, type Upstream } from '../../helpers/upstream.ts';

const SECRET = 'ghp_16C7e42F292c6912E7710c838347Ae178B4a';

let upstream: Upstream;
let other: Upstream;

beforeAll(async () => {
  // Says what it was told, as plainly as a careless server can.
  upstream = await startUpstream((request, response) => {
    const token = request.headers.authorization ?? request.headers['x-api-key'] ?? 'none';
    const spelled = decodeURIComponent(new URL(request.url ?? '', 'http://x').search.slice(1)).replaceAll('{token}', String(token));
    response.setHeader('x-echo', String(token));
    response.end(spelled === '' ? JSON.stringify(request.headers) : spelled);
  });
  other = await startUpstream((request, response) => response.end(JSON.stringify(request.headers)));
});

afterAll(() => Promise.all([upstream.close(), other.close()]));

function bearer(parts: Partial<AttachRule> = {}): AttachRule {
  return { header: 'authorization', format: 'Bearer {secret}', origins: [], originsFromConfig: [], ...parts };
}

function withSecret(options: Partial<EgressUnderTest> = {}): EgressUnderTest {
  return { granted: [upstream.origin, other.origin], secret: SECRET, attach: [bearer({ origins: [upstream.origin] })], ...options };
}

/** What the server last got. */
function received(from: Upstream): Record<string, unknown> {
  return { ...from.requests.at(-1)?.headers };
}

describe('the credential', () => {
  it('goes to the origin that the manifest attaches it to, in its format', async () => {
    await sendThrough(withSecret(), upstream.origin);
    expect(received(upstream)).toMatchObject({ authorization: `Bearer ${SECRET}` });
  });

  it('goes to the origin that the config names, when the manifest says so', async () => {
    const attach = [bearer({ originsFromConfig: ['base_url'] })];
    await sendThrough(withSecret({ attach, config: { base_url: `${upstream.origin}/api` } }), upstream.origin);
    expect(received(upstream)).toMatchObject({ authorization: `Bearer ${SECRET}` });
    await sendThrough(withSecret({ attach, config: { base_url: `${upstream.origin}/api` } }), other.origin);
    expect(received(other)).not.toHaveProperty('authorization');
  });

  it.each<[string, AttachRule]>([
    ['that the rules do not name', bearer()],
    ['on another port than the rules name', bearer({ origins: ['http://127.0.0.1:1'] })],
    ['with another scheme than the rules name', bearer({ origins: ['https://127.0.0.1'] })],
  ])('never goes to an origin %s', async (_, rule) => {
    await sendThrough(withSecret({ attach: [rule] }), upstream.origin);
    expect(received(upstream)).not.toHaveProperty('authorization');
    expect(JSON.stringify(received(upstream))).not.toContain(SECRET);
  });

  it.each([
    ['https://a.example.com', true],
    ['http://a.example.com', false],
    ['http://named.example.com', true],
  ])('never goes in the clear to an origin that the operator has not spelled out: %s', (origin, goes) => {
    // A wildcard in the grant is no word on this very host.
    const granted = ['https://*.example.com', 'http://*.example.com', 'http://named.example.com'];
    const headers = headersFor({ method: 'GET', url: origin, headers: [], body: undefined, timeoutMs: undefined }, new URL(origin), {
      manifest: manifestWith({ auth: { type: 'api_key', requiredScopes: [], attach: [bearer({ origins: granted })] } }),
      grant: { http: { origins: granted, privateNetworks: [] }, storage: false, limits: {} },
      config: {},
      secret: SECRET,
    });
    expect('fields' in headers && headers.fields.has('authorization')).toBe(goes);
  });

  it.each(['line\r\nx-smuggled: 1', 'half\nline', 'a\0b-secret', 'wide \u010a text'])(
    'is not sent when no header can carry it: %j',
    async (secret) => {
      const before = upstream.requests.length;
      expect(await sendThrough(withSecret({ secret }), upstream.origin)).toEqual({
        ok: false,
        error: {
          tag: 'invalid-request',
          val: 'headers: the credential holds a character that no header can carry; an operator sets it again',
        },
      });
      expect(upstream.requests.length).toBe(before);
    },
  );

  it('is missing where the connection has none, and nothing stands in its place', async () => {
    const { secret, ...none } = withSecret();
    expect(secret).toBeDefined();
    await sendThrough(none, upstream.origin);
    expect(received(upstream)).not.toHaveProperty('authorization');
  });

  it('is put in as it is, whatever it means to a replacement', async () => {
    await sendThrough(withSecret({ secret: 'a$&b$1$$c{secret}' }), upstream.origin);
    expect(received(upstream)).toMatchObject({ authorization: 'Bearer a$&b$1$$c{secret}' });
  });

  it.each(['authorization', 'Authorization', 'AUTHORIZATION'])('cannot be set by the guest: %s', async (header) => {
    const send = (options: EgressUnderTest) => sendThrough(options, upstream.origin, { headers: { [header]: 'Bearer mine' } });
    const refused = {
      ok: false,
      error: { tag: 'invalid-request', val: 'headers: authorization carries the credential, which the host attaches' },
    };
    expect(await send(withSecret())).toEqual(refused);
    // Nor where it would not be attached, nor without one.
    expect(await send(withSecret({ attach: [bearer()] }))).toEqual(refused);
    const { secret: _, ...none } = withSecret();
    expect(await send(none)).toEqual(refused);
  });

  it("may travel in a header of the manifest's choice, several times over", async () => {
    const attach = [
      bearer({ header: 'x-api-key', format: '{secret}', origins: [upstream.origin] }),
      bearer({ format: 'Token {secret}', origins: [upstream.origin] }),
    ];
    await sendThrough(withSecret({ attach }), upstream.origin);
    expect(received(upstream)).toMatchObject({ 'x-api-key': SECRET, authorization: `Token ${SECRET}` });
  });
});

describe('a response that echoes the credential', () => {
  const spellings: [string, string][] = [
    ['as it is', SECRET],
    ['twice', `${SECRET}${SECRET}`],
    ['in the middle of a text', `a${SECRET}b`],
    ['in base64', Buffer.from(SECRET).toString('base64')],
    ['in base64url', Buffer.from(SECRET).toString('base64url')],
    ['in base64 behind one byte', Buffer.from(`:${SECRET}`).toString('base64')],
    ['in base64 behind two bytes', Buffer.from(`x:${SECRET}`).toString('base64')],
    ['in base64 behind its scheme', Buffer.from(`Bearer ${SECRET}`).toString('base64')],
    ['in base64 before something', Buffer.from(`${SECRET}:x`).toString('base64')],
    ['in base64 between two things', Buffer.from(`user:${SECRET}:more`).toString('base64')],
  ];

  it.each(spellings)('comes without it: %s', async (_, spelled) => {
    const body = bodyOf(await sendThrough(withSecret(), `${upstream.origin}/?${encodeURIComponent(`before ${spelled} after`)}`));
    expect(body).toContain('[secret]');
    expect(body.startsWith('before ')).toBe(true);
    expect(body.endsWith(' after')).toBe(true);
    expect(spelledIn(body)).toEqual([]);
  });

  it('comes without it in its headers', async () => {
    const outcome = await sendThrough(withSecret(), upstream.origin);
    expect(outcome.ok && outcome.response.headers).toContainEqual({ name: 'x-echo', value: 'Bearer [secret]' });
    expect(bodyOf(outcome)).toContain('Bearer [secret]');
    expect(JSON.stringify(outcome)).not.toContain(SECRET);
  });

  it.each([
    ['percent-encoded', `a/b c+d&e=f\\g"h!i'j(k)l*m~n`, (secret: string) => encodeURIComponent(secret)],
    ['percent-encoded in lower case', `a/b c+d&e=f\\g"h!i'j(k)l*m~n`, (secret: string) => encodeURIComponent(secret).toLowerCase()],
    ['as JSON', 'a/b"c\\d\u00e9x', (secret: string) => JSON.stringify(secret).slice(1, -1)],
    ['percent-encoded as RFC 3986 has it', "a!b'c(d)e*f~g", (secret: string) => percentOf(secret)],
    ['percent-encoded as RFC 3986 has it, in lower case', "a!b'c(d)e*f~g", (secret: string) => percentOf(secret).toLowerCase()],
    ['in a form', 'a b+c~d!e', (secret: string) => new URLSearchParams({ x: secret }).toString().slice(2)],
    ['as JSON of ASCII alone', 'p\u00e4ss/w\u00f6rt&<', (secret: string) => escaped(secret, /[^ -~]/g)],
    [
      'as JSON of ASCII alone, in upper case',
      'p\u00fass"w\u00fart',
      (secret: string) => escaped(JSON.stringify(secret).slice(1, -1), /[^ -~]/g).replaceAll('fa', 'FA'),
    ],
    ['as JSON with slashes escaped', 'abc/def"ghi', (secret: string) => JSON.stringify(secret).slice(1, -1).replaceAll('/', '\\/')],
    ['as JSON that minds pages', `a&b<c>d"e'f+g`, (secret: string) => escaped(JSON.stringify(secret).slice(1, -1), /[&<>]/g)],
    [
      'as JSON that minds pages, in upper case',
      `a&b<c>d"e'f+g`,
      (secret: string) => escaped(secret, /[&<>'"+]/g).replaceAll(/u00../g, (code) => code.toUpperCase().replace('U', 'u')),
    ],
    ['in a page', `a&b<c>d"e'f`, (secret: string) => htmlOf(secret, '&quot;', '&#39;')],
    ['in a page, with numbers for quotes', `a&b<c>d"e'f`, (secret: string) => htmlOf(secret, '&#34;', '&#x27;')],
    ['in a page, with quotes as they are', `a&b<c>d"e'f`, (secret: string) => htmlOf(secret, '"', "'")],
    ['in hexadecimal digits', SECRET, (secret: string) => Buffer.from(secret).toString('hex')],
    ['in hexadecimal digits, in upper case', SECRET, (secret: string) => Buffer.from(secret).toString('hex').toUpperCase()],
    ['that is not ASCII', 'p\u00e4ssw\u00f6rt', (secret: string) => secret],
  ])('comes without it: %s', async (_, secret, spell) => {
    // Attached nowhere: the server is told by the request what to say.
    const body = bodyOf(
      await sendThrough(
        withSecret({ secret, attach: [bearer()] }),
        `${upstream.origin}/?${encodeURIComponent(`before ${spell(secret)} after`)}`,
      ),
    );
    expect(body).toBe('before [secret] after');
  });

  it.each([
    ['base64', 'xx?xx>xx~xx?'],
    ['base64url', 'xx?xx>xx~xx?'],
  ] as const)('comes without it where that alphabet has other signs: %s', async (encoding, secret) => {
    const spelled = Buffer.from(secret).toString(encoding);
    expect(spelled).toMatch(/[+/_-]/);
    const body = bodyOf(
      await sendThrough(withSecret({ secret, attach: [bearer()] }), `${upstream.origin}/?${encodeURIComponent(spelled)}`),
    );
    expect(body).toBe('[secret]');
  });

  it.each(['utf8', 'hex', 'base64'] as const)('comes without it when the bytes that were sent are given back: %s', async (encoding) => {
    const raw = await startUpstream((request, response) => {
      const bytes = Buffer.from(String(request.headers.authorization), 'latin1');
      response.setHeader('x-utf8', Buffer.from('p\u00e4ssw\u00f6rt').toString('latin1'));
      response.end(encoding === 'utf8' ? bytes : Buffer.from(bytes.toString(encoding)));
    });
    const secret = 'p\u00e4ssw\u00f6rt';
    const outcome = await sendThrough(
      withSecret({ granted: [raw.origin], attach: [bearer({ origins: [raw.origin] })], secret }),
      raw.origin,
    );
    await raw.close();
    expect(bodyOf(outcome)).toContain('[secret]');
    expect(outcome.ok && outcome.response.headers).toContainEqual({ name: 'x-utf8', value: '[secret]' });
  });

  it('comes without it in the name of a header', async () => {
    const secret = 'lower-case-token';
    const echo = await startUpstream((_, response) => response.setHeader(`x-${secret}`, 'x').end());
    const outcome = await sendThrough(withSecret({ granted: [echo.origin], secret }), echo.origin);
    await echo.close();
    expect(outcome.ok && outcome.response.headers).toContainEqual({ name: 'x-[secret]', value: 'x' });
  });

  it('comes without the password alone, where user and password are the credential', async () => {
    const attach = [bearer({ format: 'Basic {secret}', encoding: 'base64', origins: [upstream.origin] })];
    const outcome = await sendThrough(withSecret({ secret: 'somebody:correct-horse', attach }), `${upstream.origin}/?correct-horse`);
    expect(received(upstream)).toMatchObject({ authorization: `Basic ${Buffer.from('somebody:correct-horse').toString('base64')}` });
    expect(bodyOf(outcome)).toBe('[secret]');
  });

  it('costs the host no more time for a credential and a body that were made to', async () => {
    const secret = `${'a'.repeat(4_000)}b${'a'.repeat(4_000)}`;
    const mean = await startUpstream((_, response) => response.end(Buffer.alloc(4 * 1024 * 1024, 'a')));
    const beganMs = process.cpuUsage().user / 1_000;
    const outcome = await sendThrough(withSecret({ granted: [mean.origin], secret, attach: [bearer()] }), mean.origin);
    await mean.close();
    expect(outcome.ok && outcome.response.body.byteLength).toBe(4 * 1024 * 1024);
    expect(process.cpuUsage().user / 1_000 - beganMs).toBeLessThan(2_000);
  });

  it('that only looks like it is left alone', async () => {
    const text = `${SECRET.slice(0, -1)} ${SECRET.toLowerCase()}`;
    expect(bodyOf(await sendThrough(withSecret(), `${upstream.origin}/?${encodeURIComponent(text)}`))).toBe(text);
  });

  it('is left alone when the credential is shorter than any real one', async () => {
    expect(bodyOf(await sendThrough(withSecret({ secret: 'abc' }), `${upstream.origin}/?abcabc`))).toBe('abcabc');
  });

  it('keeps the bytes around it', async () => {
    const raw = await startUpstream((_, response) =>
      response.end(Buffer.concat([Uint8Array.of(0, 255, 254), Buffer.from(SECRET), Uint8Array.of(128, 0)])),
    );
    const outcome = await sendThrough(withSecret({ granted: [raw.origin] }), raw.origin);
    await raw.close();
    expect(outcome.ok && Buffer.from(outcome.response.body)).toEqual(
      Buffer.concat([Uint8Array.of(0, 255, 254), Buffer.from('[secret]'), Uint8Array.of(128, 0)]),
    );
  });

  it('leaves none in the record', async () => {
    const records: EgressRecord[] = [];
    await sendThrough(withSecret({ records }), `${upstream.origin}/${SECRET}/x?y`);
    await sendThrough(withSecret({ records, secret: 'lower-case-token' }), 'https://lower-case-token.example.com/');
    expect(records).toMatchObject([
      { path: '/[secret]/x' },
      { origin: 'https://[secret].example.com', reason: expect.stringContaining('https://[secret].example.com is not in the manifest') },
    ]);
    expect(JSON.stringify(records)).not.toContain('lower-case-token');
  });
});

/** Whatever of the credential can be read back out of a text, as base64 at any alignment too. */
function spelledIn(text: string): string[] {
  const decoded = [0, 1, 2, 3].flatMap((at) =>
    text.split(/[^A-Za-z0-9+/_-]/).map((part) => Buffer.from(part.slice(at), 'base64').toString('latin1')),
  );
  const known = SECRET.slice(3, -3);
  return [text, ...decoded].filter((candidate) => candidate.includes(known));
}

function percentOf(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

function escaped(text: string, odd: RegExp): string {
  return text.replaceAll(odd, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function htmlOf(text: string, quote: string, apostrophe: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', quote).replaceAll("'", apostrophe);
}
