/** A value of a query: `undefined` is left out, a list repeats the name. */
export type QueryValue = string | number | boolean | undefined | readonly (string | number | boolean)[];

/** The URL with these in its query, in place of what it has under the same names. */
export function withQuery(url: string, query: Readonly<Record<string, QueryValue>> | undefined): string {
  if (query === undefined) return url;
  const [base = '', fragment] = splitAt(url, '#');
  const [path = '', search = ''] = splitAt(base, '?');
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const names = new Set(given.map(([name]) => encodeURIComponent(name)));
  const kept = search.split('&').filter((pair) => pair !== '' && !names.has(pair.split('=', 1)[0] ?? ''));
  const added = given.flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((item) => `${encodeURIComponent(name)}=${encodeURIComponent(String(item))}`),
  );
  const pairs = [...kept, ...added];
  return `${path}${pairs.length === 0 ? '' : `?${pairs.join('&')}`}${fragment === undefined ? '' : `#${fragment}`}`;
}

/** An absolute URL as it is; anything else below the base. */
export function joinUrl(baseUrl: string | undefined, url: string): string {
  if (baseUrl === undefined || /^[a-z][a-z0-9+.-]*:/i.test(url)) return url;
  return `${baseUrl.replace(/\/+$/, '')}/${url.replace(/^\/+/, '')}`;
}

function splitAt(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
