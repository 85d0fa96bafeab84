import { fromUtf8 } from './bytes.ts';
import { failed } from './failure.ts';
import { parseLinks } from './link-header.ts';

/** What came back, whatever the status. */
export interface Response {
  /** 100 to 599. */
  readonly status: number;
  /** Whether the status is 200 to 299. */
  readonly ok: boolean;
  /** Where the response came from, after redirects. */
  readonly url: string;
  readonly headers: {
    /** All values under this name, joined by commas; the name's case does not matter. */
    get(name: string): string | undefined;
  };
  bytes(): Uint8Array;
  /** The body as UTF-8. */
  text(): string;
  /** The body as JSON; the type is your word for it. Throws `failed` when it is none. */
  json<T>(): T;
  /** The target of the `Link` header's link with this relation (RFC 8288), absolute: `link('next')`. */
  link(relation: string): string | undefined;
}

/** A response as the host gave it. */
export interface RawResponse {
  status: number;
  headers: { name: string; value: string }[];
  body: Uint8Array;
}

export function toResponse(raw: RawResponse, url: string): Response {
  const headers = { get: (name: string) => readHeader(raw.headers, name) };
  return {
    status: raw.status,
    ok: raw.status >= 200 && raw.status <= 299,
    url,
    headers,
    bytes: () => raw.body,
    text: () => fromUtf8(raw.body),
    json: <T>() => readJson<T>(raw.body, url),
    link: (relation) => {
      const link = parseLinks(headers.get('link') ?? '').find(({ relations }) => relations.includes(relation.toLowerCase()));
      return link === undefined ? undefined : new URL(link.target, url).href;
    },
  };
}

/** One header's values as one text, after RFC 9110 section 5.2. */
export function readHeader(headers: readonly { name: string; value: string }[], name: string): string | undefined {
  const wanted = name.toLowerCase();
  const values = headers.filter((header) => header.name.toLowerCase() === wanted).map(({ value }) => value);
  return values.length === 0 ? undefined : values.join(', ');
}

function readJson<T>(body: Uint8Array, url: string): T {
  try {
    return JSON.parse(fromUtf8(body));
  } catch {
    throw failed(`${withoutQuery(url)} answered something that is no JSON: ${JSON.stringify(fromUtf8(body.subarray(0, 100)))}.`);
  }
}

/** A URL for messages: what comes after `?` can be private. */
export function withoutQuery(url: string): string {
  return url.split(/[?#]/, 1)[0] ?? url;
}
