import type { Context } from 'hono';
import type { IncomingDelivery } from '../domain/webhook.ts';
import type { Edge } from './edge.ts';

/** The request as it came: what a source has signed is these very bytes. */
export async function toDelivery(c: Context<Edge>): Promise<IncomingDelivery> {
  const url = new URL(c.req.url);
  return {
    method: c.req.method,
    path: url.pathname,
    query: url.searchParams,
    headers: new Map(Object.entries(c.req.header())),
    body: new Uint8Array(await c.req.arrayBuffer()),
  };
}
