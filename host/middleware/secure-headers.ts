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

/**
 * A page with a form sends it here and nowhere else, and says where it comes from: without a referrer browsers call the origin
 * of a form `null`, which is no origin of ours.
 */
const WITH_FORM: Readonly<Record<string, string>> = {
  'Content-Security-Policy': HEADERS['Content-Security-Policy']?.replace("form-action 'none'", "form-action 'self'") ?? '',
  'Referrer-Policy': 'same-origin',
};

/** `publicUrl` with https also tells browsers to come back by TLS alone, for a year. */
export function secureHeaders({ publicUrl }: { publicUrl: string | undefined }): MiddlewareHandler<Edge> {
  const transport = publicUrl?.startsWith('https:') === true ? { 'Strict-Transport-Security': 'max-age=31536000' } : {};
  const headers = Object.entries({ ...HEADERS, ...transport });
  return async (c, next) => {
    await next();
    for (const [name, value] of headers) c.res.headers.set(name, value);
    if (c.get('hasForm') === true) for (const [name, value] of Object.entries(WITH_FORM)) c.res.headers.set(name, value);
  };
}
