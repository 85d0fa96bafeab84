/** Below the public address: where sources send people back to. */
export const CALLBACK_PATH = '/api/v1/authorisations/callback';

/** `start`: begins an attempt in the browser of whoever opens it. `reconnect`: begins one anew for a connection that its source has cut off. */
export const LINK_KINDS = ['start', 'reconnect'] as const;

export type LinkKind = (typeof LINK_KINDS)[number];

export function linkPath(kind: LinkKind): `/${string}` {
  return `/api/v1/authorisations/${kind}`;
}

/** Behind `?`, because the paths of requests are logged and their queries are not. */
export function linkTo(baseUrl: string, kind: LinkKind, ticket: string): string {
  return `${baseUrl}${linkPath(kind)}?ticket=${ticket}`;
}

/**
 * The cookie of an attempt. Under TLS its name keeps other hosts of the same domain from planting one (RFC 6265bis, section
 * 4.1.3.2); only plain loopback does without.
 */
export function cookieOf(baseUrl: string, attempt: string): { name: string; secure: boolean } {
  const secure = baseUrl.startsWith('https:');
  return { name: `${secure ? '__Host-' : ''}authorisation-${attempt}`, secure };
}
