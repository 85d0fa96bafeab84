import type { MiddlewareHandler } from 'hono';
import { bodyLimit as limit } from 'hono/body-limit';
import { RequestError } from '../domain/errors.ts';
import type { Edge } from './edge.ts';

/** The largest request body, in bytes. */
export const MAX_BODY_BYTES = 1024 * 1024;

/** BODY_TOO_LARGE by the announced length, or as soon as too much has come. */
export function bodyLimit(): MiddlewareHandler<Edge> {
  return limit({
    maxSize: MAX_BODY_BYTES,
    onError: () => {
      throw new RequestError('BODY_TOO_LARGE', `The body is larger than ${MAX_BODY_BYTES} bytes.`, { remedy: 'Send less.' });
    },
  });
}
