import { describe, expect, it } from 'vitest';
import { ContractError } from '../../../host/indexing/contract-fields.ts';
import { toGroupPage, toHits, toIdPage, toReceived } from '../../../host/indexing/validate.ts';

const DOCUMENT = {
  id: 'a',
  title: 'A',
  link: 'https://source.example/a',
  mediaType: 'text/plain',
  content: Uint8Array.of(97),
  location: [],
  access: { tag: 'everyone' },
  attributes: [],
};
const ada = { kind: 'email', id: 'ada@example.com' };

const refusal = (parse: () => unknown): string => {
  try {
    parse();
  } catch (error) {
    if (error instanceof ContractError) return error.message;
    throw error;
  }
  return 'accepted';
};

describe('a page of ids', () => {
  it('keeps its order and says whether there is more', () => {
    expect(toIdPage({ ids: ['b', 'a'], next: Uint8Array.of(1) })).toEqual({ ids: ['b', 'a'], next: Uint8Array.of(1) });
    expect(toIdPage({ ids: [], next: undefined })).toEqual({ ids: [], next: undefined });
  });

  it.each([
    [{ ids: [''] }, 'ids[0]: 0 bytes; 1 to 512 are allowed'],
    [{ ids: [7] }, 'ids[0]: not a string'],
    [{ ids: ['a\0'] }, 'ids[0]: it holds a NUL or half of a surrogate pair'],
    [{ ids: Array.from({ length: 10_001 }, () => 'a') }, 'ids: 10001 entries; at most 10000 are allowed'],
    [{ ids: [], next: new Uint8Array(65_537) }, 'next: 65537 bytes; at most 65536 are allowed'],
    [undefined, 'id-page: not a record'],
  ])('is refused: %#', (page, reason) => {
    expect(refusal(() => toIdPage(page))).toBe(reason);
  });
});

describe('a page of groups', () => {
  it('has groups with their members', () => {
    const group = { id: 'g', name: 'Group', members: [ada, { kind: 'group', id: 'h' }] };
    expect(toGroupPage({ groups: [group] })).toEqual({ groups: [group], next: undefined });
  });

  it.each([
    [{ groups: [{ id: 'g', name: 'G', members: [{ kind: 'robot', id: 'r' }] }] }, 'groups[0].members[0]: an unknown kind of principal'],
    [{ groups: [{ id: 'g', name: 'G' }] }, 'groups[0].members: not a list'],
    [{ groups: Array.from({ length: 1_001 }, () => ({})) }, 'groups: 1001 entries; at most 1000 are allowed'],
  ])('is refused: %#', (page, reason) => {
    expect(refusal(() => toGroupPage(page))).toBe(reason);
  });
});

describe('hits', () => {
  it('have a document each, and a score where the source gives one', () => {
    const hits = toHits([{ document: DOCUMENT, score: 0.5 }, { document: DOCUMENT }], 2);
    expect(hits.map(({ score, document }) => [score, document.id])).toEqual([
      [0.5, 'a'],
      [undefined, 'a'],
    ]);
  });

  it.each([
    [[{ document: DOCUMENT, score: 1.1 }], 'hits[0].score: not from 0 to 1'],
    [[{ document: DOCUMENT, score: Number.NaN }], 'hits[0].score: not from 0 to 1'],
    [[{ document: { ...DOCUMENT, link: 'javascript:alert(1)' } }], 'hits[0].document.link: not an absolute http or https URL'],
    [[{ document: DOCUMENT }, { document: DOCUMENT }, { document: DOCUMENT }], 'hits: 3 entries; at most 2 are allowed'],
  ])('are refused: %#', (hits, reason) => {
    expect(refusal(() => toHits(hits, 2))).toBe(reason);
  });
});

describe('what a delivery means', () => {
  it('is a list of changes for each feature, and whether to read now', () => {
    const received = toReceived([{ feature: 'notes', changes: [{ tag: 'delete', val: 'a' }], readNow: true }]);
    expect(received).toEqual([{ feature: 'notes', changes: [{ kind: 'delete', id: 'a' }], readNow: true }]);
  });

  it.each([
    [[{ feature: 'notes', changes: [], readNow: 1 }], 'received[0].read-now: neither true nor false'],
    [[{ feature: '', changes: [], readNow: true }], 'received[0].feature: 0 bytes; 1 to 64 are allowed'],
    [[{ feature: 'notes', changes: [{ tag: 'rename' }], readNow: true }], 'received[0].changes[0]: neither upsert nor delete'],
    [
      Array.from({ length: 3 }, () => ({ feature: 'notes', changes: [{ tag: 'delete', val: 'a' }], readNow: false })),
      'changes: over the limit maxChangesPerBatch of 2: it used 3',
    ],
  ])('is refused: %#', (received, reason) => {
    expect(refusal(() => toReceived(received, 2))).toBe(reason);
  });
});
