import { describe, expect, it } from 'vitest';
import {
  account,
  allOf,
  anyOf,
  checkpointExpired,
  defineDatasource,
  domain,
  email,
  everyone,
  failed,
  forbidden,
  group,
  invalidConfig,
  throttled,
  unauthorized,
  unavailable,
  type Document,
  type Source,
} from '../index.ts';
import { testContext, useTestHost } from '../testing/index.ts';
import { FEATURES, manifest } from './example.ts';
import { caseOf } from './failure-of.ts';

const CONTEXT = testContext({ config: { base_url: 'https://a.example' }, features: FEATURES });
const DOCUMENT: Document = {
  id: '1',
  title: 'One',
  link: 'https://a.example/1',
  mediaType: 'text/plain',
  content: 'Grüße',
  access: everyone(),
};

/** A datasource whose `read` of issues gives back this, typed as if an author had cast it. */
function returning(result: unknown): Source {
  return reading(() => result);
}

function reading(read: (state: unknown) => unknown): Source {
  useTestHost();
  const features: unknown = {
    issues: { read: (_connection: unknown, _settings: unknown, state: unknown) => read(state) },
    files: { read: () => ({ state: 0, done: true }) },
  };
  return defineDatasource(manifest, { check: () => ({}), features: features as never });
}

const batch = (result: unknown) => returning({ state: 0, done: true, ...(result as object) }).read(CONTEXT, 'issues', null);
const refusal = (result: unknown) => caseOf(() => batch(result));
const refusedDocument = (fields: object) => refusal({ upserts: [{ ...DOCUMENT, ...fields }] });

describe('read', () => {
  it('turns an author’s result into the contract’s batch, with null for what is not there', () => {
    const full: Document = {
      ...DOCUMENT,
      version: 'sha',
      location: ['a', 'b'],
      author: 'Ada',
      createdAtMs: 1.9,
      updatedAtMs: -2,
      access: allOf(anyOf(account('ada'), email('Ada@X.Y')), anyOf(group('g'), domain('X.Y'))),
      attributes: { state: 'open', comments: 3, locked: false },
    };
    expect(batch({ changes: [{ delete: '0' }, { upsert: full }], state: { page: 2 }, seen: 9, expected: 20 })).toEqual({
      changes: [
        { tag: 'delete', val: '0' },
        {
          tag: 'upsert',
          val: {
            ...full,
            content: new TextEncoder().encode('Grüße'),
            createdAtMs: 1,
            access: {
              tag: 'all-of',
              val: [
                {
                  anyOf: [
                    { kind: 'account', id: 'ada' },
                    { kind: 'email', id: 'ada@x.y' },
                  ],
                },
                {
                  anyOf: [
                    { kind: 'group', id: 'g' },
                    { kind: 'domain', id: 'x.y' },
                  ],
                },
              ],
            },
            attributes: [
              { name: 'state', value: 'open' },
              { name: 'comments', value: '3' },
              { name: 'locked', value: 'false' },
            ],
          },
        },
      ],
      next: new TextEncoder().encode('{"page":2}'),
      done: true,
      progress: { seen: 9, expected: 20 },
      skipped: [],
    });
    const [change] = batch({ upserts: [DOCUMENT] }).changes;
    expect(change).toMatchObject({
      val: { version: null, author: null, createdAtMs: null, updatedAtMs: null, location: [], attributes: [] },
    });
  });

  it('applies deletes before upserts and counts both as seen', () => {
    const { changes, progress } = batch({ upserts: [DOCUMENT], deletes: ['1', '2'] });
    expect(changes.map(({ tag }) => tag)).toEqual(['delete', 'delete', 'upsert']);
    expect(progress).toEqual({ seen: 3, expected: null });
  });

  it('gives the state back to the next read, and undefined to the first', () => {
    const source = reading((state) => ({ state: { was: state ?? 'nothing' }, done: false }));
    const first = source.read(CONTEXT, 'issues', null);
    const second = source.read(CONTEXT, 'issues', first.next);
    expect(new TextDecoder().decode(second.next)).toBe('{"was":{"was":"nothing"}}');
  });

  it('says that a checkpoint has expired when it is none of ours', () => {
    const source = reading(() => ({ state: 0, done: true }));
    expect(caseOf(() => source.read(CONTEXT, 'issues', new Uint8Array([1, 2])))).toMatchObject({ tag: 'checkpoint-expired' });
  });

  it('gives each feature its own settings and the connection as it is', () => {
    useTestHost();
    const source = defineDatasource(manifest, {
      check: () => ({}),
      features: {
        issues: { read: (connection, settings) => ({ state: { connection, settings }, done: true }) },
        files: { read: (_connection, settings) => ({ state: settings.kinds, done: true }) },
      },
    });
    const state: unknown = JSON.parse(new TextDecoder().decode(source.read(CONTEXT, 'issues', null).next));
    expect(state).toEqual({
      settings: { max_age_days: 30 },
      connection: {
        id: CONTEXT.connectionId,
        config: { base_url: 'https://a.example' },
        features: { issues: { enabled: true, settings: { max_age_days: 30 } }, files: { enabled: true, settings: { kinds: ['text'] } } },
        nowMs: CONTEXT.nowMs,
        deadlineMs: CONTEXT.deadlineMs,
      },
    });
    expect(caseOf(() => source.read(CONTEXT, 'wiki', null))).toEqual({ tag: 'failed', val: 'There is no feature "wiki".' });
    expect(caseOf(() => source.read(CONTEXT, 'toString', null))).toEqual({ tag: 'failed', val: 'There is no feature "toString".' });
  });

  it('cuts titles, authors and attributes where the contract ends, between two characters', () => {
    const [change] = batch({
      upserts: [{ ...DOCUMENT, title: '日'.repeat(400), author: '🎉'.repeat(100), attributes: { note: 'é'.repeat(1000) } }],
    }).changes;
    if (change?.tag !== 'upsert') throw new Error('no upsert');
    expect(change.val.title).toBe('日'.repeat(341));
    expect(change.val.author).toBe('🎉'.repeat(64));
    expect(change.val.attributes[0]?.value).toBe('é'.repeat(512));
  });
});

describe('a wrong result of read is named, field by field', () => {
  it.each<[string, object, string]>([
    ['nothing', { state: undefined }, 'state: it must be a value that JSON can carry, not undefined.'],
    ['no word about the end', { done: undefined }, 'done: it must be true or false, not undefined.'],
    ['a BigInt', { seen: 3n }, 'seen: it must be a number, not the BigInt 3.'],
    ['a BigInt in the state', { state: { at: 3n } }, 'state: it cannot be written as JSON'],
    ['a negative count', { seen: -1 }, 'seen: it must be a number from 0 to'],
    ['no number', { expected: Number.NaN }, 'expected: it must be a number, not NaN.'],
    ['a list that is none', { upserts: {} }, 'upserts: it must be a list, not an object.'],
    ['both kinds of lists', { changes: [], upserts: [DOCUMENT] }, 'it has changes besides upserts or deletes'],
    ['a change that is none', { changes: [{ insert: DOCUMENT }] }, 'changes[0]: it must be { upsert } or { delete }'],
    ['a deleted number', { deletes: ['a', 7] }, 'deletes[1]: it must be text, not 7.'],
    ['an empty id', { deletes: [''] }, 'deletes[0]: it must be text, not empty text.'],
    ['too many changes', { deletes: Array.from({ length: 1001 }, String) }, 'deletes: it has 1001 items; at most 1000 are allowed.'],
    [
      'too large a state',
      { state: 'x'.repeat(70_000) },
      'state: it is 70002 bytes of JSON; at most 65536 are allowed. Keep the rest in storage.',
    ],
    ['a problem without a remedy', { skipped: [{ path: 'a', reason: 'b' }] }, 'skipped[0].remedy: it must be text, not undefined.'],
  ])('%s', (_what, result, message) => {
    expect(refusal(result)).toMatchObject({ tag: 'failed', val: expect.stringContaining(`read of "issues" returned`) });
    expect(refusal(result)).toMatchObject({ val: expect.stringContaining(message) });
  });

  it.each<[string, object, string]>([
    ['no id', { id: undefined }, '.id: it must be text, not undefined.'],
    ['a number for an id', { id: 12 }, '.id: it must be text, not 12.'],
    ['too long an id', { id: 'é'.repeat(300) }, '.id: it is longer than 512 bytes'],
    ['no title', { title: null }, '.title: it must be text, not null.'],
    ['no link', { link: undefined }, '.link: it must be text, not undefined.'],
    ['a relative link', { link: '/1' }, '.link: it must be an absolute https or http URL, not "/1".'],
    ['a script for a link', { link: 'javascript:alert(1)' }, '.link: it must be an absolute https or http URL'],
    ['no media type', { mediaType: undefined }, '.mediaType: it must be text, not undefined.'],
    ['an object for content', { content: {} }, '.content: it must be text or a Uint8Array, not an object.'],
    ['text for a time', { updatedAtMs: '2026-01-01' }, '.updatedAtMs: it must be a number, not "2026-01-01".'],
    ['a time that is none', { createdAtMs: Number.NaN }, '.createdAtMs: it must be a number, not NaN.'],
    ['no word about access', { access: undefined }, '.access: it must be an object, not undefined.'],
    ['access of its own kind', { access: { tag: 'public' } }, '.access: it must be everyone(), adminsOnly() or allOf(…)'],
    [
      'a principal of its own kind',
      { access: allOf(anyOf({ kind: 'robot' as never, id: 'r' })) },
      '.access[0][0].kind: it must be account',
    ],
    ['a principal without an id', { access: allOf(anyOf(account(''))) }, '.access[0][0].id: it must be text, not empty text.'],
    ['an attribute that cannot be named so', { attributes: { 'A-b': 'x' } }, '.attributes: "A-b" cannot be a name. Use a-z, 0-9 and _.'],
    ['an object as an attribute', { attributes: { a: {} } }, '.attributes.a: it must be text, not an object.'],
  ])('a document with %s', (_what, fields, message) => {
    expect(refusedDocument(fields)).toMatchObject({ tag: 'failed', val: expect.stringContaining(`upserts[0]${message}`) });
  });

  it('a promise', async () => {
    const source = reading(() => Promise.resolve({ state: 0, done: true }));
    expect(caseOf(() => source.read(CONTEXT, 'issues', null))).toMatchObject({
      tag: 'failed',
      val: expect.stringContaining('it is a promise'),
    });
  });
});

describe('whatever is thrown', () => {
  it.each([
    [invalidConfig([{ path: '/a', reason: 'b', remedy: 'c' }]), { tag: 'invalid-config', val: [{ path: '/a', reason: 'b', remedy: 'c' }] }],
    [unauthorized('no'), { tag: 'unauthorized', val: 'no' }],
    [forbidden('no'), { tag: 'forbidden', val: 'no' }],
    [throttled(1.5, 'slow'), { tag: 'throttled', val: { retryAfterMs: 2, reason: 'slow' } }],
    [unavailable('down'), { tag: 'unavailable', val: 'down' }],
    [checkpointExpired('old'), { tag: 'checkpoint-expired', val: 'old' }],
    [failed('odd'), { tag: 'failed', val: 'odd' }],
    ['text', { tag: 'failed', val: 'read of "issues" threw text' }],
    [undefined, { tag: 'failed', val: 'read of "issues" threw undefined' }],
  ])('%s becomes a failure of the contract', (thrown, expected) => {
    const source = reading(() => {
      throw thrown;
    });
    expect(caseOf(() => source.read(CONTEXT, 'issues', null))).toEqual(expected);
  });

  it('an error keeps its name and message', () => {
    const source = reading(() => {
      throw new RangeError('too far');
    });
    expect(caseOf(() => source.read(CONTEXT, 'issues', null))).toMatchObject({
      tag: 'failed',
      val: expect.stringMatching(/^read of "issues" threw RangeError: too far/),
    });
  });
});

describe('the other functions', () => {
  it('describe says what the manifest says', () => {
    expect(returning({}).describe()).toEqual({
      name: 'example',
      version: '1.2.3',
      features: [
        { name: 'issues', description: 'Issues.' },
        { name: 'files', description: 'Files.' },
      ],
      configSchema: '{"type":"object"}',
    });
  });

  it('what an author leaves out is unsupported, but validateConfig, which finds nothing', () => {
    const source = returning({});
    for (const call of [
      () => source.listIds(CONTEXT, 'issues', null),
      () => source.listGroups(CONTEXT, null),
      () => source.search(CONTEXT, { text: 'a', limit: 1 }),
      () => source.receive(CONTEXT, { id: '1', headers: [], body: new Uint8Array() }),
    ]) {
      expect(caseOf(call)).toEqual({ tag: 'unsupported' });
    }
    expect(source.validateConfig(CONTEXT)).toEqual([]);
    expect(source.check(CONTEXT)).toEqual({ account: null, problems: [] });
  });

  it('what an author writes is passed through and checked', () => {
    useTestHost();
    const source = defineDatasource(manifest, {
      validateConfig: ({ config }) => [{ path: '/base_url', reason: config.base_url, remedy: 'Change it.' }],
      check: ({ config }) => ({ account: config.base_url }),
      features: {
        issues: {
          read: () => ({ state: 0, done: true }),
          listIds: (_connection, _settings, cursor: { page: number } | undefined) =>
            cursor === undefined ? { ids: ['a'], next: { page: 2 } } : { ids: [String(cursor.page)] },
        },
        files: { read: () => ({ state: 0, done: true }) },
      },
      listGroups: () => ({ groups: [{ id: 'g', name: 'Group', members: [account('ada'), group('h')] }] }),
      search: (_connection, { text, limit }) => [{ document: { ...DOCUMENT, title: text }, score: limit / 100 }],
      receive: (_connection, delivery) => [
        { feature: 'issues', deletes: [delivery.headers.get('X-Id') ?? ''], readNow: delivery.json<{ now: boolean }>().now },
      ],
    });
    expect(source.validateConfig(CONTEXT)).toEqual([{ path: '/base_url', reason: 'https://a.example', remedy: 'Change it.' }]);
    expect(source.check(CONTEXT)).toEqual({ account: 'https://a.example', problems: [] });
    const page = source.listIds(CONTEXT, 'issues', null);
    expect(page.ids).toEqual(['a']);
    expect(source.listIds(CONTEXT, 'issues', page.next)).toEqual({ ids: ['2'], next: null });
    expect(source.listGroups(CONTEXT, null)).toEqual({
      groups: [
        {
          id: 'g',
          name: 'Group',
          members: [
            { kind: 'account', id: 'ada' },
            { kind: 'group', id: 'h' },
          ],
        },
      ],
      next: null,
    });
    expect(source.search(CONTEXT, { text: 'Hi', limit: 50 })).toMatchObject([{ document: { title: 'Hi' }, score: 0.5 }]);
    const delivery = { id: '1', headers: [{ name: 'x-id', value: '7' }], body: new TextEncoder().encode('{"now":true}') };
    expect(source.receive(CONTEXT, delivery)).toEqual([{ feature: 'issues', changes: [{ tag: 'delete', val: '7' }], readNow: true }]);
  });

  it('a score outside of 0 to 1 is named', () => {
    useTestHost();
    const source = defineDatasource(manifest, {
      check: () => ({}),
      features: { issues: { read: () => ({ state: 0, done: true }) }, files: { read: () => ({ state: 0, done: true }) } },
      search: () => [{ document: DOCUMENT, score: 2 }],
    });
    expect(caseOf(() => source.search(CONTEXT, { text: '', limit: 1 }))).toEqual({
      tag: 'failed',
      val: 'search returned[0].score: it must be a number from 0 to 1, not 2.',
    });
  });
});
