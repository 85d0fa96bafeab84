import createClient, { type Client, type Middleware } from 'openapi-fetch';
import type { paths, Problem } from './api.generated.ts';

export type * from './api.generated.ts';

/** Where a host is, and who asks. */
export interface HostClientOptions {
  /** Its address without a path: `https://datasources.example.com`. */
  url: string;
  /** A key of the host (`lorelai_…`), or a token of its OpenID provider. */
  key: string;
  /** What sends requests; that of the platform when left out. */
  fetch?: (request: Request) => Promise<Response>;
}

/** Every operation of the document, typed: `client.GET('/api/v1/runs/{id}', { params: { path: { id } } })`. */
export type HostClient = Client<paths>;

/** What the host answered when it did not do what it was asked. `problem` is its whole answer. */
export class HostError extends Error {
  override readonly name = 'HostError';
  readonly problem: Problem;
  /** Seconds after which it may be asked again, where it says so. */
  readonly retryAfterS: number | undefined;

  constructor(problem: Problem, retryAfterS: number | undefined) {
    super(problem.detail);
    this.problem = problem;
    this.retryAfterS = retryAfterS;
  }
}

/**
 * A client of one host. Every POST gets an `Idempotency-Key` unless it has one. Redirects are not
 * followed: the key goes nowhere but to `url`.
 */
export function createHostClient({ url, key, fetch: send }: HostClientOptions): HostClient {
  const client = createClient<paths>({
    baseUrl: url.replace(/\/+$/, ''),
    redirect: 'error',
    ...(send === undefined ? {} : { fetch: send }),
    headers: { authorization: `Bearer ${key}` },
  });
  client.use(ONCE);
  return client;
}

const ONCE: Middleware = {
  onRequest({ request }) {
    if (request.method === 'POST' && !request.headers.has('idempotency-key')) request.headers.set('idempotency-key', crypto.randomUUID());
    return request;
  },
};

/** What `client.GET` and its like resolve with. */
interface Exchange<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The body of a success; a `HostError` for everything else. */
export async function answerOf<T>(exchange: Promise<Exchange<T>>): Promise<T> {
  const { data, error, response } = await exchange;
  if (response.ok) {
    // Without a body only where the type says so: 204.
    return data as T;
  }
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
  throw new HostError(isProblem(error) ? error : strange(response), Number.isFinite(retryAfter) ? retryAfter : undefined);
}

/** Every item of a list, page after page. */
export async function* everyItem<T>(list: (after: string | undefined) => Promise<{ items: T[]; next?: string }>): AsyncGenerator<T> {
  let after: string | undefined;
  do {
    const page = await list(after);
    yield* page.items;
    after = page.next;
  } while (after !== undefined);
}

function isProblem(error: unknown): error is Problem {
  return typeof error === 'object' && error !== null && 'code' in error && 'detail' in error && 'status' in error;
}

/** Something between us and the host has answered. */
function strange({ status }: Response): Problem {
  return {
    type: 'about:blank',
    title: 'The answer is none of a host',
    status,
    detail: `What answers there is no host, or one that cannot be reached through it: status ${status}.`,
    code: 'UPSTREAM_FAULT',
    requestId: '',
  };
}
