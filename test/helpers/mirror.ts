import type { IncomingMessage, ServerResponse } from 'node:http';
import { startUpstream, type Upstream } from './upstream.ts';

/** An item of the source. */
export interface MirrorItem {
  id: string;
  title: string;
  text: string;
  /** Where it lies: `folder/name`. */
  path: string;
  /** Everyone when left out. */
  readers?: { accounts: string[]; groups: string[] };
}

/** What a test does with a request before the source answers it; true when it has answered itself. */
export type Interference = (request: IncomingMessage, response: ServerResponse, path: string) => boolean | Promise<boolean>;

/** The source that datasource `mirror` reads: it knows what changed when, what exists, and who is in which group. */
export interface MirrorSource {
  origin: string;
  requests: Upstream['requests'];
  put(item: Partial<MirrorItem> & { id: string }): void;
  remove(id: string): void;
  /** Is gone without a word in `/changes`, as in sources that do not tell. */
  vanish(id: string): void;
  setGroup(id: string, accounts: readonly string[]): void;
  items(): MirrorItem[];
  interfere(interference: Interference | undefined): void;
  close(): Promise<void>;
}

interface Entry {
  sequence: number;
  changedAtMs: number;
  item: MirrorItem | undefined;
}

/** Starts it with nothing in it. */
export async function startMirrorSource(): Promise<MirrorSource> {
  const entries = new Map<string, Entry>();
  const groups = new Map<string, readonly string[]>();
  let sequence = 0;
  let interference: Interference | undefined;
  const answer = (url: URL): unknown => {
    const number = (name: string): number => Number(url.searchParams.get(name) ?? '0');
    switch (url.pathname) {
      case '/mark':
        return { mark: sequence };
      case '/changes': {
        // What changes meanwhile moves behind `upto` and leaves a gap: pages go by sequence, not by place.
        const changed = [...entries].filter(([, entry]) => entry.sequence > number('after') && entry.sequence <= number('upto'));
        const page = changed.toSorted(([, one], [, other]) => one.sequence - other.sequence).slice(0, number('limit'));
        return pageOf(page, page.at(-1)?.[1].sequence ?? number('upto'), changed.length - page.length);
      }
      case '/changed': {
        const changed = [...entries].filter(([, entry]) => entry.changedAtMs >= number('since'));
        const sorted = changed.toSorted(([one], [other]) => (one < other ? -1 : 1));
        const page = sorted.slice(number('after'), number('after') + number('limit'));
        const next = number('after') + page.length;
        return pageOf(page, next, sorted.length - next);
      }
      case '/ids': {
        const all = [...entries].filter(([, { item }]) => item !== undefined).map(([id]) => id);
        const ids = all.toSorted().filter((id) => id > (url.searchParams.get('after') ?? ''));
        const page = ids.slice(0, number('limit'));
        return { ids: page, ...(ids.length > page.length ? { next: page.at(-1) } : {}) };
      }
      case '/groups': {
        const ids = [...groups.keys()].toSorted().filter((id) => id > (url.searchParams.get('after') ?? ''));
        const page = ids.slice(0, 2);
        const members = (id: string) => (groups.get(id) ?? []).map((name) => ({ kind: 'account', id: name }));
        return { groups: page.map((id) => ({ id, name: id, members: members(id) })), ...(ids.length > 2 ? { next: page.at(-1) } : {}) };
      }
      default:
        return undefined;
    }
  };
  const upstream = await startUpstream((request, response) => {
    void (async () => {
      const url = new URL(request.url ?? '/', 'http://mirror.example');
      if ((await interference?.(request, response, url.pathname)) === true) return;
      const body = answer(url);
      response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body ?? {}));
    })();
  });
  const change = (id: string, item: MirrorItem | undefined): void => {
    sequence += 1;
    entries.set(id, { sequence, changedAtMs: Date.now(), item });
  };
  return {
    origin: upstream.origin,
    requests: upstream.requests,
    put({ id, ...parts }) {
      const before = entries.get(id)?.item ?? { id, title: id, text: `The text of ${id}.`, path: id };
      change(id, { ...before, ...parts });
    },
    remove: (id) => change(id, undefined),
    vanish: (id) => void entries.delete(id),
    setGroup: (id, accounts) => void groups.set(id, accounts),
    items: () => [...entries.values()].flatMap(({ item }) => (item === undefined ? [] : [item])),
    interfere: (given) => (interference = given),
    close: () => upstream.close(),
  };
}

function pageOf(page: readonly (readonly [string, Entry])[], next: number, left: number): unknown {
  return { items: page.map(([id, { item, changedAtMs }]) => ({ id, changedAtMs, ...(item ?? { gone: true }) })), next, left };
}
