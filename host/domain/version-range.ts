import { maxSatisfying, rcompare, satisfies, valid, validRange } from 'semver';

/** The plan's ranges put a comma where npm's `semver` wants a space: `>=1.0.0,<2.0.0`. */
export function normaliseRange(range: string): string {
  return range.replaceAll(',', ' ').replace(/\s+/g, ' ').trim();
}

/** Whether a text is a range of versions, in npm's words or the plan's. */
export function isRange(range: string): boolean {
  return validRange(normaliseRange(range)) !== null;
}

/** Whether a text is one exact semantic version, written as semver.org has it: no `v`, no blanks. */
export function isVersion(version: string): boolean {
  return valid(version) === version;
}

/**
 * Whether a version lies in a range. A pre-release does so only where the range names a pre-release of the same three
 * numbers, so that nobody gets one unasked.
 */
export function isWithin(version: string, range: string): boolean {
  return satisfies(version, normaliseRange(range));
}

/** The highest of these versions that lies in a range; undefined when none does. */
export function bestWithin(versions: readonly string[], range: string): string | undefined {
  return maxSatisfying([...versions], normaliseRange(range)) ?? undefined;
}

/** Those that lie in every one of the ranges, the highest first. */
export function withinAll(versions: readonly string[], ranges: readonly string[]): string[] {
  return versions.filter((version) => ranges.every((range) => isWithin(version, range))).toSorted(rcompare);
}
