import { Agent, request as send } from 'undici';
import type { Grant } from '../domain/grant.ts';
import { parseNetworks } from './address.ts';
import { checkedLookup, forbiddenCause, refusedLiteral } from './checked-lookup.ts';
import type { EgressRecord } from './egress.ts';

/**
 * The way to authorization servers. Their addresses are the words of a manifest, and what goes there holds the secrets of
 * the operator: only origins that the grant names for this very use, https unless the grant says otherwise letter by
 * letter, public addresses unless it names the network, no redirects, and answers of a bounded size in a bounded time.
 */
export interface AuthorisationFetch {
  /** Sends one request. `AuthorisationRefused` for one that may not be sent, `AuthorisationUnreachable` when no answer came. */
  (url: string, init: AuthorisationRequest): Promise<Response>;
}

export interface AuthorisationRequest {
  method: string;
  headers: Record<string, string>;
  body?: string;
  signal?: AbortSignal | undefined;
}

/** Manifest or grant do not allow the request. The message names the remedy. */
export class AuthorisationRefused extends Error {
  override readonly name = 'AuthorisationRefused';
}

/** No answer, or none that can be read. Whether the server did what it was asked is not known. */
export class AuthorisationUnreachable extends Error {
  override readonly name = 'AuthorisationUnreachable';
}

export interface AuthorisationFetchOptions {
  grant: Grant;
  datasource: string;
  onRecord(record: EgressRecord): unknown;
}

const TIMEOUT_MS = 20_000;
const MAX_RESPONSE_BYTES = 256 * 1024;
const USER_AGENT = 'lorelai-datasource-host';

export function createAuthorisationFetch({ grant, datasource, onRecord }: AuthorisationFetchOptions): AuthorisationFetch {
  const privateNetworks = parseNetworks(grant.http.privateNetworks);

  return async (href, init) => {
    const url = new URL(href);
    const startedMs = performance.now();
    const record = (outcome: string, bytesIn: number, reason?: string): unknown =>
      onRecord({
        method: init.method,
        origin: url.origin,
        path: url.pathname,
        outcome,
        bytesOut: init.body?.length ?? 0,
        bytesIn,
        durationMs: performance.now() - startedMs,
        reason,
      });
    const refusal = refusalOf(url, grant, datasource) ?? refusedLiteral(url, privateNetworks);
    if (refusal !== undefined) {
      await record('denied', 0, refusal);
      throw new AuthorisationRefused(refusal);
    }
    const agent = new Agent({
      connections: 1,
      pipelining: 1,
      maxResponseSize: MAX_RESPONSE_BYTES,
      connect: { lookup: checkedLookup(privateNetworks), timeout: TIMEOUT_MS },
    });
    try {
      const { response, bytes } = await exchange(url, init, agent);
      await record(String(response.status), bytes);
      return response;
    } catch (error) {
      const forbidden = forbiddenCause(error);
      await record(forbidden === undefined ? 'unreachable' : 'denied', 0, forbidden?.message);
      if (forbidden !== undefined) throw new AuthorisationRefused(forbidden.message);
      throw new AuthorisationUnreachable(`${url.origin} gave no usable answer (${codeOf(error)})`, { cause: error });
    } finally {
      await agent.destroy();
    }
  };
}

/** Only the exact origins that the operator named for secrets. */
function refusalOf(url: URL, { authorisation }: Grant, datasource: string): string | undefined {
  if (authorisation?.origins.includes(url.origin) === true && url.username === '' && url.password === '') return undefined;
  return `${datasource} wants secrets sent to ${url.origin}, which is not granted: an operator allows it with \`datasources install … --allow-authorisation ${url.origin}\``;
}

async function exchange(url: URL, init: AuthorisationRequest, dispatcher: Agent): Promise<{ response: Response; bytes: number }> {
  const deadline = AbortSignal.timeout(TIMEOUT_MS);
  const answer = await send(url, {
    method: init.method as 'POST',
    headers: { ...init.headers, 'user-agent': USER_AGENT, 'accept-encoding': 'identity' },
    body: init.body ?? null,
    dispatcher,
    signal: init.signal === undefined ? deadline : AbortSignal.any([deadline, init.signal]),
  });
  const body = new Uint8Array(await answer.body.arrayBuffer());
  const type = [answer.headers['content-type'] ?? ''].flat().join(', ');
  const empty = answer.statusCode === 204 || answer.statusCode === 304 || answer.statusCode < 200;
  return {
    response: new Response(empty ? null : body, {
      status: answer.statusCode < 200 ? 502 : answer.statusCode,
      headers: { 'content-type': type },
    }),
    bytes: body.byteLength,
  };
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : error instanceof Error ? error.name : 'unknown';
}
