import type { Context, Hono, MiddlewareHandler } from 'hono';
import { NOBODY, type Actor, type Caller } from '../domain/caller.ts';
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
  const known: MiddlewareHandler<Edge> = async (c, next) => {
    await services.callers.authenticate(c.req.header('authorization'));
    return next();
  };
  for (const [path, group] of Map.groupBy(routes, (route) => route.path)) {
    if (group.every(({ access }) => access.kind === 'callers')) app.all(toHonoPath(path), known);
    const methods = group.map((route) => route.method);
    refuseOtherMethods(app, path, methods);
  }
  // Nobody unknown learns which addresses there are.
  app.all('/api/*', known);
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
  if (mediaType !== undefined) return c.body(textBody(body), 200, { 'Content-Type': mediaType });
  return route.success.status === 204 ? c.body(null, 204) : c.json(body, route.success.status);
}

function textBody(body: unknown): string | ReadableStream {
  return isAsyncIterable(body) ? ReadableStream.from(body).pipeThrough(new TextEncoderStream()) : String(body);
}

function isAsyncIterable(body: unknown): body is AsyncIterable<string> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}

/** The one place that admits callers: who it is, may it do this, for this organisation? Only then is anything else looked at. */
async function serve(c: Context<Edge>, route: Route, services: Services, validation: Validation): ReturnType<Route['serve']> {
  const caller = await identify(c, route, services);
  const actor = actorOf(c, caller);
  const request = {
    path: new URLSearchParams(Object.entries(c.req.param()).filter((entry): entry is [string, string] => typeof entry[1] === 'string')),
    query: new URL(c.req.url).searchParams,
  };
  try {
    refuseScope(route.access, caller);
    const body = await bodyOf(c, route);
    refuseForeignOrganisation(route.access, caller, { ...request, body });
    return await route.serve(services, { ...request, body, validation, caller, actor });
  } catch (error) {
    await recordRefusal(error, { route, caller, actor }, services);
    throw error;
  }
}

/** Who calls. UNAUTHENTICATED. */
async function identify(c: Context<Edge>, { access }: Route, services: Services): Promise<Caller> {
  if (access.kind === 'open') return NOBODY;
  const caller = await services.callers.authenticate(c.req.header('authorization'));
  c.set('caller', caller);
  return caller;
}

/** What somebody known was refused of what operators do goes on record, in the log of whoever asked. */
async function recordRefusal(error: unknown, asked: { route: Route; caller: Caller; actor: Actor }, services: Services): Promise<void> {
  const { route, caller, actor } = asked;
  const refused = error instanceof RequestError && (error.code === 'FORBIDDEN' || error.code === 'UNKNOWN_ORGANISATION');
  if (!refused || route.access.kind === 'open' || route.access.scopes.includes('reader')) return;
  await services.changes.record({
    actor,
    organisation: caller.organisation,
    action: 'access.refuse',
    target: `operation/${route.operationId}`,
    after: { code: error.code },
  });
}

/** As the route takes it. */
async function bodyOf(c: Context<Edge>, route: Route): Promise<unknown> {
  if (route.body.takes === 'delivery') return toDelivery(c);
  return route.body.takes === 'json' ? jsonBody(c) : undefined;
}

function actorOf(c: Context<Edge>, { kind, id }: Caller): Actor {
  return { kind, id, requestId: c.get('requestId') };
}

function toHonoPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}
