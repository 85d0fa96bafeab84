import { describe, expect, it } from 'vitest';
import type { Change, SourceDocument } from '../../../host/domain/document.ts';
import type { Extractor } from '../../../host/domain/extraction.ts';
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

const NOTHING_READ: Extractor = { extract: () => Promise.resolve({ kind: 'unsupported' }) };

async function prepare(
  changes: Change[],
  known: Record<string, KnownDocument> = {},
  options: { extractor?: Extractor; signal?: AbortSignal; passageTokens?: number } = {},
): Promise<PreparedBatch> {
  const { extractor = NOTHING_READ, signal = new AbortController().signal } = options;
  const prepared = await prepareBatch({ changes }, new Map(Object.entries(known)), { ...options, extractor, owner: 'acme/github', signal });
  if (prepared === undefined) throw new TypeError('nothing ended it');
  return prepared;
}

/** What the index holds after this document was written. */
async function knownFrom(change: Change, extractor = NOTHING_READ): Promise<KnownDocument> {
  const [prepared] = (await prepare([change], {}, { extractor })).changes;
  if (prepared?.kind !== 'upsert') throw new TypeError('a new document is written');
  return { version: prepared.document.version, contentHash: prepared.contentHash };
}

describe('a batch', () => {
  it('becomes documents with their passages, and deletes', async () => {
    expect(await prepare([upsert('a'), { kind: 'delete', id: 'b' }])).toEqual({
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
      unread: [],
    });
  });

  it('has the last word on each id', async () => {
    const { changes } = await prepare([
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
  it('is only touched when its text is the same', async () => {
    const known = { a: await knownFrom(upsert('a')) };
    const changed = {
      version: '2',
      link: 'https://example.com/moved',
      author: 'b',
      updatedAtMs: 5,
      access: { kind: 'admins-only' },
      attributes: { x: 'y' },
    } as const;
    expect((await prepare([upsert('a', changed)], known)).changes).toEqual([{ kind: 'touch', document: document('a', changed) }]);
  });

  it.each<[string, Partial<SourceDocument>]>([
    ['content', { content: new Uint8Array(Buffer.from('other')) }],
    ['title', { title: 'Other' }],
    ['location', { location: ['a', 'b'] }],
    ['media type', { mediaType: 'text/markdown' }],
  ])('is written again when its %s changed, whatever its version says', async (_, parts) => {
    const known = { a: await knownFrom(upsert('a', { version: '1' })) };
    expect((await prepare([upsert('a', { version: '1', ...parts })], known)).changes[0]?.kind).toBe('upsert');
  });
});

describe('a document that is no text', () => {
  it('is found by its title, and is a problem of the run', async () => {
    const { changes, problems, unread } = await prepare([upsert('a', { mediaType: 'image/png' })]);
    expect(changes).toMatchObject([{ passages: [{ position: 0, headings: [], text: 'Title of a' }] }]);
    expect(problems).toEqual([
      {
        path: 'a',
        reason: 'media type image/png is not text, and nothing here reads it',
        remedy: expect.stringMatching(/^Leave this kind of file out/),
      },
    ]);
    expect(unread).toEqual(['a']);
  });

  it('of which there is none is found by its title, and is no problem', async () => {
    expect(await prepare([upsert('a', { content: new Uint8Array(0) })])).toMatchObject({
      changes: [{ passages: [{ text: 'Title of a' }] }],
      problems: [],
    });
  });
});

describe('a file that is read elsewhere', () => {
  const PDF = { mediaType: 'application/pdf' };

  it('has a passage for each of its parts, with the name of the part', async () => {
    const parts = [
      { label: 'Page 1', text: 'first page' },
      { label: 'Page 2', text: '# Title\n\nsecond page' },
    ];
    const extractor: Extractor = { extract: () => Promise.resolve({ kind: 'extracted', parts, notes: ['page 3 cannot be read'] }) };
    expect(await prepare([upsert('a', PDF)], {}, { extractor })).toMatchObject({
      changes: [
        {
          passages: [
            { position: 0, headings: ['Page 1'], text: 'first page' },
            { position: 1, headings: ['Page 2', 'Title'], text: 'second page' },
          ],
        },
      ],
      problems: [{ path: 'a', reason: 'page 3 cannot be read' }],
      unread: [],
    });
  });

  it('is not read again when it cannot be, unless another time may be better', async () => {
    const refusing: Extractor = { extract: () => Promise.resolve({ kind: 'refused', reason: 'it needs a password' }) };
    const failing: Extractor = { extract: () => Promise.resolve({ kind: 'fault', reason: 'reading it took too long' }) };
    expect(
      (await prepare([upsert('a', PDF)], { a: await knownFrom(upsert('a', PDF), refusing) }, { extractor: refusing })).changes[0]?.kind,
    ).toBe('touch');
    expect(
      (await prepare([upsert('a', PDF)], { a: await knownFrom(upsert('a', PDF), failing) }, { extractor: failing })).changes[0]?.kind,
    ).toBe('upsert');
  });
});

describe('a very long document', () => {
  const LONG = upsert('a', {
    content: new Uint8Array(Buffer.from(Array.from({ length: 12_000 }, (_, at) => `paragraph ${at} ${'word '.repeat(60)}`).join('\n\n'))),
  });

  it('has 10,000 passages at most, and is a problem of the run', async () => {
    const { changes, problems, unread } = await prepare([LONG], {}, { passageTokens: 64 });
    expect(changes[0]?.kind === 'upsert' && changes[0].passages.length).toBe(10_000);
    expect(problems).toMatchObject([{ path: 'a', reason: 'it has more than 10000 passages; the rest is left out' }]);
    expect(unread).toEqual([]);
  });

  it('leaves room for the others of its batch, which has 50,000 passages at most', async () => {
    const documents = Array.from({ length: 7 }, (_, at) => ({
      ...LONG,
      document: { ...document(`d${at}`), content: LONG.kind === 'upsert' ? LONG.document.content : new Uint8Array() },
    }));
    const { changes, problems } = await prepare(documents as Change[], {}, { passageTokens: 64 });
    expect(changes.map((change) => (change.kind === 'upsert' ? change.passages.length : 0))).toEqual([
      10_000, 10_000, 10_000, 10_000, 10_000, 1, 1,
    ]);
    expect(problems.at(-1)).toMatchObject({ path: 'd6', remedy: expect.stringContaining('maxChangesPerBatch') });
  });

  it('gives others a turn while it is cut', async () => {
    let turns = 0;
    let running = true;
    const turn = (): void => {
      turns += 1;
      if (running) setImmediate(turn);
    };
    setImmediate(turn);
    // One line without a single end of a sentence: the worst to find places to cut.
    await prepare([upsert('a', { content: new Uint8Array(Buffer.from('word '.repeat(4_000_000))) })]);
    running = false;
    expect(turns).toBeGreaterThan(10);
  });

  it('is left at once when it is not wanted any more', async () => {
    const stop = new AbortController();
    const prepared = prepareBatch({ changes: [LONG] }, new Map(), { extractor: NOTHING_READ, owner: 'a', signal: stop.signal });
    stop.abort();
    expect(await prepared).toBeUndefined();
  });
});
