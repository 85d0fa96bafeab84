import type { BlockList } from 'node:net';
import { Agent, errors, request as send } from 'undici';
import type { Grant } from '../domain/grant.ts';
import type { JsonObject } from '../domain/json.ts';
import type { Limits } from '../domain/limits.ts';
import type { Manifest } from '../domain/manifest.ts';
import type { Meter } from '../domain/meter.ts';
import { matchesAnyOrigin } from '../domain/origin-pattern.ts';
import { parseNetworks } from './address.ts';
import { askedOrigins } from './asked-origins.ts';
import { checkedLookup, forbiddenCause, refusedLiteral } from './checked-lookup.ts';
import { codingsOf } from './content-coding.ts';
import { readBody, TooLargeError } from './egress-body.ts';
import { headersFor, MAX_HEADER_BYTES, passwordOf } from './egress-headers.ts';
import type { EgressError, EgressOutcome, EgressRequest, EgressResponse } from './egress-request.ts';
import { Scrubber } from './scrub.ts';

/** One line of the record: what a connection asked for and what became of it. Never a query or a secret. */
export interface EgressRecord {
  method: string;
  origin: string;
  path: string;
  outcome: string;
  bytesOut: number;
  bytesIn: number;
  durationMs: number;
  /** Of a request without an answer, as far as there is more to say: why, and what would allow it. */
  reason: string | undefined;
}

export interface EgressOptions {
  manifest: Manifest;
  grant: Grant;
  limits: Limits;
  config: JsonObject;
  /** The connection's secret; undefined when it has none. */
  secret: string | undefined;
  /** A guest gets its answer when what this gives, if it is a promise, has resolved. */
  onRecord(record: EgressRecord): unknown;
}

/** The call that a request is part of. */
export interface EgressCall {
  signal: AbortSignal;
  meter: Meter;
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const DROPPED_RESPONSE_HEADERS = new Set([
  'set-cookie',
  'set-cookie2',
  'content-encoding',
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
]);
const MAX_URL_BYTES = 8 * 1024;
/**
 * The one way out: every request of a datasource passes here, whichever interface it used. Allowed
 * is what the manifest asks *and* the grant gives; a name is resolved by the host, every address it
 * has must be allowed, and that address is the one that is dialled. Redirects are given back.
 *
 * One for each connection while it is in use: sockets are never shared between two.
 */
export class Egress {
  readonly #options: EgressOptions;
  readonly #agent: Agent;
  readonly #asked: string[];
  readonly #privateNetworks: BlockList;
  readonly #scrubber: Scrubber;

  constructor(options: EgressOptions) {
    this.#options = options;
    this.#asked = askedOrigins(options.manifest, options.config);
    this.#privateNetworks = parseNetworks(options.grant.http.privateNetworks);
    this.#scrubber = new Scrubber(options.secret, passwordOf(options));
    this.#agent = new Agent({
      connections: options.limits.maxConcurrentRequests,
      pipelining: 1,
      maxHeaderSize: MAX_HEADER_BYTES,
      connect: { lookup: checkedLookup(this.#privateNetworks), timeout: options.limits.requestTimeoutMs },
    });
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  /** Sends one request of a call, at the expense of its meter. Never rejects. */
  async send(request: EgressRequest, call: EgressCall): Promise<EgressOutcome> {
    const startedMs = performance.now();
    const url = parseUrl(request.url);
    const outcome = typeof url === 'string' ? invalid(`url: ${url}`) : await this.#sendChecked(request, url, call);
    await this.#options.onRecord({
      method: METHODS.has(request.method) ? request.method : '?',
      origin: typeof url === 'string' ? '?' : this.#scrubber.text(url.origin),
      path: typeof url === 'string' ? '?' : this.#scrubber.text(url.pathname),
      outcome: outcome.ok ? String(outcome.response.status) : outcome.error.tag,
      bytesOut: request.body?.byteLength ?? 0,
      bytesIn: outcome.ok ? outcome.response.body.byteLength : 0,
      durationMs: performance.now() - startedMs,
      reason: outcome.ok ? undefined : this.#scrubber.text(explain(outcome.error) ?? '') || undefined,
    });
    return outcome;
  }

  async #sendChecked(request: EgressRequest, url: URL, { signal, meter }: EgressCall): Promise<EgressOutcome> {
    const refusal = this.#refuseOrigin(url) ?? this.#refuseRequest(request, meter);
    if (refusal !== undefined) return refusal;
    const headers = headersFor(request, url, this.#options);
    if ('error' in headers) return { ok: false, error: headers.error };
    const bytesOut = url.href.length + headers.bytes + (request.body?.byteLength ?? 0);
    if (meter.left('bytesIn') < 1 || meter.charge('bytesOut', bytesOut) !== undefined)
      return { ok: false, error: { tag: 'budget-spent', val: meter.leftMs } };
    const { limits } = this.#options;
    const timeoutMs = Math.max(1, Math.floor(Math.min(request.timeoutMs ?? limits.requestTimeoutMs, limits.requestTimeoutMs)));
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const exchange = this.#exchange(request, url, headers.fields, { signal: deadline, meter });
    try {
      return { ok: true, response: await Promise.race([exchange, rejection(deadline)]) };
    } catch (error) {
      if (deadline.aborted && !signal.aborted && timeoutMs === limits.requestTimeoutMs) meter.breach('requestTimeoutMs', timeoutMs + 1);
      return { ok: false, error: this.#toError(error, deadline) };
    }
  }

  #refuseOrigin(url: URL): EgressOutcome | undefined {
    if (!matchesAnyOrigin(url, this.#asked)) {
      return denied(
        `${url.origin} is not in the manifest: add it under capabilities.http with a reason, e.g. { origin: "${url.origin}", reason: "…" }`,
      );
    }
    if (!matchesAnyOrigin(url, this.#options.grant.http.origins)) {
      return denied(`${url.origin} is not granted: an operator allows it with \`datasources install … --allow ${url.origin}\``);
    }
    const literal = refusedLiteral(url, this.#privateNetworks);
    return literal === undefined ? undefined : denied(literal);
  }

  #refuseRequest(request: EgressRequest, meter: Meter): EgressOutcome | undefined {
    const { maxRequestBytes } = this.#options.limits;
    const bodyBytes = request.body?.byteLength ?? 0;
    if (!METHODS.has(request.method)) return invalid(`method: ${[...METHODS].join(', ')} are allowed`);
    if (bodyBytes <= maxRequestBytes) return undefined;
    meter.breach('maxRequestBytes', bodyBytes);
    return invalid(`body: longer than the limit maxRequestBytes of ${maxRequestBytes}`);
  }

  async #exchange(
    request: EgressRequest,
    url: URL,
    headers: Map<string, string | string[]>,
    { signal, meter }: EgressCall,
  ): Promise<EgressResponse> {
    const response = await send(url, {
      method: request.method as 'GET',
      headers,
      body: request.body ?? null,
      dispatcher: this.#agent,
      signal,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const body = await readBody(response.body, codingsOf(request.method, response), {
      meter,
      maxBytes: this.#options.limits.maxResponseBytes,
    });
    const fields: { name: string; value: string }[] = [];
    for (const [name, values] of Object.entries(response.headers)) {
      if (DROPPED_RESPONSE_HEADERS.has(name) || values === undefined) continue;
      for (const value of [values].flat()) fields.push({ name: this.#scrubber.text(name), value: this.#scrubber.text(value) });
    }
    return { status: response.statusCode, headers: fields, body: this.#scrubber.bytes(body) };
  }

  #toError(error: unknown, deadline: AbortSignal): EgressError {
    if (error instanceof TooLargeError) return { tag: 'too-large', val: { maxBytes: error.maxBytes } };
    const forbidden = forbiddenCause(error);
    if (forbidden !== undefined) return { tag: 'denied', val: forbidden.message };
    if (deadline.aborted || error instanceof errors.ConnectTimeoutError) return { tag: 'timed-out' };
    return { tag: 'unreachable', val: reasonOf(error) };
  }
}

function parseUrl(text: string): URL | string {
  if (text.length > MAX_URL_BYTES) return `longer than ${MAX_URL_BYTES} bytes`;
  if (!URL.canParse(text)) return 'not an absolute URL';
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return `${url.protocol} is neither https: nor http:`;
  if (url.username !== '' || url.password !== '') return 'a user or a password does not belong in it';
  return url;
}

/** Rejects when the signal aborts: a connection that is still being made does not see it by itself. */
function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

function reasonOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  return code === '' ? 'the connection or the response broke' : `the connection or the response broke (${code})`;
}

function explain(error: EgressError): string | undefined {
  return 'val' in error && typeof error.val === 'string' ? error.val : undefined;
}

function denied(val: string): EgressOutcome {
  return { ok: false, error: { tag: 'denied', val } };
}

function invalid(val: string): EgressOutcome {
  return { ok: false, error: { tag: 'invalid-request', val } };
}
