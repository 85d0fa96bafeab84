import { open, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Pages } from './pages.ts';

/** Serves the pages and groups of a collection, and says on its first line where: node page-server.ts FILE. */
const [, , file = ''] = process.argv;
const { documents, places, groups } = JSON.parse(await readFile(`${file}.json`, 'utf8')) as Pages;
const pages = await open(file);

const server = createServer((request, response) => {
  void answer(request.url ?? '').then(
    (body) => response.writeHead(body === undefined ? 404 : 200).end(body),
    () => response.writeHead(500).end(),
  );
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}\n`);
});

async function answer(path: string): Promise<Uint8Array | undefined> {
  if (path === '/groups') return Buffer.from(JSON.stringify(groups.map((group) => ({ ...group, name: group.id }))));
  const place = places[Number(/^\/pages\/(\d+)$/.exec(path)?.[1] ?? -1)];
  if (place === undefined) return undefined;
  const head = Buffer.from(`{"pages":${places.length},"documents":${documents},"items":${place.items}}\n`, 'latin1');
  const content = Buffer.alloc(place.bytes);
  await pages.read(content, 0, place.bytes, place.from);
  return Buffer.concat([head, content]);
}
