import type { Context } from 'hono';
import { RequestError } from '../domain/errors.ts';
import type { Edge } from './edge.ts';

/** No form of ours has a tenth of it, and each field more is one to compare and to complain about. */
const MAX_FIELDS = 100;

/**
 * The fields of a form that a page of ours has sent; those that come twice are lists. UNSUPPORTED_MEDIA_TYPE, INVALID_REQUEST when
 * there are too many: whoever sends one need not say who he is.
 */
export async function formBody(c: Context<Edge>): Promise<Record<string, string | string[]>> {
  const text = await c.req.text();
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(c.req.header('content-type') ?? '')) {
    throw new RequestError('UNSUPPORTED_MEDIA_TYPE', 'The body is not called application/x-www-form-urlencoded.', {
      remedy: 'Send the form of the page.',
    });
  }
  const given = [...new URLSearchParams(text)];
  if (given.length > MAX_FIELDS) {
    throw new RequestError('INVALID_REQUEST', `The form has more than ${MAX_FIELDS} fields.`, { remedy: 'Send the form of the page.' });
  }
  const fields = Map.groupBy(given, ([name]) => name);
  return Object.fromEntries(
    [...fields].map(([name, entries]) => {
      const [only = '', ...more] = entries.map(([, value]) => value);
      return [name, more.length === 0 ? only : [only, ...more]];
    }),
  );
}
