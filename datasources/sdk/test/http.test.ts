import { describe, expect, it } from 'vitest';
import { expectOk, http, type Response } from '../index.ts';
import { useTestHost, type TestRequest, type TestResponse } from '../testing/index.ts';
import { failureOf } from './failure-of.ts';

function answering(respond: (request: TestRequest) => TestResponse) {
  return useTestHost({ respond });
}

function failing(error: unknown) {
  return useTestHost({
    respond: () => {
      throw error;
    },
  });
}

function answer(status: number, headers: Record<string, string> = {}, json: unknown = { message: 'Why' }): Response {
  answering(() => ({ status, headers, json }));
  return http.get('https://a.example/x?key=private', { redirect: 'manual' });
}

function nextCursor(response: Response): { cursor: string } | undefined {
  const cursor = response.json<{ next?: string }>().next;
  return cursor === undefined ? undefined : { cursor };
}

describe('http', () => {
  it('sends method, query, headers and JSON, and reads the answer', () => {
    const host = answering(() => ({ status: 201, headers: { 'X-Kind': 'note' }, json: { id: 'ä' } }));
    const response = http.post('https://api.example/notes?a=1&b=2', {
      query: { b: 'x y&z', tag: ['é', 'f'], skipped: undefined, on: true },
      headers: { accept: 'application/json', 'x-none': undefined },
      json: { title: 'Grüße' },
    });
    expect(host.requests).toEqual([
      {
        method: 'POST',
        url: 'https://api.example/notes?a=1&b=x%20y%26z&tag=%C3%A9&tag=f&on=true',
        headers: { accept: 'application/json', 'content-type': 'application/json' },
        body: new TextEncoder().encode('{"title":"Grüße"}'),
      },
    ]);
    expect(response).toMatchObject({ status: 201, ok: true, url: 'https://api.example/notes?a=1&b=x%20y%26z&tag=%C3%A9&tag=f&on=true' });
    expect(response.headers.get('x-KIND')).toBe('note');
    expect(response.headers.get('x-other')).toBeUndefined();
    expect(response.json<{ id: string }>()).toEqual({ id: 'ä' });
    expect(response.bytes()).toEqual(new TextEncoder().encode(response.text()));
  });

  it('builds on a base URL and its headers', () => {
    const host = answering(() => ({}));
    const api = http.at('https://git.example/api/v3/', { accept: 'application/json' });
    api.get('/repos/a?x=1', { headers: { 'x-more': '1' } });
    api.at('repos').get('b');
    api.get('https://other.example/c');
    expect(host.requests.map(({ url }) => url)).toEqual([
      'https://git.example/api/v3/repos/a?x=1',
      'https://git.example/api/v3/repos/b',
      'https://other.example/c',
    ]);
    expect(host.requests[0]?.headers).toEqual({ accept: 'application/json', 'x-more': '1' });
  });

  it('follows redirects of GET, not of POST, and not for ever', () => {
    const host = answering(({ url }) => (url.endsWith('/old') ? { status: 301, headers: { location: '/new' } } : { body: 'here' }));
    expect(http.get('https://a.example/old')).toMatchObject({ status: 200, url: 'https://a.example/new' });
    expect(http.get('https://a.example/old', { redirect: 'manual' }).status).toBe(301);
    expect(http.post('https://a.example/old').status).toBe(301);
    expect(host.requests).toHaveLength(4);
    answering(() => ({ status: 302, headers: { location: '/round' } }));
    expect(failureOf(() => http.get('https://a.example/round'))).toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('more than 5 times'),
    });
  });

  it('names the request when an answer is no JSON', () => {
    answering(() => ({ body: '<html>' }));
    expect(failureOf(() => http.get('https://a.example/x?key=private').json())).toMatchObject({
      kind: 'failed',
      message: 'https://a.example/x answered something that is no JSON: "<html>".',
    });
  });

  it.each([
    [{ tag: 'timed-out' }, 'unavailable', /in time/],
    [{ tag: 'unreachable', val: 'no such name' }, 'unavailable', /no such name/],
    [{ tag: 'budget-spent', val: 5000 }, 'throttled', /budget/],
    [{ tag: 'denied', val: 'grant https://a.example' }, 'forbidden', /grant https/],
    [{ tag: 'invalid-request', val: 'header host' }, 'failed', /header host/],
    [{ tag: 'too-large', val: { maxBytes: 10 } }, 'failed', /larger/],
    [new Error('odd'), 'failed', /odd/],
  ])('turns %o into %s', (error, kind, message) => {
    failing(error);
    expect(failureOf(() => http.get('https://a.example/x?key=private'))).toMatchObject({ kind, message: expect.stringMatching(message) });
    expect(failureOf(() => http.get('https://a.example/x?key=private')).message).not.toContain('private');
  });

  it('keeps how long a budget is spent', () => {
    failing({ tag: 'budget-spent', val: 5000 });
    expect(failureOf(() => http.get('https://a.example')).failure).toMatchObject({ tag: 'throttled', val: { retryAfterMs: 5000 } });
  });
});

describe('expectOk()', () => {
  it('hands a good response on', () => {
    const response = answer(204);
    expect(expectOk(response)).toBe(response);
  });

  it('hands on what is accepted', () => {
    expect(expectOk(answer(304), { accept: [304, 404] }).status).toBe(304);
  });

  it.each([
    [401, {}, 'unauthorized'],
    [403, {}, 'forbidden'],
    [403, { 'x-ratelimit-remaining': '41' }, 'forbidden'],
    [403, { 'retry-after': '7' }, 'throttled'],
    [403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '7' }, 'throttled'],
    [429, {}, 'throttled'],
    [429, { 'retry-after': '7' }, 'throttled'],
    [408, {}, 'unavailable'],
    [500, {}, 'unavailable'],
    [502, { 'retry-after': '7' }, 'unavailable'],
    [503, {}, 'unavailable'],
    [503, { 'retry-after': '7' }, 'throttled'],
    [302, { location: '/y' }, 'failed'],
    [400, {}, 'failed'],
    [404, {}, 'failed'],
  ])('turns %i with %o into %s', (status, headers, kind) => {
    const failure = failureOf(() => expectOk(answer(status, headers)));
    expect(failure.kind).toBe(kind);
    expect(failure.message).toBe(`https://a.example/x answered ${status}: "Why".`);
  });

  it('waits as long as the source asks, a minute when it does not say', () => {
    expect(failureOf(() => expectOk(answer(429, { 'retry-after': '7' }))).failure).toMatchObject({ val: { retryAfterMs: 7000 } });
    expect(failureOf(() => expectOk(answer(429))).failure).toMatchObject({ val: { retryAfterMs: 60_000 } });
  });

  it('says nothing about a body that is no JSON object', () => {
    expect(failureOf(() => expectOk(answer(500, {}, ['x']))).message).toBe('https://a.example/x answered 500.');
  });
});

describe('http.pages()', () => {
  it('follows next links to the last page, each fetched when it is asked for', () => {
    const host = answering(({ url }) => {
      const page = Number(new URL(url).searchParams.get('page') ?? 1);
      return { json: [page], headers: page < 3 ? { link: `</list?page=${page + 1}&per=2>; rel="next", </list?page=1>; rel="first"` } : {} };
    });
    const pages = http.pages('https://a.example/list', { query: { per: 2 } });
    expect(pages.next().value?.json()).toEqual([1]);
    expect(host.requests).toHaveLength(1);
    expect([...pages].map((response) => response.json())).toEqual([[2], [3]]);
    expect(host.requests.map(({ url }) => url)).toEqual([
      'https://a.example/list?per=2',
      'https://a.example/list?page=2&per=2',
      'https://a.example/list?page=3&per=2',
    ]);
  });

  it('follows cursors', () => {
    const host = answering(({ url }) => ({ json: { next: { '': 'b', b: 'c' }[new URL(url).searchParams.get('cursor') ?? ''] } }));
    expect([...http.pages('https://a.example/list?limit=5', { next: nextCursor })]).toHaveLength(3);
    expect(host.requests.map(({ url }) => url)).toEqual([
      'https://a.example/list?limit=5',
      'https://a.example/list?limit=5&cursor=b',
      'https://a.example/list?limit=5&cursor=c',
    ]);
  });

  it('sends the headers with every page', () => {
    const host = answering(({ url }) => ({ headers: url.endsWith('2') ? {} : { link: '</p?page=2>; rel=next' } }));
    expect([...http.pages('https://a.example/p', { headers: { accept: 'x/y' } })]).toHaveLength(2);
    expect(host.requests.map(({ headers }) => headers.accept)).toEqual(['x/y', 'x/y']);
  });

  it('ends at a page that names itself as the next one', () => {
    answering(() => ({ headers: { link: '</list>; rel="next"' } }));
    expect([...http.pages('https://a.example/list')]).toHaveLength(1);
  });

  it('hands out an accepted status as the last page and throws for others', () => {
    answering(() => ({ status: 304, headers: { link: '</list?page=2>; rel="next"' } }));
    expect([...http.pages('https://a.example/list', { accept: [304] })].map(({ status }) => status)).toEqual([304]);
    expect(failureOf(() => [...http.pages('https://a.example/list')]).kind).toBe('failed');
  });
});
