import type { MiddlewareHandler } from 'hono';
import type { Log } from '../log.ts';
import type { Edge } from './edge.ts';

/** Asked every few seconds by whatever watches the host: worth a line only while debugging. */
const QUIET_PATHS: readonly string[] = ['/healthz', '/readyz', '/metrics'];

/** One line for each request: method, path without its query, status, milliseconds. */
export function accessLog(log: Log): MiddlewareHandler<Edge> {
  return async (c, next) => {
    const beganMs = performance.now();
    await next();
    const level = QUIET_PATHS.includes(c.req.path) ? 'debug' : 'info';
    log[level]('request', {
      requestId: c.get('requestId'),
      method: c.req.method,
      path: new URL(c.req.url).pathname,
      status: c.res.status,
      caller: c.get('caller')?.id,
      durationMs: Math.round((performance.now() - beganMs) * 10) / 10,
    });
  };
}
