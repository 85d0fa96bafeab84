import { describe, expect, it } from 'vitest';
import { ContractError } from '../../../host/indexing/contract-fields.ts';
import { toBatch, toCheckReport, toDescription, toFailure, toProblems } from '../../../host/indexing/validate.ts';

/** A document with every field, as the far side gives it. */
const DOCUMENT = {
  id: 'octo-org/hello#1',
  version: 'abc',
  title: 'Hello',
  link: 'https://github.com/octo-org/hello/issues/1',
  mediaType: 'text/markdown',
  content: new Uint8Array([104, 105]),
  location: ['octo-org/hello', 'issues'],
  author: 'octocat',
  createdAtMs: 0,
  updatedAtMs: -1,
  access: {
    tag: 'all-of',
    val: [
      {
        anyOf: [
          { kind: 'account', id: 'octocat' },
          { kind: 'group', id: 'g' },
        ],
      },
    ],
  },
  attributes: [{ name: 'state', value: 'open' }],
};
const PROBLEM = { path: '/a', reason: 'It is bad.', remedy: 'Mend it.' };
const BATCH = { changes: [], next: new Uint8Array(0), done: true, progress: { seen: 0, expected: null }, skipped: [] };

function batchWith(document: Record<string, unknown>): unknown {
  return { ...BATCH, changes: [{ tag: 'upsert', val: { ...DOCUMENT, ...document } }] };
}

/** The message of the ContractError that `act` throws; any other error fails the test. */
function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof ContractError) return error.message;
    throw error;
  }
  throw new Error('it was accepted');
}

const UNPRINTABLE = { toString: 1, valueOf: 1 };

describe('toBatch()', () => {
  it('takes over what keeps the contract', () => {
    const value = {
      ...BATCH,
      changes: [
        { tag: 'upsert', val: DOCUMENT },
        { tag: 'delete', val: 'old' },
      ],
      done: false,
      progress: { seen: 2, expected: 10 },
      skipped: [PROBLEM],
    };
    expect(toBatch(value)).toEqual({
      changes: [
        {
          kind: 'upsert',
          document: {
            ...DOCUMENT,
            access: {
              kind: 'all-of',
              allOf: [
                [
                  { kind: 'account', id: 'octocat' },
                  { kind: 'group', id: 'g' },
                ],
              ],
            },
            attributes: { state: 'open' },
          },
        },
        { kind: 'delete', id: 'old' },
      ],
      next: new Uint8Array(0),
      done: false,
      progress: { seen: 2, expected: 10 },
      skipped: [PROBLEM],
    });
  });

  it.each([[null], [undefined]])('takes %j for an option that has no value', (none) => {
    const document = toBatch(batchWith({ version: none, author: none, createdAtMs: none, updatedAtMs: none })).changes[0];
    expect(document).toMatchObject({ document: { version: undefined, author: undefined, createdAtMs: undefined, updatedAtMs: undefined } });
  });

  it.each([
    [{ tag: 'everyone' }, { kind: 'everyone' }],
    [{ tag: 'admins-only' }, { kind: 'admins-only' }],
    [{ tag: 'all-of', val: [] }, { kind: 'admins-only' }],
    [
      { tag: 'all-of', val: [{ anyOf: [] }] },
      { kind: 'all-of', allOf: [[]] },
    ],
  ])('reads access %j as %j, closed where nothing is said', (access, expected) => {
    expect(toBatch(batchWith({ access })).changes[0]).toMatchObject({ document: { access: expected } });
  });

  it('keeps an attribute that is called like a prototype an attribute', () => {
    const [change] = toBatch(batchWith({ attributes: [{ name: '__proto__', value: 'x' }] })).changes;
    expect(change?.kind === 'upsert' && Object.entries(change.document.attributes)).toEqual([['__proto__', 'x']]);
  });

  it('replaces in text what no store and no screen can show', () => {
    const [change] = toBatch(batchWith({ title: 'a\0b\ud800', author: '\0', location: ['\udc00'] })).changes;
    expect(change).toMatchObject({ document: { title: 'a\ufffdb\ufffd', author: '\ufffd', location: ['\ufffd'] } });
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['changes', { changes: undefined }, /^changes: not a list/],
    ['changes', { changes: Array.from({ length: 1_001 }, () => ({ tag: 'delete', val: 'a' })) }, /^changes: 1001 entries; at most 1000/],
    ['changes', { changes: [null] }, /^changes\[0\]: not a record/],
    [
      'changes',
      {
        changes: [
          { tag: 'delete', val: 'a' },
          { tag: 'drop', val: 'b' },
        ],
      },
      /^changes\[1\]: neither upsert nor delete/,
    ],
    ['changes', { changes: [{ tag: UNPRINTABLE }] }, /^changes\[0\]: neither upsert nor delete/],
    ['a deleted id', { changes: [{ tag: 'delete', val: '' }] }, /^changes\[0\]\.delete: 0 bytes/],
    ['a deleted id', { changes: [{ tag: 'delete', val: 5 }] }, /^changes\[0\]\.delete: not a string/],
    ['a document', { changes: [{ tag: 'upsert', val: undefined }] }, /^changes\[0\]\.upsert: not a record/],
    ['next', { next: undefined }, /^next: not bytes/],
    ['next', { next: 'text' }, /^next: not bytes/],
    ['next', { next: new Uint8Array(65_537) }, /^next: 65537 bytes; at most 65536/],
    ['done', { done: 1 }, /^done: neither true nor false/],
    ['done', { done: undefined }, /^done: neither true nor false/],
    ['progress', { progress: undefined }, /^progress: not a record/],
    ['progress.seen', { progress: { seen: -1 } }, /^progress\.seen: not a count/],
    ['progress.seen', { progress: { seen: 0.5 } }, /^progress\.seen: not a count/],
    ['progress.seen', { progress: { seen: 2 ** 53 } }, /^progress\.seen: not a count/],
    ['progress.expected', { progress: { seen: 0, expected: '9' } }, /^progress\.expected: not a count/],
    ['skipped', { skipped: {} }, /^skipped: not a list/],
    ['skipped', { skipped: Array.from({ length: 1_001 }, () => PROBLEM) }, /^skipped: 1001 entries/],
    ['a problem', { skipped: [{ ...PROBLEM, reason: undefined }] }, /^skipped\[0\]\.reason: not a string/],
    ['a problem', { skipped: [{ ...PROBLEM, path: 'p'.repeat(1_025) }] }, /^skipped\[0\]\.path: 1025 bytes/],
    ['a problem', { skipped: [{ ...PROBLEM, remedy: 'r'.repeat(4_097) }] }, /^skipped\[0\]\.remedy: 4097 bytes/],
  ])('names %s when it is wrong', (_, fields, message) => {
    expect(refusal(() => toBatch({ ...BATCH, ...fields }))).toMatch(message);
  });

  it.each<[string, unknown, RegExp?]>([
    ['id', undefined],
    ['id', ''],
    ['id', 'i'.repeat(513)],
    ['id', '€'.repeat(171), /513 bytes; 1 to 512/],
    ['id', 'a\0b', /NUL/],
    ['id', 'a\ud800', /surrogate/],
    ['version', 5],
    ['version', 'v'.repeat(513)],
    ['title', null],
    ['title', 't'.repeat(1_025)],
    ['link', ''],
    ['link', '/path'],
    ['link', 'javascript:alert(1)'],
    ['link', ' javascript:alert(1)'],
    ['link', 'java\nscript:alert(1)'],
    ['link', 'data:text/html,x'],
    ['link', 'ftp://example.com'],
    ['link', 'https://'],
    ['link', `https://example.com/${'l'.repeat(4_096)}`],
    ['link', 'https://example.com/\x1b[2J'],
    ['link', 'https://exa\nmple.com'],
    ['link', '\thttps://example.com'],
    ['link', 'https://example.com/\0'],
    ['mediaType', ''],
    ['mediaType', 'm'.repeat(257)],
    ['content', 'text'],
    ['content', [1, 2]],
    ['content', null],
    ['location', 'path'],
    ['location', [1]],
    ['location', ['x'.repeat(513)]],
    ['location', Array.from({ length: 65 }, () => 'x')],
    ['author', 'a'.repeat(257)],
    ['createdAtMs', '2026'],
    ['createdAtMs', 1.5],
    ['updatedAtMs', 8.64e15 + 1],
    ['updatedAtMs', Number.NaN],
    ['access', undefined],
    ['access', { tag: 'public' }],
    ['access', { tag: UNPRINTABLE }],
    ['access', { tag: 'all-of' }],
    ['access', { tag: 'all-of', val: Array.from({ length: 65 }, () => ({ anyOf: [] })) }],
    ['access', { tag: 'all-of', val: [[]] }],
    ['access', { tag: 'all-of', val: [{ anyOf: 'all' }] }],
    ['access', { tag: 'all-of', val: [{ anyOf: [{ kind: 'role', id: 'x' }] }] }],
    ['access', { tag: 'all-of', val: [{ anyOf: [{ kind: ['account'], id: 'x' }] }] }],
    ['access', { tag: 'all-of', val: [{ anyOf: [{ kind: UNPRINTABLE, id: 'x' }] }] }],
    ['access', { tag: 'all-of', val: [{ anyOf: [{ kind: 'account', id: '' }] }] }],
    ['access', { tag: 'all-of', val: [{ anyOf: [{ kind: 'account', id: 'a\0' }] }] }],
    ['access', { tag: 'all-of', val: [{ anyOf: Array.from({ length: 10_001 }, () => ({ kind: 'account', id: 'x' })) }] }],
    ['attributes', undefined],
    ['attributes', Array.from({ length: 33 }, () => ({ name: 'a', value: 'b' }))],
    ['attributes', [{ name: 'A', value: 'b' }]],
    ['attributes', [{ name: '', value: 'b' }]],
    ['attributes', [{ name: 'a'.repeat(65), value: 'b' }]],
    ['attributes', [{ name: UNPRINTABLE, value: 'b' }]],
    ['attributes', [{ name: 'a', value: 5 }]],
    ['attributes', [{ name: 'a', value: 'v'.repeat(1_025) }]],
  ])('refuses a document with a wrong %s: %j', (field, value, message = /./) => {
    const said = refusal(() => toBatch(batchWith({ [field]: value })));
    const witName = field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    expect(said.startsWith(`changes[0].upsert.${witName}`)).toBe(true);
    expect(said).toMatch(message);
  });

  it.each([[undefined], [null], [5], ['text'], [[]], [new Uint8Array(1)], [UNPRINTABLE]])('refuses %j', (value) => {
    expect(() => toBatch(value)).toThrow(ContractError);
  });
});

describe('toFailure()', () => {
  it.each(['unauthorized', 'forbidden', 'unavailable', 'checkpoint-expired', 'failed'])('reads %s with its message', (tag) => {
    expect(toFailure({ tag, val: 'because' })).toEqual({ kind: tag, message: 'because' });
  });

  it('reads the others with what they carry', () => {
    expect(toFailure({ tag: 'invalid-config', val: [PROBLEM] })).toEqual({ kind: 'invalid-config', problems: [PROBLEM] });
    expect(toFailure({ tag: 'throttled', val: { retryAfterMs: 5_000, reason: 'slowly' } })).toEqual({
      kind: 'throttled',
      retryAfterMs: 5_000,
      message: 'slowly',
    });
    expect(toFailure({ tag: 'unsupported' })).toEqual({ kind: 'unsupported', message: 'the datasource does not have this function' });
  });

  it.each([
    [10 ** 12, 86_400_000],
    [0, 0],
    [0.5, 1],
    [-1, 60_000],
    [Number.NaN, 60_000],
    ['5', 60_000],
    [undefined, 60_000],
  ])('waits no longer than a day and no fraction: %j is %d ms', (retryAfterMs, expected) => {
    expect(toFailure({ tag: 'throttled', val: { retryAfterMs, reason: 'x' } })).toMatchObject({ retryAfterMs: expected });
  });

  it('cuts a message and cleans it for store and screen', () => {
    expect(toFailure({ tag: 'failed', val: 'x'.repeat(9_999) })).toMatchObject({ message: 'x'.repeat(4_096) });
    expect(toFailure({ tag: 'failed', val: 'a\0b\ud800' })).toEqual({ kind: 'failed', message: 'a\ufffdb\ufffd' });
    expect(toFailure({ tag: 'throttled', val: { retryAfterMs: 1, reason: 'a\0b' } })).toMatchObject({ message: 'a\ufffdb' });
  });

  it.each([
    [undefined],
    [null],
    ['failed'],
    [[]],
    [{}],
    [{ tag: 'exploded', val: 'x' }],
    [{ tag: UNPRINTABLE }],
    [{ tag: ['failed'] }],
    [{ tag: 'constructor' }],
    [{ tag: 'failed', val: { message: 'x' } }],
    [{ tag: 'invalid-config', val: 'all' }],
    [{ tag: 'invalid-config', val: [{ path: 1 }] }],
  ])('reads %j, which is no failure, as `failed`', (value) => {
    expect(toFailure(value)).toEqual({ kind: 'failed', message: expect.any(String) });
  });
});

describe('the other results', () => {
  it('are read as they are', () => {
    expect(toProblems([PROBLEM])).toEqual([PROBLEM]);
    expect(toCheckReport({ account: 'octocat', problems: [] })).toEqual({ account: 'octocat', problems: [] });
    expect(toCheckReport({ account: null, problems: [PROBLEM] })).toEqual({ account: undefined, problems: [PROBLEM] });
    expect(toDescription({ name: 'a', version: '1.0.0', features: [{ name: 'f', description: 'x' }], configSchema: '{}' })).toEqual({
      name: 'a',
      version: '1.0.0',
      features: ['f'],
    });
  });

  it.each<[() => unknown, RegExp]>([
    [() => toProblems(undefined), /^problems: not a list/],
    [() => toProblems([5]), /^problems\[0\]: not a record/],
    [() => toCheckReport(null), /^check-report: not a record/],
    [() => toCheckReport({ account: 5, problems: [] }), /^account: not a string/],
    [() => toCheckReport({ account: 'x', problems: 'none' }), /^problems: not a list/],
    [() => toDescription([]), /^description: not a record/],
    [() => toDescription({ name: '', version: '1', features: [] }), /^name: 0 bytes/],
    [() => toDescription({ name: 'a', version: 1, features: [] }), /^version: not a string/],
    [() => toDescription({ name: 'a', version: '1', features: [{ name: 'x'.repeat(65) }] }), /^features\[0\]\.name: 65 bytes/],
    [
      () => toDescription({ name: 'a', version: '1', features: Array.from({ length: 101 }, () => ({ name: 'x' })) }),
      /^features: 101 entries/,
    ],
  ])('name what is wrong: %s', (act, message) => {
    expect(refusal(act)).toMatch(message);
  });
});
