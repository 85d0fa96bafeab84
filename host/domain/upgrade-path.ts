import { compare, gt } from 'semver';
import { isWithin } from './version-range.ts';

/** A version of a datasource as far as a switch to it is concerned. */
export interface UpgradeVersion {
  version: string;
  /** A range for npm's `semver`. */
  frameworkVersion: string;
  /** Versions that it takes over from; undefined: those that semver calls compatible. */
  upgradeFrom: string | undefined;
}

export type UpgradePath =
  /** Versions to switch to, one after the other; the last is the target. */
  { ok: true; steps: string[] } | { ok: false; reason: string; remedy: string };

/** Whether a version goes on with the checkpoints and collections of another. */
export function takesOver(from: string, to: Pick<UpgradeVersion, 'version' | 'upgradeFrom'>): boolean {
  return isWithin(to.version, `^${from}`) || (to.upgradeFrom !== undefined && isWithin(from, to.upgradeFrom));
}

/**
 * The shortest way from an installed version up to another through the versions at hand, each of which goes on where the one
 * before it stopped and works with the framework; of ways of the same length the one through the highest versions
 * (breadth-first search over the versions in descending order).
 */
export function upgradePath(from: string, to: string, versions: readonly UpgradeVersion[], frameworkVersion: string): UpgradePath {
  const target = versions.find(({ version }) => version === to);
  if (target === undefined)
    return { ok: false, reason: `Version ${to} is not at hand.`, remedy: 'Get it first, or name one of those that are.' };
  if (to === from) {
    return {
      ok: false,
      reason: `${to} runs already.`,
      remedy: 'Get a higher version with `datasources install`, or name one that is at hand.',
    };
  }
  if (!gt(to, from)) {
    return { ok: false, reason: `${to} is not higher than ${from}, which runs.`, remedy: 'Go back with `datasources rollback`.' };
  }
  if (!isWithin(frameworkVersion, target.frameworkVersion)) {
    const reason = `${to} works with framework ${target.frameworkVersion}, and this host has ${frameworkVersion}.`;
    return { ok: false, reason, remedy: 'Choose a version for this framework.' };
  }
  const usable = versions
    .filter(
      (candidate) => gt(candidate.version, from) && !gt(candidate.version, to) && isWithin(frameworkVersion, candidate.frameworkVersion),
    )
    .toSorted((a, b) => compare(b.version, a.version));
  const steps = shortest(from, to, usable);
  if (steps !== undefined) return { ok: true, steps };
  const takers = target.upgradeFrom === undefined ? `^${from.split('.')[0]}` : target.upgradeFrom;
  return {
    ok: false,
    reason: `No version at hand leads from ${from} to ${to}: ${to} goes on from ${target.upgradeFrom ?? 'compatible versions alone'}.`,
    remedy: `Get a version between them (${takers}), or begin afresh with \`--fresh\`: everything is read again.`,
  };
}

function shortest(from: string, to: string, usable: readonly UpgradeVersion[]): string[] | undefined {
  const cameFrom = new Map<string, string>();
  const queue = [from];
  for (const at of queue) {
    if (at === to) return wayTo(to, from, cameFrom);
    for (const next of usable) {
      if (!gt(next.version, at) || cameFrom.has(next.version) || !takesOver(at, next)) continue;
      cameFrom.set(next.version, at);
      queue.push(next.version);
    }
  }
  return undefined;
}

function wayTo(to: string, from: string, cameFrom: ReadonlyMap<string, string>): string[] {
  const way: string[] = [];
  for (let at: string | undefined = to; at !== undefined && at !== from; at = cameFrom.get(at)) way.unshift(at);
  return way;
}
