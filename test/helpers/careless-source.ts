import { startUpstream, type Upstream } from './upstream.ts';

/** The source that datasource `careless` reads: six items on three pages. */
export interface CarelessSource {
  origin: string;
  requests: Upstream['requests'];
  close(): Promise<void>;
}

const PAGE_SIZE = 2;

export async function startCarelessSource(): Promise<CarelessSource> {
  const items = ['a', 'b', 'c', 'd', 'e', 'f'].map((id) => ({ id, text: `The text of ${id}.` }));
  const answer = (url: URL): unknown => {
    switch (url.pathname) {
      case '/me':
        return { name: 'careless' };
      case '/items': {
        const page = Number(url.searchParams.get('page') ?? '0');
        const left = items.slice(page * PAGE_SIZE);
        return { items: left.slice(0, PAGE_SIZE), ...(left.length > PAGE_SIZE ? { next: page + 1 } : {}) };
      }
      case '/ids':
        return items.map(({ id }) => id);
      case '/consume':
        return { consumed: items.shift() };
      default:
        return undefined;
    }
  };
  const { origin, requests, close } = await startUpstream((request, response) => {
    const body = answer(new URL(request.url ?? '/', 'http://careless.example'));
    response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body ?? {}));
  });
  return { origin, requests, close };
}
