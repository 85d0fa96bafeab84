import { spawn } from 'node:child_process';
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { CollectionDocument, CollectionGroup } from './collection.ts';

/** Where the pages of a collection are in a file, and what is served beside them. */
export interface Pages {
  documents: number;
  places: { from: number; bytes: number; items: string }[];
  groups: readonly CollectionGroup[];
}

const DOCUMENTS_PER_PAGE = 500;
/** So that a page of long documents stays well below what one response may hold. */
const MAX_PAGE_BYTES = 4 * 1024 * 1024;

interface Written {
  items: object[];
  contents: Uint8Array[];
  bytes: number;
}

/** Writes all documents into one file, in pages, and where they are into `FILE.json`. */
export async function writePages(
  file: string,
  documents: AsyncIterable<CollectionDocument>,
  groups: readonly CollectionGroup[],
): Promise<Pages> {
  await using handle = await open(file, 'w');
  const pages = { documents: 0, places: new Array<Pages['places'][number]>(), groups };
  let end = 0;
  let page: Written = { items: [], contents: [], bytes: 0 };
  const flush = async (): Promise<void> => {
    pages.places.push({ from: end, bytes: page.bytes, items: toAscii(JSON.stringify(page.items)) });
    await handle.write(Buffer.concat(page.contents));
    end += page.bytes;
    page = { items: [], contents: [], bytes: 0 };
  };
  for await (const { text, ...facts } of documents) {
    const content = Buffer.from(text);
    if (page.items.length === DOCUMENTS_PER_PAGE || (page.items.length > 0 && page.bytes + content.byteLength > MAX_PAGE_BYTES))
      await flush();
    page.items.push({ ...facts, bytes: content.byteLength });
    page.contents.push(content);
    page.bytes += content.byteLength;
    pages.documents += 1;
  }
  await flush();
  await writeFile(`${file}.json`, JSON.stringify(pages));
  return pages;
}

/** The engine of the datasource has no decoder of UTF-8; escapes its JSON reads by itself. */
function toAscii(json: string): string {
  return json.replace(/[\u0080-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

export interface PageServer {
  origin: string;
  close(): void;
}

/** Serves what `writePages` wrote on 127.0.0.1, from a process of its own: a source is none of the host's work. */
export async function servePages(file: string): Promise<PageServer> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'page-server.ts'), file], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const origin of createInterface({ input: child.stdout })) return { origin, close: () => child.kill() };
  throw new Error('the pages are not served');
}
