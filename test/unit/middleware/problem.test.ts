import { describe, expect, test } from 'vitest';
import { errorCodes, RequestError } from '../../../host/domain/errors.ts';
import { PROBLEM_KINDS } from '../../../host/middleware/problem.ts';
import { strictApiSchemas } from '../../helpers/api-schema.ts';
import { edge, INTERNAL_TEXT } from '../../helpers/edge.ts';

const faults = strictApiSchemas();

describe('every error code', () => {
  test.each(errorCodes())('%s becomes a problem that fits its schema', async (code) => {
    const problems = [{ path: '/a', reason: 'It is wrong.', remedy: 'Mend it.' }];
    const { app } = edge({
      organisations: {
        list: async () => {
          throw new RequestError(code, 'What is wrong.', { remedy: 'Mend it.', problems, cause: new Error('inner secret') });
        },
      },
    });
    const response = await app.request('/api/v1/organisations');
    const body: unknown = await response.json();
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(response.status).toBe(PROBLEM_KINDS[code].status);
    expect(faults('Problem', body)).toEqual([]);
    expect(body).toMatchObject({ code, status: response.status, detail: 'What is wrong.', remedy: 'Mend it.', errors: problems });
    expect(body).toMatchObject({ type: `/reference#${code}`, requestId: response.headers.get('x-request-id') });
    expect(JSON.stringify(body)).not.toContain('inner secret');
  });

  test('has a title of its own', () => {
    const titles = Object.values(PROBLEM_KINDS).map(({ title }) => title);
    expect(new Set(titles).size).toBe(titles.length);
  });
});

describe('what nobody meant to throw', () => {
  test.each([
    ['an Error', new Error('password is hunter2')],
    ['a text', 'password is hunter2'],
    ['nothing', undefined],
  ])('%s becomes INTERNAL and says nothing of itself', async (_name, thrown) => {
    const { app, logged } = edge({
      organisations: {
        list: async () => {
          throw thrown;
        },
      },
    });
    const response = await app.request('/api/v1/organisations');
    const text = await response.text();
    expect(response.status).toBe(500);
    expect(JSON.parse(text)).toMatchObject({ code: 'INTERNAL', requestId: response.headers.get('x-request-id') });
    expect(text).not.toMatch(/hunter2|\.ts|node_modules/);
    expect(logged()).toContain('request failed');
  });

  test('is in the log with its cause and the id of the request', async () => {
    const { app, logged } = edge();
    const response = await app.request('/api/v1/organisations', { headers: { 'x-request-id': 'seen-by-caller' } });
    expect(response.headers.get('x-request-id')).toBe('seen-by-caller');
    const line =
      logged()
        .split('\n')
        .find((text) => text.includes(INTERNAL_TEXT)) ?? '{}';
    expect(JSON.parse(line)).toMatchObject({ level: 'error', requestId: 'seen-by-caller', error: { message: INTERNAL_TEXT } });
  });
});

test.each(['bad id', 'a'.repeat(65), 'x;y'])("a caller's own request id %j is not repeated", async (id) => {
  const response = await edge().app.request('/healthz', { headers: { 'x-request-id': id } });
  expect(response.headers.get('x-request-id')).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
});

test('an address without a route is NOT_FOUND', async () => {
  const response = await edge().app.request('/api/v1/nothing');
  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({ code: 'NOT_FOUND', detail: 'Nothing is at /api/v1/nothing.' });
});

test.each([
  ['PUT', '/api/v1/connections/x', 'GET, HEAD, PATCH, DELETE'],
  ['OPTIONS', '/api/v1/retrieve', 'POST'],
  ['GET', '/api/v1/retrieve', 'POST'],
  ['POST', '/reference', 'GET, HEAD'],
  ['DELETE', '/healthz', 'GET, HEAD'],
])('%s %s is METHOD_NOT_ALLOWED and says what is allowed', async (method, path, allow) => {
  const response = await edge().app.request(path, { method });
  expect(response.status).toBe(405);
  expect(response.headers.get('allow')).toBe(allow);
  expect(await response.json()).toMatchObject({ code: 'METHOD_NOT_ALLOWED' });
});

test('HEAD answers as GET does, without a body', async () => {
  const response = await edge().app.request('/healthz', { method: 'HEAD' });
  expect(response.status).toBe(200);
  expect(await response.text()).toBe('');
});

test('a host that is not ready says which check failed', async () => {
  const checks = [
    { name: 'store', ok: false, detail: 'does not answer' },
    { name: 'sandbox', ok: true, detail: 'ready' },
  ];
  const response = await edge({ health: { ready: async () => ({ ready: false, checks }) } }).app.request('/readyz');
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toBe('1');
  expect(await response.json()).toMatchObject({ code: 'NOT_READY', errors: [{ path: 'store', reason: 'does not answer' }] });
});
