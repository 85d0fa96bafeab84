import type { MiddlewareHandler } from 'hono';
import type { Edge } from './edge.ts';

/**
 * For every response: no scripts, no frames, no guessing of media types, nothing kept by caches and
 * nothing readable by other origins. Our own pages need a style sheet of this origin and no more.
 */
const HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Cache-Control': 'no-store',
};

export function secureHeaders(): MiddlewareHandler<Edge> {
  return async (c, next) => {
    await next();
    for (const [name, value] of Object.entries(HEADERS)) c.res.headers.set(name, value);
  };
}
