import { hasScope, type Caller, type Scope } from '../domain/caller.ts';
import { RequestError } from '../domain/errors.ts';
import { unknownOrganisation } from '../domain/organisation.ts';

/**
 * Where a route's organisation comes from.
 * `query`: the parameter `organisation`; `query-or-body`: that or the body's property;
 * `{ path }`: this parameter of the path is the id of an organisation;
 * `caller`: the service is given the caller and goes no further than its organisation;
 * `shared`: what every organisation shares; any caller may, whosever it is;
 * `host`: what concerns the whole host; only a caller of the host may.
 */
export type OrganisationSource = 'query' | 'query-or-body' | { path: string } | 'caller' | 'shared' | 'host';

/** Who may call a route: declared beside it, checked by `admit` and nowhere else. */
export type Access =
  /** Everybody, without saying who they are. */
  | { kind: 'open' }
  /** Callers with one of these scopes, or one that includes it, for this organisation. */
  | { kind: 'callers'; scopes: readonly [Scope, ...Scope[]]; organisation: OrganisationSource };

/** Nobody is asked who they are: the health of the host, its description, and what proves itself in another way (a signature). */
export const OPEN: Access = Object.freeze({ kind: 'open' });

/** Callers with this scope, or one that includes it. */
export function callersWith(scope: Scope | readonly [Scope, ...Scope[]], organisation: OrganisationSource): Access {
  return { kind: 'callers', scopes: typeof scope === 'string' ? [scope] : scope, organisation };
}

/** FORBIDDEN unless the caller has a scope that the route asks for. Looks at nothing but caller and route. */
export function refuseScope(access: Access, caller: Caller): void {
  if (access.kind === 'open') return;
  if (!access.scopes.some((scope) => hasScope(caller, scope))) {
    const wanted = access.scopes.map((scope) => `"${scope}"`).join(' or ');
    throw new RequestError('FORBIDDEN', `This needs the scope ${wanted}, which the caller does not have.`, {
      remedy: 'Use a key with that scope.',
    });
  }
  if (access.organisation === 'host' && caller.organisation !== undefined) {
    throw new RequestError('FORBIDDEN', 'This concerns the whole host, and the caller belongs to one organisation.', {
      remedy: 'Use a key of the host.',
    });
  }
}

interface Named {
  path: URLSearchParams;
  query: URLSearchParams;
  body: unknown;
}

/**
 * UNKNOWN_ORGANISATION when the request names another organisation than the caller's own, which one that is not there
 * answers too, without a look at the store in either case. A request that names none means the caller's own: it is then
 * named in `query`.
 */
export function refuseForeignOrganisation(access: Access, caller: Caller, request: Named): void {
  if (access.kind === 'open' || caller.organisation === undefined) return;
  const named = namedOrganisations(access.organisation, request);
  for (const organisation of named) if (organisation !== caller.organisation) throw unknownOrganisation(organisation);
  const inQuery = access.organisation === 'query' || access.organisation === 'query-or-body';
  if (inQuery && named.length === 0) request.query.set('organisation', caller.organisation);
}

function namedOrganisations(source: OrganisationSource, { path, query, body }: Named): string[] {
  if (typeof source === 'object') return path.getAll(source.path);
  switch (source) {
    case 'query':
      return query.getAll('organisation');
    case 'query-or-body': {
      const inBody = isBodyObject(body) ? body.organisation : undefined;
      return [...query.getAll('organisation'), ...(typeof inBody === 'string' ? [inBody] : [])];
    }
    case 'caller':
    case 'shared':
    case 'host':
      return [];
  }
}

function isBodyObject(body: unknown): body is Record<string, unknown> {
  return typeof body === 'object' && body !== null && !Array.isArray(body);
}
