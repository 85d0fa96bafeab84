import type { MiddlewareHandler } from 'hono';
import { cors as honoCors } from 'hono/cors';
import type { Edge } from './edge.ts';

/** Lets pages of these origins, and of no other, call the API with a key of their own; cookies are never sent along. */
export function cors({ corsOrigins }: { corsOrigins: readonly string[] }): MiddlewareHandler<Edge> {
  if (corsOrigins.length === 0) return (_c, next) => next();
  return honoCors({
    origin: [...corsOrigins],
    allowMethods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowHeaders: ['Authorization', 'Content-Type', 'Idempotency-Key', 'If-Match', 'X-Request-Id'],
    exposeHeaders: ['ETag', 'Idempotency-Replayed', 'Location', 'RateLimit', 'RateLimit-Policy', 'Retry-After', 'X-Request-Id'],
    maxAge: 600,
  });
}
