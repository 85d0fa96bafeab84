import type { Grant } from './grant.ts';
import { limitAmount } from './limit-amount.ts';
import { DEFAULT_LIMITS, LIMIT_NAMES, type LimitName } from './limits.ts';

/** One line for each thing that a grant gives, in words that an operator reads. */
export function grantLines({ http, authorisation, storage, limits }: Grant): string[] {
  return [
    ...http.origins.map((origin) => `http ${origin}`),
    ...http.privateNetworks.map((block) => `addresses of ${block}`),
    ...(authorisation?.origins ?? []).map((origin) => `authorisation ${origin}`),
    ...(storage ? ['storage'] : []),
    ...LIMIT_NAMES.flatMap((name) => limitLine(name, limits[name])),
  ];
}

/** The line of one limit; none where it has no number of its own. */
export function limitLine(name: LimitName, value: number | undefined): string[] {
  return value === undefined ? [] : [`limit ${name} ${limitAmount(name, value)}`];
}

/**
 * What a version asks for that the one before it did not ask for and nobody has given: it waits for an operator. What was asked for
 * before and not given stays so. A limit is asked for anew when it is higher than what is in force and than what was asked for before.
 */
export function newlyAsked({ before, now }: { before: Grant; now: Grant }, given: Grant): Grant {
  const authorisation = fresh(now.authorisation?.origins, before.authorisation?.origins, given.authorisation?.origins);
  return {
    http: {
      origins: fresh(now.http.origins, before.http.origins, given.http.origins),
      privateNetworks: fresh(now.http.privateNetworks, before.http.privateNetworks, given.http.privateNetworks),
    },
    ...(authorisation.length === 0 ? {} : { authorisation: { origins: authorisation } }),
    storage: now.storage && !before.storage && !given.storage,
    limits: higherLimits(now.limits, before.limits, given.limits),
  };
}

function fresh(now: readonly string[] = [], ...known: (readonly string[] | undefined)[]): string[] {
  return now.filter((entry) => !known.some((list) => list?.includes(entry) === true));
}

function higherLimits(now: Grant['limits'], before: Grant['limits'], given: Grant['limits']): Grant['limits'] {
  const higher: Grant['limits'] = {};
  for (const name of LIMIT_NAMES) {
    const value = now[name];
    if (value !== undefined && value > Math.max(before[name] ?? 0, given[name] ?? DEFAULT_LIMITS[name])) higher[name] = value;
  }
  return higher;
}

/** Both grants together; where both set a limit, that of `second` holds. */
export function joinGrants(first: Grant, second: Grant): Grant {
  const authorisation = union(first.authorisation?.origins ?? [], second.authorisation?.origins ?? []);
  return {
    http: {
      origins: union(first.http.origins, second.http.origins),
      privateNetworks: union(first.http.privateNetworks, second.http.privateNetworks),
    },
    ...(authorisation.length === 0 ? {} : { authorisation: { origins: authorisation } }),
    storage: first.storage || second.storage,
    limits: { ...first.limits, ...second.limits },
  };
}

function union(a: readonly string[], b: readonly string[]): string[] {
  return [...new Set([...a, ...b])];
}
