import type { MiddlewareHandler } from 'hono';
import { ulid } from 'ulid';
import type { Edge } from './edge.ts';

const HEADER = 'X-Request-Id';
/** What a caller's own id may look like: it goes into headers and logs as it is. */
const ACCEPTABLE = /^[A-Za-z0-9._-]{1,64}$/;

/** Gives every request an id, the caller's own when it has an acceptable one, and says it in the response. */
export function requestId(): MiddlewareHandler<Edge> {
  return async (c, next) => {
    const given = c.req.header(HEADER);
    const id = given !== undefined && ACCEPTABLE.test(given) ? given : ulid();
    c.set('requestId', id);
    await next();
    c.res.headers.set(HEADER, id);
  };
}
