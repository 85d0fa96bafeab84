import type { Grant } from './grant.ts';

/** One line for each thing that a grant gives, in words that an operator reads. */
export function grantLines({ http, authorisation, storage, limits }: Grant): string[] {
  return [
    ...http.origins.map((origin) => `http ${origin}`),
    ...http.privateNetworks.map((block) => `addresses of ${block}`),
    ...(authorisation?.origins ?? []).map((origin) => `authorisation ${origin}`),
    ...(storage ? ['storage'] : []),
    ...Object.entries(limits).map(([name, value]) => `limit ${name} ${value}`),
  ];
}

/**
 * What a version asks for that the one before it did not ask for and nobody has given: the lines that wait for an operator.
 * What was asked for before and not given stays so.
 */
export function newlyAsked(asks: { before: Grant; now: Grant }, given: Grant): string[] {
  const known = new Set([...grantLines(asks.before), ...grantLines(given)]);
  return grantLines(asks.now).filter((line) => !known.has(line));
}

/** Both grants together; where both set a limit, that of `first` holds. */
export function joinGrants(first: Grant, second: Grant): Grant {
  const authorisation = union(first.authorisation?.origins ?? [], second.authorisation?.origins ?? []);
  return {
    http: {
      origins: union(first.http.origins, second.http.origins),
      privateNetworks: union(first.http.privateNetworks, second.http.privateNetworks),
    },
    ...(authorisation.length === 0 ? {} : { authorisation: { origins: authorisation } }),
    storage: first.storage || second.storage,
    limits: { ...second.limits, ...first.limits },
  };
}

function union(a: readonly string[], b: readonly string[]): string[] {
  return [...new Set([...a, ...b])];
}
