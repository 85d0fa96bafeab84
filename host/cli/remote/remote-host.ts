import { answerOf, createHostClient, HostError, type HostClient } from '../../../clients/typescript/client.ts';
import { errorCodes, RequestError, type ErrorCode } from '../../domain/errors.ts';
import type { Page, PageInput } from '../../services/page.ts';
import { Interrupted, UsageError } from '../exit.ts';

/** A host that a command acts on from elsewhere. */
export interface RemoteHost {
  client: HostClient;
  /** The body of a success. What the host answers otherwise, as the error that its own service has thrown; UPSTREAM_FAULT when it does not answer. */
  ask: typeof answerOf;
}

export interface RemoteHostOptions {
  url: string;
  key: string;
  /** Ends every request when the person at the keyboard ends the command. */
  signal: AbortSignal;
  /** How long the host may take to answer what is quickly answered, in milliseconds. */
  answerMs?: number;
}

const ANSWER_MS = 20_000;

export function remoteHost({ url, key, signal, answerMs = ANSWER_MS }: RemoteHostOptions): RemoteHost {
  const client = createHostClient({ url, key, fetch: sender({ url, signal, answerMs }) });
  return {
    client,
    async ask(exchange) {
      try {
        return await answerOf(exchange);
      } catch (cause) {
        if (signal.aborted) throw new Interrupted('Stopped. What the host was asked to do may be done all the same.');
        throw toError(cause, url);
      }
    },
  };
}

/**
 * Sends requests with an end to each. What is read has to come soon. A change may take long, as trying an upgrade does, but not before the host
 * has shown that it answers at all.
 */
function sender({ url, signal, answerMs }: Required<Omit<RemoteHostOptions, 'key'>>): (request: Request) => Promise<Response> {
  let answers = false;
  const soon = (request: Request | string): Promise<Response> =>
    fetch(request, { redirect: 'error', signal: AbortSignal.any([signal, AbortSignal.timeout(answerMs)]) });
  return async (request) => {
    const isRead = request.method === 'GET';
    if (!answers && !isRead) await (await soon(`${url.replace(/\/+$/, '')}/healthz`)).body?.cancel();
    const response = isRead ? await soon(request) : await fetch(request, { signal });
    answers = true;
    return response;
  };
}

function toError(cause: unknown, url: string): RequestError {
  if (!(cause instanceof HostError)) {
    // No cause: it may hold the request with its key.
    return new RequestError('UPSTREAM_FAULT', `The host at ${url} ${howItFailed(cause)}.`, {
      remedy: 'Check the address, and that the host runs.',
    });
  }
  const { code, detail, remedy, errors = [] } = cause.problem;
  const known: ErrorCode = errorCodes().find((candidate) => candidate === code) ?? 'UPSTREAM_FAULT';
  return new RequestError(known, detail, { ...(remedy === undefined ? {} : { remedy }), problems: errors });
}

function howItFailed(cause: unknown): string {
  if (cause instanceof SyntaxError) return 'answers with something that is no JSON';
  return cause instanceof Error && cause.name === 'TimeoutError' ? 'takes too long to answer' : 'does not answer';
}

/**
 * A service with the methods that the API has routes for. The others throw a `UsageError`: they need files or processes of the
 * machine that the host runs on.
 */
export function withRoutes<T extends object>(routed: Partial<T>): T {
  const service = new Proxy(routed, {
    get: (target, name) => (Reflect.has(target, name) ? Reflect.get(target, name) : needsTheMachine),
  });
  // Every property that T has is there: it is routed, or it throws.
  return service as T;
}

/** Of what has no route. */
export function needsTheMachine(): never {
  throw new UsageError('This needs the machine of the host.', 'Run it there, without --url and LORELAI_HOST_URL.');
}

/** The query of a paged list. */
export function pageQuery({ limit, after }: PageInput): { limit: number; after?: string } {
  return after === undefined ? { limit } : { limit, after };
}

/** A page as services give it. */
export function toPage<B, T>({ items, next }: { items: B[]; next?: string }, toItem: (body: B) => T): Page<T> {
  return { items: items.map(toItem), next };
}

/** Milliseconds of a moment that may be absent. */
export function toMs(timestamp: string | undefined): number | undefined {
  return timestamp === undefined ? undefined : Date.parse(timestamp);
}

/** Where a thing of an organisation is. */
export function oneOf(organisation: string, id: string): { path: { id: string }; query: { organisation: string } } {
  return { path: { id }, query: { organisation } };
}
