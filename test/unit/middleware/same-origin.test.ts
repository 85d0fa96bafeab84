import { describe, expect, test } from 'vitest';
import { edge, jsonRequest } from '../../helpers/edge.ts';

const { app } = edge({ retrieval: { retrieve: async () => ({ hits: [], failures: [], missing: [], tookMs: 0 }) } }, ['lorelai.example']);

async function post(headers: Record<string, string>): Promise<number> {
  const request = jsonRequest('POST', { question: 'x' });
  const response = await app.request('http://127.0.0.1:8787/api/v1/retrieve', {
    ...request,
    headers: { 'content-type': 'application/json', ...headers },
  });
  return response.status;
}

describe('the Host header', () => {
  test.each(['127.0.0.1:8787', 'localhost', 'LOCALHOST:1', '[::1]:8787', '127.9.9.9', 'lorelai.example', 'Lorelai.Example:443'])(
    '%s is answered for',
    async (host) => {
      expect(await post({ host })).toBe(200);
    },
  );

  test.each([
    'evil.example',
    'evil.example:8787',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '10.0.0.1',
    '0x7f.1',
    '2130706433',
    '',
    'a b',
    '127.0.0.1@evil.example',
    '[::2]',
  ])('%j is FORBIDDEN_HOST, for reading too', async (host) => {
    expect(await post({ host })).toBe(403);
    const read = await app.request('http://127.0.0.1/reference', { headers: { host } });
    expect(read.status).toBe(403);
    expect(await read.json()).toMatchObject({ code: 'FORBIDDEN_HOST' });
  });
});

describe('a page in a browser', () => {
  const host = '127.0.0.1:8787';

  test('of this host may change something', async () => {
    expect(await post({ host, origin: 'http://127.0.0.1:8787', 'sec-fetch-site': 'same-origin' })).toBe(200);
  });

  test.each([
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: 'http://127.0.0.1:3000' },
    { origin: 'http://localhost:8787' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'http://127.0.0.1:8787', 'sec-fetch-site': 'cross-site' },
  ])('of another origin may not: %j', async (headers) => {
    expect(await post({ host, ...headers })).toBe(403);
  });

  test('of another origin may follow a link to a page', async () => {
    const response = await app.request('http://127.0.0.1:8787/reference', { headers: { host, 'sec-fetch-site': 'cross-site' } });
    expect(response.status).toBe(200);
  });

  test('cannot cancel a run with a form', async () => {
    const response = await app.request('http://127.0.0.1:8787/api/v1/runs/x/cancel', {
      method: 'POST',
      headers: { host, origin: 'https://evil.example' },
    });
    expect(response.status).toBe(403);
  });
});

test.each(['/healthz', '/reference', '/nothing', '/api/v1/retrieve'])(
  '%s is answered with headers that keep browsers careful',
  async (path) => {
    const { headers } = await app.request(path);
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('content-security-policy')).not.toContain('unsafe');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
    expect(headers.get('access-control-allow-origin')).toBeNull();
  },
);
