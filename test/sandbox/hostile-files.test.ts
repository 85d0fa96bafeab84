import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ExtractionOutcome } from '../../host/domain/extraction.ts';
import { DEFAULT_EXTRACTION, ExtractorPool } from '../../host/sandbox/extractor.ts';
import { findIsolation } from '../../host/sandbox/find-isolation.ts';
import type { Isolation } from '../../host/sandbox/isolation.ts';
import { DOCX, makeDocx, makeMail, makePdf, makeXlsx, makeZip, wordParagraph, XLSX } from '../helpers/office-files.ts';

// Files that were made to harm whoever reads them: each fails or succeeds alone, with a reason, and the next one is read well.

const MiB = 1024 * 1024;
const NEVER = new AbortController().signal;
/** What the host may hold more than before once a file is done with. */
const MAX_GROWTH_MIB = 30;

let isolation: Isolation;
let pool: ExtractorPool;
let beforeMib: number;

beforeAll(async () => {
  ({ isolation } = await findIsolation('auto'));
  pool = new ExtractorPool({ ...DEFAULT_EXTRACTION, isolation });
  setFlagsFromString('--expose-gc');
  await extract('text/html', '<p>first');
  beforeMib = heldMib();
});

afterEach(async () => {
  expect(await extract('text/html', '<h1>Next</h1>')).toEqual({ kind: 'extracted', parts: [{ label: '', text: '# Next' }], notes: [] });
  await expect.poll(heldMib).toBeLessThan(beforeMib + MAX_GROWTH_MIB);
});

afterAll(() => pool.close());

/** What this process, which is the host here, holds on to. */
function heldMib(): number {
  (runInNewContext('gc') as () => void)();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / MiB;
}

function extract(mediaType: string, content: string | Uint8Array, extractor = pool): Promise<ExtractionOutcome> {
  const bytes = typeof content === 'string' ? new Uint8Array(Buffer.from(content)) : content;
  return extractor.extract({ mediaType, content: bytes }, 'acme/files', NEVER);
}

/** Characters of all parts, and what was left out. */
function sizeOf(outcome: ExtractionOutcome): { characters: number; notes: string[] } {
  if (outcome.kind !== 'extracted') throw new TypeError(JSON.stringify(outcome));
  return { characters: outcome.parts.reduce((sum, { text }) => sum + text.length, 0), notes: outcome.notes };
}

describe('a decompression bomb', () => {
  it('of one file is refused before it is unpacked as a whole', async () => {
    const bomb = makeZip([{ name: 'word/document.xml', content: new Uint8Array(200 * MiB) }]);
    expect(bomb.byteLength).toBeLessThan(MiB);
    expect(await extract(DOCX, bomb)).toEqual({ kind: 'refused', reason: 'a file in it unpacks to more than 64 MiB' });
  });

  it('of many files is refused by their sum', async () => {
    const slide = { name: '', content: new Uint8Array(50 * MiB) };
    const notes = ['footnotes', 'endnotes', 'comments', 'styles', 'document'].map((name) => ({ ...slide, name: `word/${name}.xml` }));
    const small = new ExtractorPool({
      ...DEFAULT_EXTRACTION,
      bounds: { ...DEFAULT_EXTRACTION.bounds, maxUnpackedBytes: 128 * MiB },
      isolation,
    });
    try {
      expect(await extract(DOCX, makeZip(notes), small)).toEqual({
        kind: 'refused',
        reason: 'it unpacks to more than is allowed for one file',
      });
    } finally {
      small.close();
    }
  });

  it('that states a small size is refused by what comes out of it', async () => {
    const lying = makeZip([{ name: 'word/document.xml', content: new Uint8Array(30 * MiB), statedBytes: 100 }]);
    expect(await extract(DOCX, lying)).toEqual({
      kind: 'refused',
      reason: 'its archive is damaged: a file in it is not of the size that it states',
    });
  });

  it('within archives within mails within mails is not unpacked at all', async () => {
    const bomb = makeZip([
      { name: 'a.zip', content: makeZip([{ name: 'b.zip', content: makeZip([{ name: 'c', content: new Uint8Array(50 * MiB) }]) }]) },
    ]);
    let mail = makeMail('innermost', [{ name: 'bomb.zip', mediaType: 'application/zip', content: bomb }]);
    for (let depth = 0; depth < 6; depth += 1)
      mail = makeMail(`depth ${depth}`, [{ name: 'mail.eml', mediaType: 'message/rfc822', content: mail }]);
    const outcome = await extract('message/rfc822', mail);
    expect(sizeOf(outcome).characters).toBeLessThan(1_000);
    expect(sizeOf(outcome).notes).toEqual(['Attachment mail.eml was left out: it is in too many other mails']);
  });

  it('of text, which a reader makes of little, is read up to a bound', async () => {
    // Each cell shows the same long text.
    const row = `<row>${'<c t="s"><v>0</v></c>'.repeat(200)}</row>`;
    const outcome = await extract(XLSX, makeXlsx('Sheet', row.repeat(500), ['long '.repeat(2_000)]));
    const { characters, notes } = sizeOf(outcome);
    expect(characters).toBeLessThanOrEqual(33 * MiB);
    expect(notes).toEqual(['it holds more text than is read of one file']);
  });
});

describe('a PDF', () => {
  it('of 10,000 pages is read, each page by its number', async () => {
    const pages = Array.from({ length: 10_000 }, (_, at) => [`This is page ${at + 1} of many.`]);
    const outcome = await extract('application/pdf', makePdf(pages));
    expect(outcome.kind === 'extracted' && outcome.parts.length).toBe(10_000);
    expect(outcome.kind === 'extracted' && outcome.parts.at(-1)).toEqual({ label: 'Page 10000', text: 'This is page 10000 of many.' });
  }, 240_000);

  it('that takes too long is read as far as time goes, and says how far', async () => {
    const short = new ExtractorPool({ ...DEFAULT_EXTRACTION, bounds: { ...DEFAULT_EXTRACTION.bounds, maxMs: 2_000 }, isolation });
    try {
      const pages = Array.from({ length: 20_000 }, () => ['Some words.']);
      const outcome = await extract('application/pdf', makePdf(pages), short);
      // Where the machine is too slow for even the first page the process is ended instead.
      if (outcome.kind === 'extracted')
        expect(outcome.notes[0]).toMatch(/^reading it takes longer than is allowed for one file: \d+ of its 20000 pages were read$/);
      else expect(outcome).toEqual({ kind: 'fault', reason: 'reading it took more than 3000 ms' });
    } finally {
      short.close();
    }
  }, 60_000);

  it.each([
    ['of nonsense', '%PDF-1.7\nnonsense'],
    [
      'that says that it has a million pages',
      Buffer.from(makePdf([['x']]))
        .toString('latin1')
        .replace('/Count 1 ', '/Count 1000000 '),
    ],
    [
      'whose pages hold themselves',
      '%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF',
    ],
    [
      'cut off in the middle',
      Buffer.from(makePdf([['x'], ['y']]))
        .toString('latin1')
        .slice(0, 600),
    ],
  ])(
    '%s comes to an end',
    async (_, content) => {
      const short = new ExtractorPool({ ...DEFAULT_EXTRACTION, bounds: { ...DEFAULT_EXTRACTION.bounds, maxMs: 4_000 }, isolation });
      try {
        expect(['extracted', 'refused', 'fault']).toContain((await extract('application/pdf', content, short)).kind);
      } finally {
        short.close();
      }
    },
    30_000,
  );
});

describe('a file that exhausts its process', () => {
  it('of memory fails alone, and its process ends with it', async () => {
    const little = new ExtractorPool({
      ...DEFAULT_EXTRACTION,
      bounds: { ...DEFAULT_EXTRACTION.bounds, maxMemoryBytes: 200 * MiB },
      isolation,
    });
    try {
      const strings = Array.from({ length: 1_500_000 }, (_, at) => `text ${at}`);
      const outcome = await extract(XLSX, makeXlsx('Sheet', '<row><c t="s"><v>1</v></c></row>', strings), little);
      expect(outcome).toEqual({
        kind: 'fault',
        reason: expect.stringMatching(/^(reading it took more than 200 MiB of memory|its process ended by itself)/),
      });
      expect(little.processes).toBe(0);
      expect(await extract('text/html', '<p>next', little)).toMatchObject({ parts: [{ text: 'next' }] });
    } finally {
      little.close();
    }
  }, 30_000);

  it('of time fails alone, and its process ends with it', async () => {
    const short = new ExtractorPool({ ...DEFAULT_EXTRACTION, bounds: { ...DEFAULT_EXTRACTION.bounds, maxMs: 100 }, isolation });
    try {
      // One step without an end in sight: the reader has no chance to look at the clock.
      const outcome = await extract('text/html', '<a b="'.repeat(20_000_000), short);
      expect(outcome).toMatchObject({ kind: 'fault', reason: 'reading it took more than 150 ms' });
      expect(short.processes).toBe(0);
    } finally {
      short.close();
    }
  }, 30_000);
});

describe('markup', () => {
  it('nested a million deep has its text', async () => {
    const html = `${'<div>'.repeat(1_000_000)}<h1>deep</h1>${'</div>'.repeat(1_000_000)}`;
    expect(await extract('text/html', html)).toEqual({ kind: 'extracted', parts: [{ label: '', text: '# deep' }], notes: [] });
    for (const tag of ['<ul><li>', '<table><tr><td>', '<blockquote>', '<b>', '<a href="https://example.com">', '<svg>']) {
      expect((await extract('text/html', `<p>first</p>${tag.repeat(200_000)}deep`)).kind).toBe('extracted');
    }
  });

  it('with entities that grow to a billion has them as they are written', async () => {
    const entities = Array.from({ length: 10 }, (_, at) => `<!ENTITY e${at + 1} "${`&e${at};`.repeat(10)}">`).join('');
    const xml = `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "lol">${entities}]><w:document><w:body>${wordParagraph('a &e10; b')}</w:body></w:document>`;
    const outcome = await extract(DOCX, makeZip([{ name: 'word/document.xml', content: xml }]));
    expect(sizeOf(outcome).characters).toBeLessThan(2_000);
    expect(JSON.stringify(outcome)).not.toContain('lollol');
  });

  it('in broken UTF-8 is read with marks where it is broken', async () => {
    const html = Uint8Array.from([...Buffer.from('<p>a'), 0xff, 0xc0, 0xed, 0xa0, 0x80, ...Buffer.from('b')]);
    expect(await extract('text/html', html)).toMatchObject({ parts: [{ text: expect.stringMatching(/^a\uFFFD+b$/) }] });
  });

  it('of 100 MB in one line is read up to a bound', async () => {
    const outcome = await extract('text/html', Buffer.alloc(100 * MiB, 'word '));
    expect(sizeOf(outcome)).toMatchObject({ notes: ['it holds more text than is read of one file'] });
  }, 60_000);

  it('that pretends to be one value of 50 MB in a table of values is read up to a bound', async () => {
    const outcome = await extract('text/csv', `name,text\nAnn,"${'x,\n'.repeat(15 * MiB)}`);
    expect(sizeOf(outcome).characters).toBeLessThanOrEqual(33 * MiB);
  }, 60_000);
});

describe('an archive', () => {
  it.each(['../../etc/passwd', '/etc/passwd', 'word/../../x', String.raw`..\..\x`])('that names the path %s is refused', async (name) => {
    const content = makeZip([
      { name, content: 'x' },
      { name: 'word/document.xml', content: '<w:document/>' },
    ]);
    expect(await extract(DOCX, content)).toEqual({ kind: 'refused', reason: 'its archive names a path outside of itself' });
  });

  it('with more files than any document has is refused', async () => {
    const content = makeZip(Array.from({ length: 20_001 }, (_, at) => ({ name: `f${at}`, content: '' })));
    expect(await extract(DOCX, content)).toEqual({ kind: 'refused', reason: 'its archive holds more than 20000 files' });
  });

  it('whose parts refer to files elsewhere is read without them', async () => {
    const relations =
      '<Relationships><Relationship Id="rId1" Type="x/slide" Target="../../../../etc/passwd"/><Relationship Id="rId2" Type="x/slide" Target="file:///etc/passwd" TargetMode="External"/></Relationships>';
    const content = makeZip([
      {
        name: 'ppt/presentation.xml',
        content: '<p:presentation><p:sldIdLst><p:sldId id="1" r:id="rId1"/><p:sldId id="2" r:id="rId2"/></p:sldIdLst></p:presentation>',
      },
      { name: 'ppt/_rels/presentation.xml.rels', content: relations },
    ]);
    expect(await extract(DOCX, content)).toEqual({ kind: 'extracted', parts: [], notes: [] });
  });

  it('with any byte changed is read or refused, never a fault', async () => {
    const good = makeDocx(wordParagraph('Some text.'));
    for (let at = 0; at < good.length; at += 7) {
      const broken = Uint8Array.from(good);
      broken[at] = (broken[at] ?? 0) ^ 0x55;
      expect(['extracted', 'refused']).toContain((await extract(DOCX, broken)).kind);
    }
  });
});
