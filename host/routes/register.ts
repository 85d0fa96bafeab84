import type { Context, Hono } from 'hono';
import type { Caller } from '../domain/caller.ts';
import { RequestError } from '../domain/errors.ts';
import type { Edge } from '../middleware/edge.ts';
import { toDelivery } from '../middleware/delivery.ts';
import { jsonBody } from '../middleware/json-body.ts';
import { problemResponse } from '../middleware/problem.ts';
import type { Services } from '../services/services.ts';
import { refuseForeignOrganisation, refuseScope } from './access.ts';
import type { Route } from './route.ts';
import type { Validation } from './validation.ts';

/** Puts routes into an app: their methods, and a 405 with `Allow` for every other method at their addresses. */
export function registerRoutes(app: Hono<Edge>, routes: readonly Route[], services: Services, validation: Validation): void {
  for (const route of routes) app.on(route.method, toHonoPath(route.path), (c) => answer(c, route, services, validation));
  for (const [path, group] of Map.groupBy(routes, (route) => route.path)) {
    refuseOtherMethods(
      app,
      path,
      group.map((route) => route.method),
    );
  }
}

/** METHOD_NOT_ALLOWED for whatever was not registered at this address before. */
export function refuseOtherMethods(app: Hono<Edge>, path: string, methods: readonly string[]): void {
  const allow = methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(', ');
  app.all(toHonoPath(path), (c) => {
    const error = new RequestError('METHOD_NOT_ALLOWED', `${c.req.method} is not possible at ${c.req.path}.`, { remedy: `Use ${allow}.` });
    return problemResponse(c, error, { Allow: allow });
  });
}

async function answer(c: Context<Edge>, route: Route, services: Services, validation: Validation): Promise<Response> {
  const { body, location } = await serve(c, route, services, validation).catch((thrown: unknown) => {
    // Hono hands nothing but an Error to the error handler.
    throw thrown instanceof Error ? thrown : new Error('what was thrown is not an error', { cause: thrown });
  });
  if (location !== undefined) c.header('Location', location);
  const { mediaType } = route.success;
  if (route.success.orText === true && typeof body === 'string') return c.text(body);
  if (mediaType !== undefined) return c.body(String(body), 200, { 'Content-Type': mediaType });
  return route.success.status === 204 ? c.body(null, 204) : c.json(body, route.success.status);
}

/** The one place that admits callers: who it is, may it do this, for this organisation? Only then is anything else looked at. */
async function serve(c: Context<Edge>, route: Route, services: Services, validation: Validation): ReturnType<Route['serve']> {
  const caller = EVERYBODY;
  refuseScope(route.access, caller);
  const request = {
    path: new URLSearchParams(Object.entries(c.req.param()).filter((entry): entry is [string, string] => typeof entry[1] === 'string')),
    query: new URL(c.req.url).searchParams,
    body: await bodyOf(c, route),
  };
  refuseForeignOrganisation(route.access, caller, request);
  return route.serve(services, {
    ...request,
    validation,
    caller,
    actor: { kind: caller.kind, id: caller.id, requestId: c.get('requestId') },
  });
}

/** As the route takes it. */
async function bodyOf(c: Context<Edge>, route: Route): Promise<unknown> {
  if (route.body.takes === 'delivery') return toDelivery(c);
  return route.body.takes === 'json' ? jsonBody(c) : undefined;
}

/** Until callers are asked who they are. */
const EVERYBODY: Caller = { kind: 'local', id: 'anyone', organisation: undefined, scopes: ['admin', 'on-behalf-of', 'metrics'] };

function toHonoPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}
