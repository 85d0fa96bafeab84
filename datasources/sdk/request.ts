import type { QueryValue } from './url.ts';

/** What goes into a request besides its method and URL. */
export interface RequestOptions {
  /** Added to the URL's own. `undefined` is left out; a list repeats the name. */
  query?: Readonly<Record<string, QueryValue>> | undefined;
  headers?: Readonly<Record<string, string | undefined>> | undefined;
  /** Text is sent as UTF-8. */
  body?: string | Uint8Array | undefined;
  /** Sent as JSON with its media type. Not together with `body`. */
  json?: unknown;
  /** Milliseconds to the last byte of the response. When left out: what the grant allows. */
  timeoutMs?: number | undefined;
  /** When left out: redirects of GET and HEAD are followed, five at most; the host checks every hop. */
  redirect?: 'follow' | 'manual' | undefined;
}

/** One request. */
export interface Request extends RequestOptions {
  /** When left out: GET. */
  method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS' | undefined;
  /** Absolute; below the base URL when the client has one and this begins with `/`. */
  url: string;
}
