/** Runs on the other side of the boundary: the text of a PDF, a part for each page. */
import { getDocumentProxy } from 'unpdf';
import type { MarkdownWriter } from './markdown-writer.sandboxed.ts';
import { Enough, type Reading, Unreadable } from './reading.sandboxed.ts';

type PdfDocument = Awaited<ReturnType<typeof getDocumentProxy>>;

/** A line is further from the one before than this many times its height: a new paragraph. */
const PARAGRAPH_GAP = 1.7;
/** What a person wants listed of pages without text. */
const MAX_LISTED_RANGES = 10;
/** Pictures are objects of their own and never inside of compressed ones, so the file's bytes tell whether it has any. */
const PICTURE = /\/Subtype\s{0,10}\/Image\b/;

/** Throws `Unreadable` for what is no PDF, for one that needs a password, and for one that is all pictures. */
export async function readPdf(reading: Reading, content: Uint8Array): Promise<void> {
  const hasPictures = PICTURE.test(Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('latin1'));
  const document = await open(content);
  const empty: number[] = [];
  try {
    for (let page = 1; page <= document.numPages; page += 1) {
      try {
        reading.checkTime();
        if (!(await readPage(document, page, reading.begin(`Page ${page}`)))) empty.push(page);
      } catch (error) {
        if (!(error instanceof Enough)) reading.note(`page ${page} cannot be read`);
        else throw new Enough(`${error.message}: ${page - 1} of its ${document.numPages} pages were read`);
      }
    }
  } finally {
    if (hasPictures && empty.length > 0 && empty.length < document.numPages) reading.note(scanned(empty, document.numPages));
    await document.loadingTask.destroy();
  }
  if (hasPictures && empty.length === document.numPages)
    throw new Unreadable(`none of its ${document.numPages} pages has text: they look scanned`);
}

async function open(content: Uint8Array): Promise<PdfDocument> {
  try {
    return await getDocumentProxy(new Uint8Array(content), { verbosity: 0 });
  } catch (error) {
    const name = error instanceof Error ? error.name : '';
    if (name === 'PasswordException') throw new Unreadable('it needs a password');
    throw new Unreadable('it is no PDF that can be read');
  }
}

/** Whether the page has a word. */
async function readPage(document: PdfDocument, number: number, writer: MarkdownWriter): Promise<boolean> {
  const page = await document.getPage(number);
  const { items } = await page.getTextContent();
  let line = '';
  let above: { y: number; height: number } | undefined;
  let hasText = false;
  const endLine = (): void => {
    // A word that was cut at the end of a line is one word.
    if (/\p{Ll}-$/u.test(line)) writer.text(line.slice(0, -1));
    else if (line !== '') writer.text(`${line} `);
    line = '';
  };
  for (const item of items) {
    if (!('str' in item)) continue;
    const y: unknown = item.transform[5];
    if (item.str.trim() !== '' && typeof y === 'number') {
      if (line === '' && above !== undefined && Math.abs(above.y - y) > PARAGRAPH_GAP * Math.max(item.height, above.height))
        writer.paragraph();
      above = { y, height: item.height };
      hasText = true;
    }
    line += item.str;
    if (item.hasEOL) endLine();
  }
  endLine();
  page.cleanup();
  return hasText;
}

function scanned(pages: readonly number[], count: number): string {
  const ranges: [first: number, last: number][] = [];
  for (const page of pages) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === page - 1) last[1] = page;
    else ranges.push([page, page]);
  }
  const listed = ranges.slice(0, MAX_LISTED_RANGES).map(([first, last]) => (first === last ? `${first}` : `${first} to ${last}`));
  const more = ranges.length > MAX_LISTED_RANGES ? ', …' : '';
  return `${pages.length} of its ${count} pages have no text and look scanned: ${listed.join(', ')}${more}`;
}
