import { describe, expect, test } from 'vitest';
import type { PageInput } from '../../../host/services/page.ts';
import { edge, jsonRequest } from '../../helpers/edge.ts';

const seen: { organisation: string; filter: { connection?: string }; page: PageInput }[] = [];
const { app } = edge({
  runs: {
    list: async (organisation, filter, page) => {
      seen.push({ organisation, filter, page });
      return { items: [], next: undefined };
    },
  },
  retrieval: { retrieve: async () => ({ hits: [], failures: [], missing: [], tookMs: 1 }) },
});

async function problemOf(path: string, init?: RequestInit): Promise<unknown> {
  const response = await app.request(path, init);
  expect(response.status).toBe(400);
  return response.json();
}

describe('query parameters', () => {
  test('have defaults', async () => {
    await app.request('/api/v1/runs');
    expect(seen.at(-1)).toEqual({ organisation: 'default', filter: {}, page: { limit: 50 } });
  });

  test('reach the service as what they are', async () => {
    await app.request('/api/v1/runs?organisation=acme&connection=c%201&limit=7&after=x%2By');
    expect(seen.at(-1)).toEqual({ organisation: 'acme', filter: { connection: 'c 1' }, page: { limit: 7, after: 'x+y' } });
  });

  test('that are unknown are refused with the nearest known name', async () => {
    expect(await problemOf('/api/v1/runs?organization=acme')).toMatchObject({
      code: 'INVALID_REQUEST',
      errors: [{ path: 'organization', reason: 'There is no such parameter.', remedy: 'Write "organisation", or remove it.' }],
    });
  });

  test('that are given twice are refused', async () => {
    expect(await problemOf('/api/v1/runs?organisation=a&organisation=b')).toMatchObject({
      errors: [{ path: 'organisation', reason: 'It is given more than once.' }],
    });
  });

  test.each(['0', '201', '-1', '1.5', '1e2', 'ten', '', '0x10', '99999999999999999999'])('limit=%s is refused', async (limit) => {
    expect(await problemOf(`/api/v1/runs?limit=${limit}`)).toMatchObject({
      errors: [{ path: 'limit', reason: 'It is not a whole number from 1 to 200.' }],
    });
  });

  test('are all reported at once', async () => {
    expect(await problemOf('/api/v1/runs?limit=x&organisation=&cursor=1')).toMatchObject({
      errors: [{ path: 'cursor' }, { path: 'organisation' }, { path: 'limit' }],
    });
  });
});

describe('the organisation of a retrieval', () => {
  test('may stand in the address or in the body', async () => {
    expect((await app.request('/api/v1/retrieve?organisation=a', jsonRequest('POST', { question: 'x', organisation: 'a' }))).status).toBe(
      200,
    );
    expect((await app.request('/api/v1/retrieve?organisation=a', jsonRequest('POST', { question: 'x' }))).status).toBe(200);
  });

  test('may not differ between the two', async () => {
    const init = jsonRequest('POST', { question: 'x', organisation: 'b' });
    expect(await problemOf('/api/v1/retrieve?organisation=a', init)).toMatchObject({ errors: [{ path: '/organisation' }] });
  });
});

describe('a body that does not fit its schema', () => {
  test.each([
    [{}, '', '"question" is missing.'],
    [{ question: 7 }, '/question', undefined],
    [{ question: 'x', k: 0 }, '/k', undefined],
    [{ question: 'x', k: 101 }, '/k', undefined],
    [{ question: 'x', k: 1.5 }, '/k', undefined],
    [{ question: 'x', datasources: [] }, '/datasources', undefined],
    [{ question: 'x', datasources: ['a', 'a'] }, '/datasources', undefined],
    [{ question: 'x', datasources: [1] }, '/datasources/0', undefined],
    [{ question: 'x', datasource: ['a'] }, '/datasource', '"datasource" is not known here.'],
    [{ question: 'x', organisation: 'Not An Id' }, '/organisation', undefined],
    [{ question: 'x'.repeat(8193) }, '/question', undefined],
  ])('%j is refused at %j', async (body, path, reason) => {
    const problem = await problemOf('/api/v1/retrieve', jsonRequest('POST', body));
    expect(problem).toMatchObject({
      code: 'INVALID_REQUEST',
      errors: [{ path, reason: reason ?? expect.any(String), remedy: expect.any(String) }],
    });
  });
});
