import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** What a test's server saw. */
export interface Seen {
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
}

/** What it answers. */
export interface Answer {
  status?: number;
  headers?: Record<string, string>;
  json?: unknown;
  bytes?: Uint8Array;
}

type Route = Answer | ((seen: Seen) => Answer);

/** A server on loopback that answers as GitHub does at the edges, where no emulator goes. */
export interface EdgeServer {
  url: string;
  /** By path, without the query; later ones replace earlier ones. What is not there is a 404. */
  on(path: string, route: Route): void;
  readonly seen: Seen[];
  /** How much later each answer says that it is than the one before. No time passes. */
  delayMs: number;
  close(): Promise<void>;
}

export async function startEdgeServer(): Promise<EdgeServer> {
  const routes = new Map<string, Route>();
  const seen: Seen[] = [];
  const edge: EdgeServer = { url: '', on: (path, route) => void routes.set(path, route), seen, delayMs: 0, close: () => close(server) };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const asked: Seen = { path: decodeURIComponent(url.pathname), query: url.searchParams, headers: request.headers };
    seen.push(asked);
    const route = routes.get(asked.path);
    const answer = typeof route === 'function' ? route(asked) : (route ?? { status: 404, json: { message: 'Not Found' } });
    const date = new Date(Date.now() + seen.length * edge.delayMs).toUTCString();
    send(response, { ...answer, headers: { date, ...answer.headers } });
  });
  edge.url = `http://127.0.0.1:${await listen(server)}`;
  return edge;
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function send(response: ServerResponse, answer: Answer): void {
  const body = answer.bytes ?? Buffer.from(answer.json === undefined ? '' : JSON.stringify(answer.json));
  const mediaType = answer.bytes === undefined ? 'application/json; charset=utf-8' : 'application/vnd.github.raw+json';
  const limits = { 'x-ratelimit-limit': '5000', 'x-ratelimit-remaining': '4321', 'x-ratelimit-reset': '1900000000' };
  response.writeHead(answer.status ?? 200, { 'content-type': mediaType, ...limits, ...answer.headers });
  response.end(answer.status === 304 ? undefined : body);
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return address.port;
}

/** A repository with files on its default branch, served by the git endpoints. Change it and the server follows. */
export interface EdgeRepository {
  id: number;
  fullName: string;
  private?: boolean;
  files: Record<string, string | Uint8Array>;
  /** Files whose content is forbidden. */
  refused?: ReadonlySet<string>;
  /** Trees with more entries than this are cut short. */
  maxTreeEntries?: number;
}

/** Serves `/repos/OWNER/NAME`, its head (with ETag), its trees and its blobs. */
export function serveRepository(server: EdgeServer, repository: EdgeRepository): void {
  const at = `/repos/${repository.fullName}`;
  server.on(at, () => ({ json: repositoryJson(repository) }));
  server.on(`/repositories/${repository.id}`, () => ({ json: repositoryJson(repository) }));
  const refresh = (): { head: string } => {
    const trees = treesOf(repository.files);
    const head = shaOf('commit', Buffer.from(`tree ${trees.get('')?.sha}`));
    for (const tree of trees.values()) server.on(`${at}/git/trees/${tree.sha}`, (seen) => treeAnswer(repository, tree, trees, seen));
    const root = trees.get('');
    if (root !== undefined) {
      for (const name of [head, 'main']) server.on(`${at}/git/trees/${name}`, (seen) => treeAnswer(repository, root, trees, seen));
    }
    for (const [path, content] of Object.entries(repository.files)) {
      const refused = repository.refused?.has(path) === true;
      server.on(
        `${at}/git/blobs/${blobSha(content)}`,
        refused ? { status: 403, json: { message: 'Forbidden' } } : { bytes: Buffer.from(content) },
      );
    }
    server.on(`${at}/git/commits/${head}`, { json: { sha: head, committer: { date: '2026-05-06T07:08:09Z' } } });
    return { head };
  };
  server.on(`${at}/git/ref/heads/main`, ({ headers }) => {
    const { head } = refresh();
    if (headers['if-none-match'] === `"${head}"`) return { status: 304 };
    return { json: { ref: 'refs/heads/main', object: { type: 'commit', sha: head } }, headers: { etag: `"${head}"` } };
  });
  refresh();
}

export function repositoryJson({
  id,
  fullName,
  private: isPrivate = false,
}: Pick<EdgeRepository, 'id' | 'fullName' | 'private'>): Record<string, unknown> {
  const [owner, name] = fullName.split('/');
  return {
    id,
    name,
    full_name: fullName,
    owner: { login: owner },
    private: isPrivate,
    html_url: `https://github.com/${fullName}`,
    default_branch: 'main',
    fork: false,
  };
}

/** An issue as its list gives it; a pull request when `pull` is given. */
export function issueJson(fullName: string, number: number, fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    number,
    title: `Issue ${number}`,
    body: `The text of issue ${number}.`,
    html_url: `https://github.com/${fullName}/issues/${number}`,
    user: { login: 'octocat' },
    state: 'open',
    labels: [],
    comments: 0,
    created_at: '2026-01-01T00:00:00Z',
    updated_at: '2026-01-02T00:00:00Z',
    closed_at: null,
    ...fields,
  };
}

interface GitTree {
  sha: string;
  path: string;
  entries: { name: string; type: 'blob' | 'tree'; sha: string; size?: number }[];
}

function treeAnswer(repository: EdgeRepository, tree: GitTree, trees: Map<string, GitTree>, { query }: Seen): Answer {
  const own = tree.entries.map(({ name, ...entry }) => toEntry({ ...entry, path: name }));
  const prefix = tree.path === '' ? '' : `${tree.path}/`;
  const below = [...trees.values()].filter(({ path }) => path.startsWith(prefix) && path !== tree.path);
  const deep = below.flatMap(({ path, entries }) =>
    entries.map(({ name, ...entry }) => toEntry({ ...entry, path: `${path.slice(prefix.length)}/${name}` })),
  );
  const all = query.get('recursive') === '1' ? [...own, ...deep] : own;
  const limit = repository.maxTreeEntries ?? Infinity;
  const isCut = query.get('recursive') === '1' && all.length > limit;
  return { json: { sha: tree.sha, tree: isCut ? all.slice(0, limit) : all, truncated: isCut } };
}

function toEntry(entry: { path: string; type: string; sha: string; size?: number }): object {
  return { ...entry, mode: entry.type === 'tree' ? '040000' : '100644' };
}

/** Every folder as git would store it, by path. */
function treesOf(files: EdgeRepository['files']): Map<string, GitTree> {
  const folders = new Set(['']);
  for (const path of Object.keys(files))
    path
      .split('/')
      .slice(0, -1)
      .forEach((_, index, parts) => folders.add(parts.slice(0, index + 1).join('/')));
  const trees = new Map<string, GitTree>();
  for (const folder of [...folders].toSorted((a, b) => b.length - a.length)) {
    const isIn = (path: string): boolean => path.slice(0, Math.max(0, path.lastIndexOf('/'))) === folder;
    const blobs = Object.entries(files)
      .filter(([path]) => isIn(path))
      .map(([path, content]) => ({ name: nameOf(path), type: 'blob' as const, sha: blobSha(content), size: Buffer.byteLength(content) }));
    const subtrees = [...trees.values()]
      .filter(({ path }) => path !== '' && isIn(path))
      .map(({ path, sha }) => ({ name: nameOf(path), type: 'tree' as const, sha }));
    const entries = [...blobs, ...subtrees].toSorted((a, b) => (a.name < b.name ? -1 : 1));
    trees.set(folder, { path: folder, entries, sha: shaOf('tree', Buffer.from(JSON.stringify(entries))) });
  }
  return trees;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function blobSha(content: string | Uint8Array): string {
  return shaOf('blob', Buffer.from(content));
}

function shaOf(type: string, content: Buffer): string {
  return createHash('sha1').update(`${type} ${content.length}\0`).update(content).digest('hex');
}
