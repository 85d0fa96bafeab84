import type { LimitAsk as LimitAskSource } from '../generated/schemas/datasource-manifest.ts';
import type { Problem } from './errors.ts';
import { escapePointer } from './json-pointer.ts';
import { limitAmount } from './limit-amount.ts';
import { isLimitName, isLimitValue, LIMIT_NAMES, LIMITS } from './limits.ts';
import type { LimitAsk } from './manifest.ts';
import { nearest } from './nearest.ts';

type Asked = Readonly<Record<string, LimitAskSource>>;

/** Asks for limits that there are, within what a grant may set. */
export function checkLimitAsks(asked: Asked): Problem[] {
  return Object.entries(asked).flatMap(([name, { value }]) => {
    const path = `/capabilities/limits/${escapePointer(name)}`;
    if (!isLimitName(name)) {
      const remedy = `Write "${nearest(name, LIMIT_NAMES) ?? 'maxMemoryBytes'}", or another of docs/reference/limits.md.`;
      return [{ path, reason: `There is no limit "${name}".`, remedy }];
    }
    if (isLimitValue(name, value)) return [];
    const { least, most } = LIMITS[name];
    const reason = `${value} is not within what a host allows: ${limitAmount(name, least)} to ${limitAmount(name, most)}.`;
    return [{ path: `${path}/value`, reason, remedy: `Ask for ${least} to ${most}.` }];
  });
}

/** In the order of the table of limits. What is no limit of this host is asked for in vain. */
export function toLimitAsks(asked: Asked): LimitAsk[] {
  return LIMIT_NAMES.flatMap((limit) => {
    const ask = Object.hasOwn(asked, limit) ? asked[limit] : undefined;
    return ask === undefined ? [] : [{ limit, value: ask.value, reason: ask.reason }];
  });
}
