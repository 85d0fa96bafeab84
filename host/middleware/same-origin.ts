import type { MiddlewareHandler } from 'hono';
import { isLoopbackHost } from '../domain/loopback.ts';
import { RequestError } from '../domain/errors.ts';
import type { Edge } from './edge.ts';

export interface SameOriginOptions {
  /** Where the host listens. */
  host: string;
  /** Further names, lower-case, under which it may be called. */
  allowedHosts: readonly string[];
  /** Under which browsers reach it. */
  publicUrl: string | undefined;
  /** Origins whose pages may call it all the same. */
  corsOrigins: readonly string[];
}

const SAFE_METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS'];

/**
 * Keeps web pages of other origins out, whatever a browser sends along: FORBIDDEN_HOST
 * when the Host header names another machine (DNS rebinding), or when a request that changes
 * something comes from a page of another origin (CSRF).
 */
export function sameOrigin(options: SameOriginOptions): MiddlewareHandler<Edge> {
  const names = new Set(
    [options.host, ...options.allowedHosts, ...(options.publicUrl === undefined ? [] : [new URL(options.publicUrl).hostname])].map((name) =>
      name.toLowerCase(),
    ),
  );
  // Behind a proxy that does not pass the Host header on, pages of our own come from there.
  const invited = [...options.corsOrigins, ...(options.publicUrl === undefined ? [] : [new URL(options.publicUrl).origin])];
  return async (c, next) => {
    // A request line may hold a whole URL, which then stands for the Host header: both must be ours.
    const { host } = new URL(c.req.url);
    const authority = c.req.header('host') ?? host;
    if (![authority, host].every((given) => isOurs(given, names))) {
      throw new RequestError('FORBIDDEN_HOST', 'The Host header names a host that this one does not answer for.', {
        remedy: 'Call it by a loopback address, or add the name to LORELAI_ALLOWED_HOSTS.',
      });
    }
    if (!SAFE_METHODS.includes(c.req.method)) {
      const origin = c.req.header('origin');
      const isInvited = origin !== undefined && invited.includes(origin);
      if (!isInvited) refuseOtherOrigins(authority, origin, c.req.header('sec-fetch-site'));
    }
    await next();
  };
}

/** Browsers send both headers by themselves and let no page change them; other callers send neither. */
function refuseOtherOrigins(authority: string, origin: string | undefined, fetchSite: string | undefined): void {
  const foreignSite = fetchSite !== undefined && fetchSite !== 'same-origin' && fetchSite !== 'none';
  const foreignOrigin = origin !== undefined && !isOriginOf(origin, authority);
  if (!foreignSite && !foreignOrigin) return;
  throw new RequestError('FORBIDDEN_HOST', 'A web page of another origin may not change anything here.', {
    remedy: 'Call this host from a program, not from a page in a browser.',
  });
}

function isOriginOf(origin: string, authority: string): boolean {
  const url = URL.parse(origin);
  return url !== null && url.host === URL.parse(`${url.protocol}//${authority}`)?.host;
}

function isOurs(authority: string, names: ReadonlySet<string>): boolean {
  const name = hostName(authority);
  return name !== undefined && (isLoopbackHost(name) || names.has(name));
}

/** The name without its port, lower-case, IPv6 without brackets. */
function hostName(authority: string): string | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(authority);
  return (match?.[1] ?? match?.[2])?.toLowerCase();
}
