import type { Context } from 'hono';
import { parse } from 'hono/utils/cookie';
import { NOBODY, type Actor, type Caller } from '../domain/caller.ts';
import { RequestError } from '../domain/errors.ts';
import { toDelivery } from '../middleware/delivery.ts';
import type { Edge } from '../middleware/edge.ts';
import { formBody } from '../middleware/form-body.ts';
import { jsonBody } from '../middleware/json-body.ts';
import type { RateLimits } from '../middleware/rate-limit.ts';
import type { Services } from '../services/services.ts';
import { refuseForeignOrganisation, refuseScope } from './access.ts';
import type { Route, RouteRequest } from './route.ts';

/** A request whose sender may make it, not yet parsed. */
export type Admitted = Omit<RouteRequest, 'validation'>;

export interface Door {
  services: Pick<Services, 'callers' | 'changes'>;
  limits: RateLimits;
}

/**
 * The one place that admits callers: who it is, may it do this, for this organisation? Only then is anything else looked at.
 * UNAUTHENTICATED, RATE_LIMITED, FORBIDDEN, UNKNOWN_ORGANISATION; what `jsonBody` throws.
 */
export async function admit(c: Context<Edge>, route: Route, door: Door): Promise<Admitted> {
  const caller = await identify(c, route, door);
  const actor = { kind: caller.kind, id: caller.id, requestId: c.get('requestId') };
  const request = {
    path: new URLSearchParams(Object.entries(c.req.param()).filter((entry): entry is [string, string] => typeof entry[1] === 'string')),
    query: new URL(c.req.url).searchParams,
  };
  try {
    refuseScope(route.access, caller);
    const body = await bodyOf(c, route);
    refuseForeignOrganisation(route.access, caller, { ...request, body });
    return { ...request, body, caller, actor, ifState: ifMatch(c, route), cookies: parse(c.req.header('cookie') ?? '') };
  } catch (error) {
    await recordRefusal(error, { route, caller, actor }, door);
    throw error;
  }
}

async function identify(c: Context<Edge>, { access }: Route, { services, limits }: Door): Promise<Caller> {
  if (access.kind === 'open') return NOBODY;
  const caller = await services.callers.authenticate(c.req.header('authorization'));
  c.set('caller', caller);
  await limits.take(c, caller);
  return caller;
}

/** What somebody known was refused of what operators do goes on record, in the log of whoever asked. */
async function recordRefusal(error: unknown, asked: { route: Route; caller: Caller; actor: Actor }, { services }: Door): Promise<void> {
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
  if (route.body.takes === 'form') return formBody(c);
  return route.body.takes === 'json' ? jsonBody(c) : undefined;
}

/** The state that a change is meant for. INVALID_REQUEST when it is none of ours, or the thing has none. */
function ifMatch(c: Context<Edge>, { conditional, method }: Route): number | undefined {
  const given = c.req.header('if-match')?.trim();
  if (given === undefined || method === 'GET' || (given === '*' && conditional)) return undefined;
  const [, state] = /^"(\d{1,15})"$/.exec(given) ?? [];
  if (conditional && state !== undefined) return Number(state);
  const reason = conditional ? 'It is no ETag of this thing.' : 'This thing has no ETag.';
  const remedy = conditional ? 'Send the ETag that it was read with, or leave the header out.' : 'Leave the header out.';
  throw new RequestError('INVALID_REQUEST', `The header If-Match cannot be used: ${reason}`, {
    remedy,
    problems: [{ path: 'If-Match', reason, remedy }],
  });
}
