import type { BlockList } from 'node:net';
import type { Readable } from 'node:stream';
import { Agent, errors, request as send } from 'undici';
import type { Grant } from '../domain/grant.ts';
import type { Limits } from '../domain/limits.ts';
import type { Meter } from '../domain/meter.ts';
import type { AttachRule, Manifest } from '../domain/manifest.ts';
import type { JsonObject } from '../domain/json.ts';
import { parseNetworks } from './address.ts';
import { checkedLookup, forbiddenCause, refusedLiteral } from './checked-lookup.ts';
import { ACCEPTED_CODINGS, codingsOf, decoded } from './content-coding.ts';
import { matchesAnyOrigin, originOf } from '../domain/origin-pattern.ts';
import { Scrubber } from './scrub.ts';

/** A request as a guest made it, checked for shape only. */
export interface EgressRequest {
  method: string;
  url: string;
  headers: { name: string; value: string }[];
  body: Uint8Array | undefined;
  timeoutMs: number | undefined;
}

export interface EgressResponse {
  status: number;
  headers: { name: string; value: string }[];
  body: Uint8Array;
}

/** The cases of `http-client.error`. */
export type EgressError =
  | { tag: 'denied'; val: string }
  | { tag: 'invalid-request'; val: string }
  | { tag: 'timed-out' }
  | { tag: 'unreachable'; val: string }
  | { tag: 'too-large'; val: { maxBytes: number } }
  /** Milliseconds until there is more. */
  | { tag: 'budget-spent'; val: number };

export type EgressOutcome = { ok: true; response: EgressResponse } | { ok: false; error: EgressError };

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
/** Framing, routing and hop-by-hop fields are the host's (RFC 9110, section 7.6.1). */
const FORBIDDEN_HEADERS = new Set([
  'host',
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'proxy-authenticate',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'content-length',
  'expect',
  'accept-encoding',
  'via',
  'forwarded',
  'cookie',
  'cookie2',
]);
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
const MAX_HEADER_BYTES = 64 * 1024;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const FIELD_VALUE = /^[\t\x20-\x7e]*$/;
/** RFC 9110 also has `obs-text`, which some passwords need. */
const SENDABLE = /^[\t\x20-\x7e\x80-\xff]*$/;
const USER_AGENT = 'lorelai-datasource-host';

class TooLargeError extends Error {
  readonly maxBytes: number;

  constructor(maxBytes: number) {
    super(`more than ${maxBytes} bytes`);
    this.maxBytes = maxBytes;
  }
}

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
      origin: typeof url === 'string' ? '?' : url.origin,
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
    const headers = this.#headersFor(request, url);
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

  /** The fields as they are sent; the credential is attached to exactly the origins that `auth` names. */
  #headersFor(request: EgressRequest, url: URL): { fields: Map<string, string | string[]>; bytes: number } | { error: EgressError } {
    const { manifest, secret, config } = this.#options;
    const attached = new Set(manifest.auth.attach.map((rule) => rule.header));
    const fields = new Map<string, string | string[]>([
      ['user-agent', USER_AGENT],
      ['accept-encoding', ACCEPTED_CODINGS],
    ]);
    let size = 0;
    for (const { name, value } of request.headers) {
      const key = name.toLowerCase();
      size += key.length + value.length;
      if (!TOKEN.test(name) || !FIELD_VALUE.test(value))
        return { error: { tag: 'invalid-request', val: 'headers: a name or a value holds a character that RFC 9110 does not allow' } };
      if (FORBIDDEN_HEADERS.has(key)) return { error: { tag: 'invalid-request', val: `headers: ${key} is set by the host only` } };
      if (attached.has(key))
        return { error: { tag: 'invalid-request', val: `headers: ${key} carries the credential, which the host attaches` } };
      const before = fields.get(key);
      fields.set(key, before === undefined || key === 'user-agent' ? value : [before, value].flat());
    }
    if (size > MAX_HEADER_BYTES) return { error: { tag: 'invalid-request', val: `headers: more than ${MAX_HEADER_BYTES} bytes` } };
    for (const rule of secret === undefined ? [] : manifest.auth.attach) {
      if (!this.#mayCarryCredential(url, rule, config)) continue;
      const written = rule.encoding === 'base64' ? Buffer.from(secret ?? '').toString('base64') : (secret ?? '');
      const value = rule.format.replaceAll('{secret}', () => written);
      if (!SENDABLE.test(value)) {
        const reason = 'headers: the credential holds a character that no header can carry; an operator sets it again';
        return { error: { tag: 'invalid-request', val: reason } };
      }
      fields.set(rule.header, value);
    }
    return { fields, bytes: size };
  }

  #mayCarryCredential(url: URL, rule: AttachRule, config: JsonObject): boolean {
    const origins = [...rule.origins, ...originsFromConfig(rule.originsFromConfig, config)];
    if (!matchesAnyOrigin(url, origins)) return false;
    // Never in the clear, but to a plain origin that the operator named letter by letter.
    return url.protocol === 'https:' || this.#options.grant.http.origins.includes(url.origin);
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
    const body = await this.#readBody(response.body, codingsOf(request.method, response), meter);
    const fields: { name: string; value: string }[] = [];
    for (const [name, values] of Object.entries(response.headers)) {
      if (DROPPED_RESPONSE_HEADERS.has(name) || values === undefined) continue;
      for (const value of [values].flat()) fields.push({ name, value: this.#scrubber.text(value) });
    }
    return { status: response.statusCode, headers: fields, body: this.#scrubber.bytes(body) };
  }

  /** The whole body with content codings undone, never more of it than the limit and what the call has left. */
  async #readBody(body: Readable, codings: readonly string[], meter: Meter): Promise<Uint8Array> {
    const maxBytes = this.#options.limits.maxResponseBytes;
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of decoded(body, codings)) {
      if (size + chunk.byteLength > maxBytes) {
        meter.breach('maxResponseBytes', size + chunk.byteLength);
        throw new TooLargeError(maxBytes);
      }
      // Chunk by chunk: several responses may come at the same time.
      const left = meter.left('bytesIn');
      if (meter.charge('bytesIn', chunk.byteLength) !== undefined) throw new TooLargeError(size + left);
      size += chunk.byteLength;
      chunks.push(chunk);
    }
    return new Uint8Array(Buffer.concat(chunks));
  }

  #toError(error: unknown, deadline: AbortSignal): EgressError {
    if (error instanceof TooLargeError) return { tag: 'too-large', val: { maxBytes: error.maxBytes } };
    const forbidden = forbiddenCause(error);
    if (forbidden !== undefined) return { tag: 'denied', val: forbidden.message };
    if (deadline.aborted || error instanceof errors.ConnectTimeoutError) return { tag: 'timed-out' };
    return { tag: 'unreachable', val: reasonOf(error) };
  }
}

/** Of `user:password` that is sent as Basic: a peer may echo the password alone. */
function passwordOf({ manifest, secret }: EgressOptions): string | undefined {
  const basic = manifest.auth.attach.some(({ encoding }) => encoding === 'base64');
  return basic && secret?.includes(':') === true ? secret.slice(secret.indexOf(':') + 1) : undefined;
}

/** What the manifest asks for, with the origins that the connection's config names. */
export function askedOrigins(manifest: Manifest, config: JsonObject): string[] {
  return manifest.capabilities.http.flatMap((ask) => (ask.kind === 'origin' ? [ask.origin] : originsFromConfig([ask.configKey], config)));
}

function originsFromConfig(keys: readonly string[], config: JsonObject): string[] {
  return keys.flatMap((key) => {
    const value = config[key];
    const origin = typeof value === 'string' ? originOf(value) : undefined;
    return origin === undefined ? [] : [origin];
  });
}

function parseUrl(text: string): URL | string {
  if (text.length > MAX_URL_BYTES) return `longer than ${MAX_URL_BYTES} bytes`;
  if (!URL.canParse(text)) return 'not an absolute URL';
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return `${url.protocol} is neither https: nor http:`;
  if (url.username !== '' || url.password !== '') return 'a user or a password does not belong in it';
  url.hash = '';
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
