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
  /** Pages that were taken away since the first one was, and the one that was wanted a second time. */
  const taken = new Set<number>();
  let missed: number | undefined;
  const answer = (url: URL): unknown => {
    const page = Number(url.searchParams.get('page') ?? '0');
    switch (url.pathname) {
      case '/me':
        return { name: 'careless' };
      case '/items': {
        const left = items.slice(page * PAGE_SIZE);
        return { items: page === missed ? [] : left.slice(0, PAGE_SIZE), ...(left.length > PAGE_SIZE ? { next: page + 1 } : {}) };
      }
      case '/ids':
        return items.map(({ id }) => id);
      case '/consume':
        if (page === 0) taken.clear();
        missed = taken.has(page) ? page : undefined;
        taken.add(page);
        return {};
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
