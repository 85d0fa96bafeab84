import { expectOk } from './http-failure.ts';
import type { Request, RequestOptions } from './request.ts';
import type { Response } from './response.ts';
import { sendRequest } from './send.ts';
import { joinUrl, withQuery, type QueryValue } from './url.ts';

/** How a list is read page by page. */
export interface PageOptions extends RequestOptions {
  /** Statuses besides 2xx that are handed out, as the last page, instead of thrown: `[304, 404]`. */
  accept?: readonly number[] | undefined;
  /**
   * What the next page adds to the query, from what this page says: `{ cursor: '…' }`; undefined after the
   * last one. When left out: the `next` link of the `Link` header is followed.
   */
  next?: ((response: Response) => Readonly<Record<string, QueryValue>> | undefined) | undefined;
}

/** Makes requests through the host, which attaches the credential and allows only granted origins. */
export interface HttpClient {
  /**
   * Sends one request and waits. Any status is a response; see `expectOk`. Throws `unavailable` when no response
   * came, `throttled` when the budget is spent, `forbidden` when the grant does not allow it, else `failed`.
   */
  send(request: Request): Response;
  get(url: string, options?: RequestOptions): Response;
  post(url: string, options?: RequestOptions): Response;
  /** Every page of a list, each fetched when it is asked for. Throws what `expectOk` throws. */
  pages(url: string, options?: PageOptions): Generator<Response, void, undefined>;
  /** The same client with a base URL and with headers for every request: `http.at('https://api.example.com/v3')`. */
  at(baseUrl: string, headers?: Readonly<Record<string, string>>): HttpClient;
}

/** Requests to any origin that the operator granted. */
export const http: HttpClient = clientAt(undefined, {});

function clientAt(baseUrl: string | undefined, headers: Readonly<Record<string, string>>): HttpClient {
  const send = (request: Request): Response =>
    sendRequest({ ...request, url: joinUrl(baseUrl, request.url), headers: { ...headers, ...request.headers } });
  return {
    send,
    get: (url, options) => send({ ...options, url }),
    post: (url, options) => send({ ...options, url, method: 'POST' }),
    pages: (url, options) => readPages(send, url, options),
    at: (base, more = {}) => clientAt(joinUrl(baseUrl, base), { ...headers, ...more }),
  };
}

function* readPages(send: HttpClient['send'], first: string, options: PageOptions = {}): Generator<Response, void, undefined> {
  const { accept = [], next, ...request } = options;
  let url: string | undefined = withQuery(first, request.query);
  while (url !== undefined) {
    const response = send({ ...request, query: undefined, url });
    if (!accept.includes(response.status)) expectOk(response);
    yield response;
    if (!response.ok) return;
    const follow: string | undefined = next === undefined ? response.link('next') : nextByQuery(url, next(response));
    // A source that names the page itself as the next one would be read for ever.
    url = follow === url ? undefined : follow;
  }
}

function nextByQuery(url: string, query: Readonly<Record<string, QueryValue>> | undefined): string | undefined {
  return query === undefined ? undefined : withQuery(url, query);
}
