import { Agent, request as send, type Dispatcher } from 'undici';
import { RequestError } from '../domain/errors.ts';
import { isLoopbackHost } from '../domain/loopback.ts';
import { parseNetworks } from './address.ts';
import { checkedLookup, forbiddenCause, refusedLiteral } from './checked-lookup.ts';

/** A request of the host itself to where datasources come from. */
export interface RemoteRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT';
  headers?: Readonly<Record<string, string>>;
  /** Sent to the origin that was asked first, and to no other. */
  authorization?: string | undefined;
  body?: Uint8Array;
  /** Of the answer. */
  maxBytes: number;
}

export interface RemoteAnswer {
  status: number;
  /** Lower-case names; of several with one name, the first. */
  headers: ReadonlyMap<string, string>;
  body: Uint8Array;
  /** Where the answer came from, behind redirects. */
  url: URL;
}

/**
 * Asks a server that an operator named, or that such a server named. The first may lie in a private network; any other has a
 * public address, which is the one that is dialled. https, but on this machine. SOURCE_UNREACHABLE, SOURCE_UNUSABLE when the answer
 * is larger than it may be.
 */
export type RemoteFetch = (url: URL, request: RemoteRequest) => Promise<RemoteAnswer>;

const MAX_REDIRECTS = 5;
const CONNECT_TIMEOUT_MS = 10_000;
/** Without a byte for so long, or altogether so long, a server is given up. */
const SILENCE_MS = 30_000;
const WHOLE_MS = 600_000;
const NO_PRIVATE_NETWORK = parseNetworks([]);
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * @param named Hosts, with their ports, that the operator wrote himself.
 * @param wholeMs How long all that is asked with it may take together.
 */
export function createRemoteFetch(named: readonly string[], wholeMs = WHOLE_MS): RemoteFetch {
  const deadline = AbortSignal.timeout(wholeMs);
  return async (start, request) => {
    let url = start;
    for (let hop = 0; hop <= MAX_REDIRECTS; hop += 1) {
      const isNamed = named.includes(url.host);
      refuseUrl(url, isNamed);
      const answer = await exchange(
        url,
        { ...request, authorization: url.origin === start.origin ? request.authorization : undefined },
        { isNamed, deadline },
      );
      const location = answer.headers.get('location');
      const follows = (request.method === 'GET' || request.method === 'HEAD') && REDIRECTS.has(answer.status);
      if (!follows || location === undefined) return answer;
      if (!URL.canParse(location, url.href)) break;
      url = new URL(location, url);
    }
    throw unreachable(start, 'it redirects without end');
  };
}

function refuseUrl(url: URL, isNamed: boolean): void {
  const encrypted = url.protocol === 'https:' || (url.protocol === 'http:' && isNamed && isLoopbackHost(url.hostname));
  if (!encrypted || url.username !== '' || url.password !== '') throw unreachable(url, 'it is not asked over anything but https');
  if (!isNamed && refusedLiteral(url, NO_PRIVATE_NETWORK) !== undefined) throw forbidden(url);
}

async function exchange(
  url: URL,
  { method, headers, authorization, body, maxBytes }: RemoteRequest,
  { isNamed, deadline }: { isNamed: boolean; deadline: AbortSignal },
): Promise<RemoteAnswer> {
  const agent = new Agent({
    connections: 1,
    pipelining: 1,
    connect: { timeout: CONNECT_TIMEOUT_MS, ...(isNamed ? {} : { lookup: checkedLookup(NO_PRIVATE_NETWORK) }) },
  });
  try {
    const response = await send(url, {
      method,
      headers: {
        'user-agent': 'lorelai-datasource-host',
        'accept-encoding': 'identity',
        ...headers,
        ...(authorization === undefined ? {} : { authorization }),
      },
      body: body ?? null,
      dispatcher: agent,
      headersTimeout: SILENCE_MS,
      bodyTimeout: SILENCE_MS,
      signal: deadline,
    });
    return { status: response.statusCode, headers: toHeaders(response), body: await readAll(url, response, maxBytes), url };
  } catch (error) {
    if (error instanceof RequestError) throw error;
    if (forbiddenCause(error) !== undefined) throw forbidden(url);
    if (deadline.aborted) throw unreachable(url, 'it took too long', error);
    throw unreachable(url, reasonOf(error), error);
  } finally {
    await agent.destroy();
  }
}

async function readAll(url: URL, { body }: Dispatcher.ResponseData, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body) {
    if (!(part instanceof Uint8Array)) throw new TypeError('a body comes in bytes');
    size += part.byteLength;
    if (size > maxBytes) {
      throw new RequestError('SOURCE_UNUSABLE', `${url.origin} sends more than the ${maxBytes} bytes that this may have.`, {
        remedy: 'Check the address; tell the publisher.',
      });
    }
    parts.push(part);
  }
  return new Uint8Array(Buffer.concat(parts));
}

function toHeaders({ headers }: Dispatcher.ResponseData): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(headers).flatMap(([name, values]) =>
      [values ?? []]
        .flat()
        .slice(0, 1)
        .map((value) => [name, value] as const),
    ),
  );
}

/** SOURCE_UNREACHABLE. Of the address only the origin is said: a path or a query may hold a token. */
export function unreachable({ origin }: URL, reason: string, cause?: unknown): RequestError {
  return new RequestError('SOURCE_UNREACHABLE', `${origin}: ${reason}.`, {
    remedy: 'Check the address, and whether this host can reach it.',
    ...(cause === undefined ? {} : { cause }),
  });
}

function forbidden(url: URL): RequestError {
  return unreachable(url, 'nobody on the machine of the host named this address, and it is not a public one');
}

function reasonOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  return /^[A-Z_]{3,40}$/.test(code) ? `no answer came (${code})` : 'no answer came';
}
