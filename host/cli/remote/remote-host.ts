import { answerOf, createHostClient, HostError, type HostClient } from '../../../clients/typescript/client.ts';
import { errorCodes, RequestError, type ErrorCode } from '../../domain/errors.ts';
import type { Page, PageInput } from '../../services/page.ts';
import { UsageError } from '../exit.ts';

/** A host that a command acts on from elsewhere. */
export interface RemoteHost {
  client: HostClient;
  /** The body of a success. What the host answers otherwise, as the error that its own service has thrown; UPSTREAM_FAULT when it does not answer. */
  ask: typeof answerOf;
}

export function remoteHost(options: { url: string; key: string }): RemoteHost {
  const client = createHostClient(options);
  return {
    client,
    async ask(exchange) {
      try {
        return await answerOf(exchange);
      } catch (cause) {
        throw toError(cause, options.url);
      }
    },
  };
}

function toError(cause: unknown, url: string): RequestError {
  if (!(cause instanceof HostError)) {
    // No cause: it may hold the request with its key.
    return new RequestError('UPSTREAM_FAULT', `The host at ${url} does not answer.`, {
      remedy: 'Check the address, and that the host runs.',
    });
  }
  const { code, detail, remedy, errors = [] } = cause.problem;
  const known: ErrorCode = errorCodes().find((candidate) => candidate === code) ?? 'UPSTREAM_FAULT';
  return new RequestError(known, detail, { ...(remedy === undefined ? {} : { remedy }), problems: errors });
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
