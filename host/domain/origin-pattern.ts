/**
 * The grammar of allowed origins, as a pure module: scheme, host and port, where the host may begin
 * with `*.` for one or more labels below it. Nothing else is a pattern.
 */

export interface OriginPattern {
  scheme: 'https' | 'http';
  /** Lower-case; without the `*.`. */
  host: string;
  wildcard: boolean;
  /** `''` is the scheme's own port, as in `URL.port`. */
  port: string;
}

const SHAPE = /^(https?):\/\/(\*\.)?([^*/\\?#@\s]+)$/;

/** The pattern, or undefined when the text is none: a path, a user, a second `*` or an unknown scheme. */
export function parseOriginPattern(text: string): OriginPattern | undefined {
  const match = SHAPE.exec(text);
  if (match === null) return undefined;
  const [, scheme, star, authority = ''] = match;
  if (!URL.canParse(`${scheme}://${authority}`)) return undefined;
  const url = new URL(`${scheme}://${authority}`);
  const wildcard = star !== undefined;
  // A wildcard over an address or a single label would be wider than anyone means; IPv6 has no dots.
  if (wildcard && (!url.hostname.includes('.') || /^[\d.]+$/.test(url.hostname))) return undefined;
  return { scheme: scheme === 'http' ? 'http' : 'https', host: url.hostname, wildcard, port: url.port };
}

/** Whether a parsed URL lies within a pattern. */
export function matchesOrigin(url: URL, pattern: OriginPattern): boolean {
  if (url.protocol !== `${pattern.scheme}:` || url.port !== pattern.port) return false;
  if (!pattern.wildcard) return url.hostname === pattern.host;
  return url.hostname.endsWith(`.${pattern.host}`) && !url.hostname.startsWith('.');
}

/** Whether any of the texts is a pattern that the URL lies within. */
export function matchesAnyOrigin(url: URL, patterns: readonly string[]): boolean {
  return patterns.some((text) => {
    const pattern = parseOriginPattern(text);
    return pattern !== undefined && matchesOrigin(url, pattern);
  });
}

/**
 * The origin of a URL as a pattern text: `https://ghe.example.com:8443`; undefined for anything but http and https, and for what
 * would be a wildcard: URLs may have a `*` in their host.
 */
export function originOf(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  return /^https?:$/.test(url.protocol) && !url.hostname.includes('*') ? url.origin : undefined;
}
