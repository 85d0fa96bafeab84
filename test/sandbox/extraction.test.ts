import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ExtractionOutcome } from '../../host/domain/extraction.ts';
import { DEFAULT_EXTRACTION, ExtractorPool } from '../../host/sandbox/extractor.ts';
import { findIsolation } from '../../host/sandbox/find-isolation.ts';
import type { Isolation } from '../../host/sandbox/isolation.ts';
import { DOCX, makeDocx, makeMail, makePdf, makePptx, makeXlsx, makeZip, PPTX, wordParagraph, XLSX } from '../helpers/office-files.ts';
import { childrenOf } from '../helpers/processes.ts';

const NEVER = new AbortController().signal;

let isolation: Isolation;
let pool: ExtractorPool;

beforeAll(async () => {
  ({ isolation } = await findIsolation('auto'));
  pool = new ExtractorPool({ ...DEFAULT_EXTRACTION, isolation });
});

afterAll(() => pool.close());

function extract(mediaType: string, content: string | Uint8Array, extractor = pool, owner = 'acme/files'): Promise<ExtractionOutcome> {
  const bytes = typeof content === 'string' ? new Uint8Array(Buffer.from(content)) : content;
  return extractor.extract({ mediaType, content: bytes }, owner, NEVER);
}

/** The only part of a file that has no named ones. */
async function textOf(mediaType: string, content: string | Uint8Array): Promise<string | undefined> {
  const outcome = await extract(mediaType, content);
  expect(outcome).toMatchObject({ kind: 'extracted', parts: [{ label: '' }], notes: [] });
  return outcome.kind === 'extracted' ? outcome.parts[0]?.text : undefined;
}

function wordCell(text: string): string {
  return `<w:tc>${wordParagraph(text)}</w:tc>`;
}

describe('HTML', () => {
  it('keeps headings, lists, tables, code and links, and nothing that people do not see', async () => {
    const html = `<!doctype html><html><head><title>x</title><style>p { color: red }</style><script>alert("no")</script></head>
      <body><nav>Home</nav><h1>Big <em>title</em></h1><p>One &amp; two<br>three <a href="https://example.com/a">there</a> <a href="/b">here</a>
      <ul><li>first<li>second<ol><li>inner</ol></ul><table><tr><th>name<th>a|b<tr><td>Ann<td>1</table>
      <pre>if (x)\n  y</pre><blockquote>said</blockquote># no heading</body>`;
    expect(await textOf('text/html', html)).toBe(
      [
        '# Big title',
        'One & two\nthree [there](https://example.com/a) here',
        '- first\n- second\n  1. inner',
        '| name | a\\|b |\n| --- | --- |\n| Ann | 1 |',
        '```\nif (x)\n  y\n```',
        '> said',
        '\\# no heading',
      ].join('\n\n'),
    );
  });

  it('is read in its charset, whoever names it', async () => {
    const latin = Uint8Array.from([...Buffer.from('<p>caf'), 0xe9]);
    expect(await textOf('text/html; charset=iso-8859-1', latin)).toBe('café');
    expect(await textOf('text/html', Uint8Array.from([...Buffer.from('<meta charset="iso-8859-1">'), ...latin]))).toBe('café');
  });

  it('that only arranges its text in tables keeps the text', async () => {
    expect(await textOf('text/html', '<table><tr><td><table><tr><td>left</table><td>right</table>')).toBe('left\n\nright');
  });
});

describe('PDF', () => {
  it('has a part for each page, paragraphs, and words that were cut at the end of a line', async () => {
    expect(await extract('application/pdf', makePdf([['An exam-', 'ple of text.'], ['Second page.']]))).toEqual({
      kind: 'extracted',
      parts: [
        { label: 'Page 1', text: 'An example of text.' },
        { label: 'Page 2', text: 'Second page.' },
      ],
      notes: [],
    });
  });

  it('whose pages are pictures is refused with that reason; with some of them it says which', async () => {
    expect(await extract('application/pdf', makePdf([[], []]))).toEqual({
      kind: 'refused',
      reason: 'none of its 2 pages has text: they look scanned',
    });
    expect(await extract('application/pdf', makePdf([['Text.'], [], [], ['More.'], []]))).toMatchObject({
      kind: 'extracted',
      parts: [{ label: 'Page 1' }, { label: 'Page 4' }],
      notes: ['3 of its 5 pages have no text and look scanned: 2 to 3, 5'],
    });
  });

  it('under a media type that says nothing is known by its beginning', async () => {
    expect(await extract('application/octet-stream', makePdf([['Text.']]))).toMatchObject({ parts: [{ label: 'Page 1', text: 'Text.' }] });
    expect(await extract('application/octet-stream', 'anything')).toEqual({ kind: 'unsupported' });
  });
});

describe('office files', () => {
  it('of Word keep headings in any language, lists, tables and footnotes', async () => {
    const body = [
      wordParagraph('One', '<w:pStyle w:val="Kop1"/><w:numPr><w:ilvl w:val="0"/></w:numPr>'),
      wordParagraph('Some &amp; more'),
      wordParagraph('Two', '<w:pStyle w:val="Kop2"/>'),
      wordParagraph('entry', '<w:numPr><w:ilvl w:val="1"/></w:numPr>'),
      `<w:tbl><w:tr>${wordCell('name')}${wordCell('size')}</w:tr><w:tr>${wordCell('Ann')}${wordCell('1')}</w:tr></w:tbl>`,
      '<w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>',
    ].join('');
    const footnotes = { name: 'word/footnotes.xml', content: `<w:footnotes>${wordParagraph('A note.')}</w:footnotes>` };
    expect(await extract(DOCX, makeDocx(body, [footnotes]))).toEqual({
      kind: 'extracted',
      parts: [
        { label: '', text: '# One\n\nSome & more\n\n## Two\n\n  - entry\n\n| name | size |\n| --- | --- |\n| Ann | 1 |' },
        { label: 'Footnotes', text: 'A note.' },
      ],
      notes: [],
    });
  });

  it('of Excel are tables of what people see, without hidden sheets', async () => {
    const rows = `<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="inlineStr"><is><t>when</t></is></c><c r="C1" t="str"><v>done</v></c></row>
      <row r="3"><c r="A3"><v>1.5</v></c><c r="B3" s="1"><v>46053</v></c><c r="C3" t="b"><v>1</v></c></row>`;
    expect(await extract(XLSX, makeXlsx('Plan', rows, ['size']))).toEqual({
      kind: 'extracted',
      parts: [{ label: 'Plan', text: '| size | when | done |\n| --- | --- | --- |\n| 1.5 | 2026-01-31 | TRUE |' }],
      notes: [],
    });
  });

  it('of PowerPoint have a part for each slide in its order, with its notes', async () => {
    const slides = [
      { title: 'First', text: 'Hello', notes: 'Say hello.' },
      { title: 'Second', text: 'Bye', notes: 'Wave.' },
    ];
    expect(await extract(PPTX, makePptx(slides))).toMatchObject({
      parts: [
        { label: 'Slide 1', text: '# First\n\nHello\n\nSay hello.' },
        { label: 'Slide 2', text: '# Second\n\nBye\n\nWave.' },
      ],
    });
  });

  it.each([
    [
      'of the time before 2007',
      Uint8Array.of(0xd0, 0xcf, 0x11, 0xe0),
      'it is of the format before 2007, or needs a password; save it anew as DOCX, XLSX or PPTX',
    ],
    ['cut off', makeDocx(wordParagraph('x')).subarray(0, 300), 'it is no archive, or only a part of one'],
    ['that are other archives', makeZip([{ name: 'a.txt', content: 'a' }]), 'its archive holds no document, presentation or workbook'],
  ])('%s are refused with the reason', async (_, content, reason) => {
    expect(await extract(DOCX, content)).toEqual({ kind: 'refused', reason });
  });
});

describe('other files', () => {
  it('of separated values are tables, whatever separates them', async () => {
    const table = '| name | said |\n| --- | --- |\n| Ann | "a", b |';
    expect(await textOf('text/csv', 'name,said\r\nAnn,"""a"", b"\r\n')).toBe(table);
    expect(await textOf('text/csv', '\uFEFFname;said\nAnn;"""a"", b"')).toBe(table);
    expect(await textOf('text/tab-separated-values', 'name\tsaid\nAnn\t"a", b')).toBe(table.replace('"a", b', 'a, b'));
  });

  it('of Rich Text have their text', async () => {
    const rtf = String.raw`{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\b Bold} caf\'e9 \u8364?1\par{\*\generator x;}Next\cell one\row}`;
    expect(await textOf('application/rtf', rtf)).toBe('Bold café €1\n\nNext | one');
  });

  it('of mail have who wrote when, the text, and what is attached; what cannot be read of it is said', async () => {
    const mail = makeMail('See below.', [
      { name: 'a.pdf', mediaType: 'application/pdf', content: makePdf([['Attached.']]) },
      { name: 'b.zip', mediaType: 'application/zip', content: makeZip([]) },
      { name: 'c.docx', mediaType: DOCX, content: Uint8Array.of(1) },
    ]);
    expect(await extract('message/rfc822', mail)).toEqual({
      kind: 'extracted',
      parts: [
        {
          label: '',
          text: '# Grün\n\nFrom: Ann Other (ann@example.com)\n\nTo: Bob (bob@example.com)\n\nDate: 2026-01-31T10:00:00.000Z\n\nSee below.',
        },
        { label: 'Attachment a.pdf, Page 1', text: 'Attached.' },
      ],
      notes: [
        'Attachment b.zip was left out: files of the type application/zip are not read',
        'Attachment c.docx was left out: it is no archive, or only a part of one',
      ],
    });
  });

  it.each(['image/png', 'video/mp4', 'application/zip', 'application/x-unheard-of'])('of the type %s are for nobody', async (mediaType) => {
    expect(await extract(mediaType, 'x')).toEqual({ kind: 'unsupported' });
  });
});

describe('processes', () => {
  it('read many files, are few, and start when they are needed', async () => {
    const few = new ExtractorPool({ ...DEFAULT_EXTRACTION, maxProcesses: 2, isolation });
    try {
      expect(few.processes).toBe(0);
      for (let at = 0; at < 5; at += 1) await extract('text/html', `<p>${at}`, few, 'acme/files');
      expect(few.processes).toBe(1);
      const owners = ['a/x', 'b/x', 'c/x', 'd/x'];
      const outcomes = await Promise.all(owners.map((owner) => extract('text/html', `<p>${owner}`, few, owner)));
      expect(outcomes).toEqual(owners.map((text) => ({ kind: 'extracted', parts: [{ label: '', text }], notes: [] })));
      expect(few.processes).toBe(2);
    } finally {
      few.close();
    }
  });

  it('never read files of two owners', async () => {
    const one = new ExtractorPool({ ...DEFAULT_EXTRACTION, maxProcesses: 1, isolation });
    try {
      const others = new Set(await childrenOf(process.pid));
      const own = async (owner: string): Promise<number[]> => {
        await extract('text/html', '<p>x', one, owner);
        return (await childrenOf(process.pid)).filter((pid) => !others.has(pid));
      };
      const first = await own('acme/files');
      expect(first).toHaveLength(1);
      expect(await own('acme/files')).toEqual(first);
      // Another process reads for another owner, and the first is gone.
      expect((await own('other/files')).filter((pid) => !first.includes(pid))).toHaveLength(1);
      await expect.poll(() => own('other/files').then((pids) => pids.filter((pid) => first.includes(pid)))).toEqual([]);
    } finally {
      one.close();
    }
  });

  it('end after so many files, and when nobody needs them', async () => {
    const short = new ExtractorPool({ ...DEFAULT_EXTRACTION, maxFilesOfProcess: 2, idleMs: 100, isolation });
    try {
      await extract('text/html', '<p>1', short);
      expect(short.processes).toBe(1);
      await extract('text/html', '<p>2', short);
      expect(short.processes).toBe(0);
      await extract('text/html', '<p>3', short);
      await expect.poll(() => short.processes).toBe(0);
    } finally {
      short.close();
    }
  });

  it('are ended with a file that is not wanted any more', async () => {
    const stop = new AbortController();
    const reading = pool.extract(
      { mediaType: 'application/pdf', content: makePdf(Array.from({ length: 500 }, () => ['text'])) },
      'acme/stopped',
      stop.signal,
    );
    stop.abort();
    expect(await reading).toEqual({ kind: 'fault', reason: 'it was cancelled' });
    expect(await extract('text/html', '<p>next', pool, 'acme/stopped')).toMatchObject({ kind: 'extracted' });
  });
});
