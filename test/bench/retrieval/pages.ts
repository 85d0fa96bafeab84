import { once } from 'node:events';
import { open, type FileHandle } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { CollectionDocument, CollectionGroup } from './collection.ts';

/** The pages of a collection on disk, as `collection/source.ts` reads them. */
export interface Pages {
  documents: number;
  page(index: number): Promise<Uint8Array | undefined>;
  close(): Promise<void>;
}

const DOCUMENTS_PER_PAGE = 500;
/** So that a page of long documents stays well below what one response may hold. */
const MAX_PAGE_BYTES = 4 * 1024 * 1024;

interface Written {
  items: object[];
  contents: Uint8Array[];
  bytes: number;
}

/** Writes all documents into one file, in pages. */
export async function writePages(file: string, documents: AsyncIterable<CollectionDocument>): Promise<Pages> {
  const handle = await open(file, 'w+');
  const places: { from: number; bytes: number; items: string }[] = [];
  let end = 0;
  let count = 0;
  let page: Written = { items: [], contents: [], bytes: 0 };
  const flush = async (): Promise<void> => {
    places.push({ from: end, bytes: page.bytes, items: toAscii(JSON.stringify(page.items)) });
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
    count += 1;
  }
  await flush();
  return {
    documents: count,
    page: async (index) => {
      const place = places[index];
      if (place === undefined) return undefined;
      const head = Buffer.from(`{"pages":${places.length},"documents":${count},"items":${place.items}}\n`, 'latin1');
      return Buffer.concat([head, await readAt(handle, place.from, place.bytes)]);
    },
    close: () => handle.close(),
  };
}

async function readAt(handle: FileHandle, from: number, bytes: number): Promise<Uint8Array> {
  const content = Buffer.alloc(bytes);
  await handle.read(content, 0, bytes, from);
  return content;
}

/** The engine of the datasource has no decoder of UTF-8; escapes its JSON reads by itself. */
function toAscii(json: string): string {
  return json.replace(/[\u0080-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

export interface PageServer {
  origin: string;
  close(): Promise<void>;
}

/** Serves pages and groups on 127.0.0.1. */
export async function servePages(pages: Pages, groups: readonly CollectionGroup[]): Promise<PageServer> {
  const answer = async (path: string): Promise<Uint8Array | undefined> =>
    path === '/groups'
      ? Buffer.from(JSON.stringify(groups.map((group) => ({ ...group, name: group.id }))))
      : pages.page(Number(/^\/pages\/(\d+)$/.exec(path)?.[1] ?? -1));
  const server = createServer((request, response) => {
    void answer(request.url ?? '').then(
      (body) => response.writeHead(body === undefined ? 404 : 200).end(body),
      () => response.writeHead(500).end(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    origin: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
