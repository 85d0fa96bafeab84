import type { MiddlewareHandler } from 'hono';
import { RequestError } from '../domain/errors.ts';
import type { Edge } from './edge.ts';

/** INVALID_REQUEST when the address holds a percent-encoding that is broken or is not UTF-8: later steps would guess at it. */
export function wellFormedUrl(): MiddlewareHandler<Edge> {
  return async (c, next) => {
    const { pathname, search } = new URL(c.req.url);
    if (!isDecodable(pathname) || !isDecodable(search)) {
      throw new RequestError('INVALID_REQUEST', 'The address holds a percent-encoding that is not UTF-8.', {
        remedy: 'Encode each part of the address as UTF-8, and a percent sign itself as %25.',
      });
    }
    await next();
  };
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
