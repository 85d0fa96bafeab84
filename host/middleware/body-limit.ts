import type { MiddlewareHandler } from 'hono';
import { bodyLimit as limit } from 'hono/body-limit';
import { RequestError } from '../domain/errors.ts';
import type { Edge } from './edge.ts';

/** The largest request body, in bytes. */
export const MAX_BODY_BYTES = 1024 * 1024;

/** What a source may send of its own accord, in bytes: it says more at one time than a caller has to. */
export const MAX_DELIVERY_BYTES = 8 * 1024 * 1024;

/** BODY_TOO_LARGE by the announced length, or as soon as more than `maxBytes` have come. */
export function bodyLimit(maxBytes: number): MiddlewareHandler<Edge> {
  return limit({
    maxSize: maxBytes,
    onError: () => {
      throw new RequestError('BODY_TOO_LARGE', `The body is larger than ${maxBytes} bytes.`, { remedy: 'Send less.' });
    },
  });
}
