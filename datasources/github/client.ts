import { expectOk, failed, http, throttled, type Response } from '@lorelai/datasource-sdk';

/** What GitHub answered instead of what was asked for, about one thing and not about the credential or the hour. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  /** 400 to 499, but never 401 and 429. */
  readonly status: number;
  /** Where the credential can be authorised for an organisation with single sign-on; undefined when that is not why. */
  readonly ssoUrl: string | undefined;

  constructor(status: number, message: string, ssoUrl?: string) {
    super(message);
    this.status = status;
    this.ssoUrl = ssoUrl;
  }

  /** The thing is not there, or not any more, or not for us: GitHub does not say which. */
  get isMissing(): boolean {
    return this.status === 404 || this.status === 410 || this.status === 451;
  }
}

interface Ask {
  query?: Readonly<Record<string, string | number | undefined>>;
  /** The media type wanted; GitHub's JSON when left out. */
  accept?: string;
  /** Asks for a 304 when this is still the current version; those do not count towards the hourly limit. */
  etag?: string | undefined;
}

/** GitHub's REST API, for the length of one call. */
export interface Client {
  /**
   * A response with a status of 200 to 299, or 304 where an ETag was given. Follows redirects within the API. Throws
   * a `Refusal`, or the failures `unauthorized`, `throttled` (both of GitHub's limits) and `unavailable`.
   */
  get(url: string, ask?: Ask): Response;
  /** The same, with the refusal as a value. */
  tryGet(url: string, ask?: Ask): Response | Refusal;
  /** The address of the next page of a list; undefined after the last. */
  next(response: Response): string | undefined;
  /** Requests made so far in this call. */
  requests(): number;
  /** Milliseconds between the first response and the last, by GitHub's own clock: a datasource has none. */
  elapsedMs(): number;
  /** GitHub's clock at the last response; the host's when the call began, before there is one. */
  serverTimeMs(): number;
  /** Requests left in the current hour, when GitHub has said so. */
  remaining(): number | undefined;
}

const JSON_TYPE = 'application/vnd.github+json';
const MAX_HOPS = 3;
/** What GitHub's documentation asks for when the secondary limit comes without a time. */
const SECONDARY_LIMIT_MS = 60_000;

/** `baseUrl` is the root of the REST API, with or without a slash at its end. */
export function createClient(baseUrl: string, nowMs: number): Client {
  const api = http.at(baseUrl, { 'x-github-api-version': '2022-11-28', 'user-agent': 'lorelai-datasource-github' });
  const { origin } = new URL(baseUrl);
  const seen: { requests: number; firstMs?: number; lastMs?: number; remaining?: number } = { requests: 0 };

  const send = (url: string, ask: Ask): Response => {
    const headers = { accept: ask.accept ?? JSON_TYPE, 'if-none-match': ask.etag };
    const response = api.get(url, { query: ask.query, headers, redirect: 'manual' });
    seen.requests += 1;
    const dateMs = Date.parse(response.headers.get('date') ?? '');
    if (!Number.isNaN(dateMs)) {
      seen.firstMs ??= dateMs;
      seen.lastMs = dateMs;
    }
    const remaining = Number(response.headers.get('x-ratelimit-remaining') ?? 'none');
    if (Number.isInteger(remaining)) seen.remaining = remaining;
    return response;
  };

  const get = (url: string, ask: Ask = {}): Response => {
    let response = send(url, ask);
    for (let hops = 0; isRedirect(response.status); hops += 1) {
      const target = new URL(response.headers.get('location') ?? '', response.url);
      if (hops === MAX_HOPS) throw failed(`GitHub redirected ${url} more than ${MAX_HOPS} times.`);
      // Another origin is another server, where this credential has no business.
      if (target.origin !== origin) throw new Refusal(response.status, `GitHub moved it to another server, ${target.origin}`);
      response = send(target.href, { ...ask, query: {} });
    }
    return accept(response, ask);
  };

  const tryGet = (url: string, ask?: Ask): Response | Refusal => {
    try {
      return get(url, ask);
    } catch (error) {
      if (error instanceof Refusal) return error;
      throw error;
    }
  };

  return {
    get,
    tryGet,
    next: (response) => sameOrigin(response.link('next'), origin),
    requests: () => seen.requests,
    elapsedMs: () => (seen.lastMs ?? 0) - (seen.firstMs ?? 0),
    serverTimeMs: () => seen.lastMs ?? nowMs,
    remaining: () => seen.remaining,
  };
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 307 || status === 308;
}

function accept(response: Response, ask: Ask): Response {
  const { status } = response;
  if (response.ok || (status === 304 && ask.etag !== undefined)) return response;
  if (status === 401 || status === 408 || status === 429 || status >= 500) return expectOk(response);
  const message = messageOf(response);
  if (status === 403) throwIfLimited(response, message);
  throw new Refusal(status, message, ssoUrlOf(response));
}

/** GitHub answers 403 when a limit is met, sometimes without a header that says until when. */
function throwIfLimited(response: Response, message: string): void {
  const spent = response.headers.get('x-ratelimit-remaining') === '0' && response.headers.get('x-ratelimit-reset') !== undefined;
  if (spent || response.headers.get('retry-after') !== undefined) expectOk(response);
  if (/secondary rate limit|abuse detection/i.test(message)) throw throttled(SECONDARY_LIMIT_MS, message);
}

function messageOf(response: Response): string {
  try {
    const body = response.json<{ message?: unknown } | null>();
    if (typeof body?.message === 'string') return body.message.replace(/\s+/g, ' ').slice(0, 200);
  } catch {
    // A proxy in between answers in HTML; the status is what there is to say then.
  }
  return `status ${response.status}`;
}

function ssoUrlOf(response: Response): string | undefined {
  const [, url] = /required;\s*url=(\S+)/i.exec(response.headers.get('x-github-sso') ?? '') ?? [];
  return url;
}

function sameOrigin(url: string | undefined, origin: string): string | undefined {
  if (url !== undefined && new URL(url).origin !== origin)
    throw failed(`GitHub named a next page on another server: ${url.split('?', 1)[0]}.`);
  return url;
}
