import type { Context } from 'hono';
import { RequestError } from '../domain/errors.ts';
import type { Edge } from './edge.ts';

/** The fields of a form that a page of ours has sent; those that come twice are lists. UNSUPPORTED_MEDIA_TYPE. */
export async function formBody(c: Context<Edge>): Promise<Record<string, string | string[]>> {
  const text = await c.req.text();
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(c.req.header('content-type') ?? '')) {
    throw new RequestError('UNSUPPORTED_MEDIA_TYPE', 'The body is not called application/x-www-form-urlencoded.', {
      remedy: 'Send the form of the page.',
    });
  }
  const fields = new URLSearchParams(text);
  return Object.fromEntries(
    [...new Set(fields.keys())].map((name) => {
      const [only = '', ...more] = fields.getAll(name);
      return [name, more.length === 0 ? only : [only, ...more]];
    }),
  );
}
