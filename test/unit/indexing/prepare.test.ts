import { describe, expect, it } from 'vitest';
import type { Batch, Change, SourceDocument } from '../../../host/domain/document.ts';
import { prepareBatch, type KnownDocument, type PreparedBatch } from '../../../host/indexing/prepare.ts';

function document(id: string, parts: Partial<SourceDocument> = {}): SourceDocument {
  return {
    id,
    version: undefined,
    title: `Title of ${id}`,
    link: `https://example.com/${id}`,
    mediaType: 'text/plain',
    content: new Uint8Array(Buffer.from(`text of ${id}`)),
    location: ['a'],
    author: undefined,
    createdAtMs: undefined,
    updatedAtMs: undefined,
    access: { kind: 'everyone' },
    attributes: {},
    ...parts,
  };
}

function upsert(id: string, parts: Partial<SourceDocument> = {}): Change {
  return { kind: 'upsert', document: document(id, parts) };
}

function prepare(changes: Change[], known: Record<string, KnownDocument> = {}): PreparedBatch {
  const batch: Batch = { changes, next: new Uint8Array(0), done: true, progress: { seen: 0, expected: undefined }, skipped: [] };
  return prepareBatch(batch, new Map(Object.entries(known)));
}

/** What the index holds after this document was written. */
function knownFrom(change: Change): KnownDocument {
  const [prepared] = prepare([change]).changes;
  if (prepared?.kind !== 'upsert') throw new TypeError('a new document is written');
  return { version: prepared.document.version, contentHash: prepared.contentHash };
}

describe('a batch', () => {
  it('becomes documents with their passages, and deletes', () => {
    expect(prepare([upsert('a'), { kind: 'delete', id: 'b' }])).toEqual({
      changes: [
        {
          kind: 'upsert',
          document: document('a'),
          contentHash: expect.any(Uint8Array),
          passages: [{ position: 0, headings: [], text: 'text of a' }],
        },
        { kind: 'delete', id: 'b' },
      ],
      problems: [],
    });
  });

  it('has the last word on each id', () => {
    const { changes } = prepare([
      upsert('a', { title: 'first' }),
      { kind: 'delete', id: 'b' },
      upsert('a', { title: 'last' }),
      upsert('b'),
      { kind: 'delete', id: 'c' },
      upsert('c'),
      { kind: 'delete', id: 'c' },
    ]);
    expect(changes.map((change) => [change.kind, change.kind === 'delete' ? change.id : change.document.title])).toEqual([
      ['upsert', 'last'],
      ['upsert', 'Title of b'],
      ['delete', 'c'],
    ]);
  });
});

describe('a document that the index knows', () => {
  it('is only touched when its text is the same', () => {
    const known = { a: knownFrom(upsert('a')) };
    const changed = {
      version: '2',
      link: 'https://example.com/moved',
      author: 'b',
      updatedAtMs: 5,
      access: { kind: 'admins-only' },
      attributes: { x: 'y' },
    } as const;
    expect(prepare([upsert('a', changed)], known).changes).toEqual([{ kind: 'touch', document: document('a', changed) }]);
  });

  it.each<[string, Partial<SourceDocument>]>([
    ['content', { content: new Uint8Array(Buffer.from('other')) }],
    ['title', { title: 'Other' }],
    ['location', { location: ['a', 'b'] }],
    ['media type', { mediaType: 'text/markdown' }],
  ])('is written again when its %s changed, whatever its version says', (_, parts) => {
    const known = { a: knownFrom(upsert('a', { version: '1' })) };
    expect(prepare([upsert('a', { version: '1', ...parts })], known).changes[0]?.kind).toBe('upsert');
  });
});

describe('a document that is no text', () => {
  it('is found by its title, and is a problem of the run', () => {
    const { changes, problems } = prepare([upsert('a', { mediaType: 'image/png' })]);
    expect(changes).toMatchObject([{ passages: [{ position: 0, headings: [], text: 'Title of a' }] }]);
    expect(problems).toEqual([
      { path: 'a', reason: 'media type image/png is not text', remedy: expect.stringMatching(/^Leave this kind of file out/) },
    ]);
  });

  it('of which there is none is found by its title, and is no problem', () => {
    expect(prepare([upsert('a', { content: new Uint8Array(0) })])).toMatchObject({
      changes: [{ passages: [{ text: 'Title of a' }] }],
      problems: [],
    });
  });
});
