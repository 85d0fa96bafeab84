import type { Context, Hono, MiddlewareHandler } from 'hono';
import { RequestError } from '../domain/errors.ts';
import type { Edge } from '../middleware/edge.ts';
import { fromKeptAnswer, toKeptAnswer } from '../middleware/once.ts';
import { problemResponse } from '../middleware/problem.ts';
import type { RateLimits } from '../middleware/rate-limit.ts';
import type { Services } from '../services/services.ts';
import { admit, type Admitted } from './admit.ts';
import { takesIdempotencyKey, type Route, type RouteAnswer } from './route.ts';
import type { Validation } from './validation.ts';

/** What routes are served with. */
export interface ServedWith {
  services: Services;
  validation: Validation;
  limits: RateLimits;
}

/** Puts routes into an app: their methods, and a 405 with `Allow` for every other method at their addresses. */
export function registerRoutes(app: Hono<Edge>, routes: readonly Route[], served: ServedWith): void {
  for (const route of routes) app.on(route.method, toHonoPath(route.path), (c) => answer(c, route, served).catch(rethrow));
  const known: MiddlewareHandler<Edge> = async (c, next) => {
    await served.services.callers.authenticate(c.req.header('authorization'));
    return next();
  };
  for (const [path, group] of Map.groupBy(routes, (route) => route.path)) {
    if (group.every(({ access }) => access.kind === 'callers')) app.all(toHonoPath(path), known);
    const methods = group.map((route) => route.method);
    refuseOtherMethods(app, path, methods);
  }
  // Nobody unknown learns which addresses there are.
  app.all('/api/*', known);
  app.all('/v1/*', known);
}

/** Hono hands nothing but an Error to the error handler. */
function rethrow(thrown: unknown): never {
  throw thrown instanceof Error ? thrown : new Error('what was thrown is not an error', { cause: thrown });
}

/** METHOD_NOT_ALLOWED for whatever was not registered at this address before. */
export function refuseOtherMethods(app: Hono<Edge>, path: string, methods: readonly string[]): void {
  const allow = methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(', ');
  app.all(toHonoPath(path), (c) => {
    const error = new RequestError('METHOD_NOT_ALLOWED', `${c.req.method} is not possible at ${c.req.path}.`, { remedy: `Use ${allow}.` });
    return problemResponse(c, error, { Allow: allow });
  });
}

async function answer(c: Context<Edge>, route: Route, served: ServedWith): Promise<Response> {
  const request = await admit(c, route, served);
  const serve = async (): Promise<Response> =>
    toResponse(c, route, await route.serve(served.services, { ...request, validation: served.validation }));
  const key = takesIdempotencyKey(route) ? c.req.header('idempotency-key') : undefined;
  return key === undefined ? serve() : serveOnce(c, { key, request, serve, services: served.services });
}

interface OnceOptions {
  key: string;
  request: Admitted;
  serve: () => Promise<Response>;
  services: Services;
}

/** What has failed has changed nothing and may be sent again with the same key; what succeeded is answered again. */
async function serveOnce(c: Context<Edge>, { key, request, serve, services }: OnceOptions): Promise<Response> {
  const content = [c.req.method, c.req.path, request.query.toString(), new Uint8Array(await c.req.arrayBuffer())];
  const once = await services.idempotency.begin({ caller: request.caller, key, content });
  if (once.kind === 'answered') return fromKeptAnswer(c, once.answer);
  try {
    const response = await serve();
    await once.keep(await toKeptAnswer(response));
    return response;
  } catch (error) {
    await once.release();
    throw error;
  }
}

function toResponse(c: Context<Edge>, route: Route, { body, location, state, cookie, form }: RouteAnswer): Response {
  if (location !== undefined) c.header('Location', location);
  if (state !== undefined) c.header('ETag', `"${state}"`);
  if (cookie !== undefined) c.header('Set-Cookie', cookie);
  if (form === true) c.set('hasForm', true);
  const { mediaType } = route.success;
  if (route.success.orText === true && typeof body === 'string') return c.text(body);
  if (mediaType !== undefined) return c.body(textBody(body), 200, { 'Content-Type': mediaType });
  return route.success.status === 204 ? c.body(null, 204) : c.json(body, route.success.status);
}

function textBody(body: unknown): string | ReadableStream {
  return isAsyncIterable(body) ? ReadableStream.from(body).pipeThrough(new TextEncoderStream()) : String(body);
}

function isAsyncIterable(body: unknown): body is AsyncIterable<string> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}

function toHonoPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}
