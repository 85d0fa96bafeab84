import { createHmac } from 'node:crypto';
import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import type { IncomingDelivery, WebhookProof } from '../../../../host/domain/webhook.ts';
import { checkProof, queryHash } from '../../../../host/services/connections/webhook-proof.ts';

const NOW_MS = Date.UTC(2026, 10, 23);

const GITHUB: WebhookProof = {
  scheme: 'hmac',
  header: 'x-hub-signature-256',
  prefix: 'sha256=',
  encoding: 'hex',
  signs: '{body}',
  timestampHeader: undefined,
  maxAgeMs: 300_000,
};
const SLACK: WebhookProof = {
  ...GITHUB,
  header: 'x-slack-signature',
  prefix: 'v0=',
  signs: 'v0:{timestamp}:{body}',
  timestampHeader: 'x-slack-request-timestamp',
};

function delivery(body: string, headers: Record<string, string> = {}, address = 'https://host.example/hooks/01'): IncomingDelivery {
  const url = new URL(address);
  return {
    method: 'POST',
    path: url.pathname,
    query: url.searchParams,
    headers: new Map(Object.entries(headers)),
    body: new TextEncoder().encode(body),
  };
}

const reasonOf = (verdict: Awaited<ReturnType<typeof checkProof>>): string => (verdict.ok ? 'accepted' : verdict.reason);

describe('a keyed hash', () => {
  // The example of GitHub's documentation ("Validating webhook deliveries").
  const signature = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';
  const secret = "It's a Secret to Everybody";

  it('accepts what GitHub signed', async () => {
    const verdict = await checkProof(GITHUB, secret, delivery('Hello, World!', { 'x-hub-signature-256': signature }), NOW_MS);
    expect(verdict.ok).toBe(true);
  });

  it.each([
    ['another body', delivery('Hello, World?', { 'x-hub-signature-256': signature }), 'the signature does not fit the body'],
    ['no signature', delivery('Hello, World!'), 'the header x-hub-signature-256 is missing'],
    [
      'the hash of another scheme',
      delivery('Hello, World!', { 'x-hub-signature-256': signature.replace('sha256', 'sha1') }),
      'the header x-hub-signature-256 does not begin with "sha256="',
    ],
    ['an empty signature', delivery('Hello, World!', { 'x-hub-signature-256': 'sha256=' }), 'the signature does not fit the body'],
    [
      'the same hash spelt in capitals',
      delivery('Hello, World!', { 'x-hub-signature-256': `sha256=${signature.slice(7).toUpperCase()}` }),
      'the signature does not fit the body',
    ],
  ])('refuses %s', async (_, sent, reason) => {
    expect(reasonOf(await checkProof(GITHUB, secret, sent, NOW_MS))).toBe(reason);
  });

  it('knows a copy of a delivery whatever unsigned headers it carries', async () => {
    const one = await checkProof(
      GITHUB,
      secret,
      delivery('Hello, World!', { 'x-hub-signature-256': signature, 'x-github-delivery': '1' }),
      NOW_MS,
    );
    const copy = await checkProof(
      GITHUB,
      secret,
      delivery('Hello, World!', { 'x-hub-signature-256': signature, 'x-github-delivery': '2' }),
      NOW_MS,
    );
    expect(copy).toEqual(one);
  });

  it('reads base64 where the source writes it', async () => {
    const hash = createHmac('sha256', 'k').update('b').digest('base64');
    const proof: WebhookProof = { ...GITHUB, encoding: 'base64', prefix: '' };
    expect((await checkProof(proof, 'k', delivery('b', { 'x-hub-signature-256': hash }), NOW_MS)).ok).toBe(true);
  });

  it('hashes bytes, not text', async () => {
    const body = Uint8Array.of(0xff, 0x00, 0x80);
    const hash = createHmac('sha256', 'k').update(body).digest('hex');
    const sent = { ...delivery('', { 'x-hub-signature-256': `sha256=${hash}` }), body };
    expect((await checkProof(GITHUB, 'k', sent, NOW_MS)).ok).toBe(true);
  });
});

describe('a keyed hash with a timestamp', () => {
  // The example of Slack's documentation ("Verifying requests from Slack").
  const body =
    'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA' +
    '&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554' +
    '%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c';
  const secret = '8f742231b10e8888abcd99yyyzzz85a5';
  const signature = 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503';
  const signedAtMs = 1_531_420_618_000;
  const sent = delivery(body, { 'x-slack-signature': signature, 'x-slack-request-timestamp': '1531420618' });

  it('accepts what Slack signed', async () => {
    expect(reasonOf(await checkProof(SLACK, secret, sent, signedAtMs + 299_000))).toBe('accepted');
  });

  it.each([-301_000, 301_000])('refuses it %i ms away', async (offsetMs) => {
    expect(reasonOf(await checkProof(SLACK, secret, sent, signedAtMs + offsetMs))).toBe(
      'it was signed more than 300 seconds away from now',
    );
  });

  it.each(['1531420619', '', '1e9', '{body}', '-1'])('refuses the timestamp %j', async (timestamp) => {
    const altered = delivery(body, { 'x-slack-signature': signature, 'x-slack-request-timestamp': timestamp });
    expect((await checkProof(SLACK, secret, altered, signedAtMs)).ok).toBe(false);
  });
});

describe('a token', () => {
  it('in a header is compared whole', async () => {
    const proof: WebhookProof = { scheme: 'header_token', header: 'x-goog-channel-token' };
    expect(reasonOf(await checkProof(proof, 's3cret', delivery('', { 'x-goog-channel-token': 's3cret' }), NOW_MS))).toBe('accepted');
    expect((await checkProof(proof, 's3cret', delivery('', { 'x-goog-channel-token': 's3cre' }), NOW_MS)).ok).toBe(false);
    expect((await checkProof(proof, 's3cret', delivery(''), NOW_MS)).ok).toBe(false);
  });

  it.each([
    ['in every item', '{"value":[{"clientState":"s"},{"clientState":"s"}]}', true],
    ['in one item only', '{"value":[{"clientState":"s"},{"clientState":"t"}]}', false],
    ['missing in one', '{"value":[{"clientState":"s"},{}]}', false],
    ['in no item', '{"value":[]}', false],
    ['as another type', '{"value":[{"clientState":["s"]}]}', false],
    ['of the prototype', '{"value":[{"__proto__":{"clientState":"s"}}]}', false],
    ['in a body that is no JSON', 'clientState=s', false],
    ['in no list', '{"value":{"clientState":"s"}}', false],
  ])('in the body, %s', async (_, body, ok) => {
    const proof: WebhookProof = { scheme: 'body_token', path: '/value/*/clientState' };
    expect((await checkProof(proof, 's', delivery(body), NOW_MS)).ok).toBe(ok);
  });

  it('at more places than a source names is refused, whatever stands there, before any is compared', async () => {
    const proof: WebhookProof = { scheme: 'body_token', path: '/*/*' };
    expect(reasonOf(await checkProof(proof, 's', delivery(rowsOfTokens(100)), NOW_MS))).toBe('accepted');
    const beganMs = process.cpuUsage().user / 1_000;
    expect(reasonOf(await checkProof(proof, 's', delivery(rowsOfTokens(10_000)), NOW_MS))).toBe(
      'there are more than 10000 tokens at /*/* of the body',
    );
    expect(process.cpuUsage().user / 1_000 - beganMs).toBeLessThan(1_000);
  });
});

describe('a JSON Web Token', () => {
  const proof: WebhookProof = { scheme: 'jwt', header: 'authorization', prefix: 'JWT ', maxAgeMs: 300_000 };
  const secret = 'a shared secret of some length, 32+';
  const at = NOW_MS / 1_000;
  const sign = (claims: Record<string, unknown>, key = secret, alg = 'HS256'): Promise<string> =>
    new SignJWT({ iss: 'client', iat: at, exp: at + 180, ...claims }).setProtectedHeader({ alg }).sign(new TextEncoder().encode(key));
  const check = async (token: string): Promise<string> =>
    reasonOf(
      await checkProof(proof, secret, delivery('{}', { authorization: `JWT ${token}` }, 'https://host.example/hooks/01?b=2&a=1'), NOW_MS),
    );

  it('signed with the secret is accepted', async () => {
    expect(await check(await sign({}))).toBe('accepted');
  });

  it('bound to this address is accepted, to another refused', async () => {
    const query = new URLSearchParams('a=1&b=2');
    expect(await check(await sign({ qsh: queryHash({ method: 'POST', path: '/hooks/01', query }) }))).toBe('accepted');
    expect(await check(await sign({ qsh: queryHash({ method: 'POST', path: '/hooks/02', query }) }))).toBe(
      'the token is for another address',
    );
  });

  it.each([
    ['signed with another secret', () => sign({}, 'another secret of the same length!!')],
    ['run out', () => sign({ iat: at - 400, exp: at - 100 })],
    ['made too long ago, whatever it says of its end', () => sign({ iat: at - 4_000, exp: at + 4_000 })],
    ['without an end', () => sign({ exp: undefined })],
    ['signed with an algorithm that the scheme does not name', () => sign({}, secret, 'HS512')],
    ['without a signature', () => Promise.resolve('eyJhbGciOiJub25lIn0.eyJpYXQiOjF9.')],
    ['that is none', () => Promise.resolve('x')],
  ])('%s is refused', async (_, token) => {
    expect(await check(await token())).not.toBe('accepted');
  });
});

/** So many lists of a hundred. */
function rowsOfTokens(count: number): string {
  return JSON.stringify(Array.from({ length: count }, () => Array.from({ length: 100 }, () => 's')));
}
