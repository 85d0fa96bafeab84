/** What a connection's runs are held to. Every number may be set for one connection. */
export interface RunBounds {
  /** A prune that would remove a greater share of a feature's documents is held: 0 to 1. */
  maxPrunedShare: number;
  /** As many documents may always be pruned, whatever share they are: 0 to 1,000,000. */
  alwaysPruned: number;
  /** So many runs in a row that failed pause the connection: 1 to 1,000. */
  maxFailedRuns: number;
  /** A run with more failed items is ended, and the connection is paused: 1 to 1,000,000,000. */
  maxFailedItems: number;
  /** The same for a greater share of failed items among all that it has seen, once they are a few: 0 to 1. */
  maxFailedShare: number;
}

interface BoundRule {
  default: number;
  least: number;
  most: number;
  whole: boolean;
  description: string;
}

/** Every bound: what holds when nobody says otherwise, and what an operator may set. */
export const RUN_BOUNDS: Readonly<Record<keyof RunBounds, BoundRule>> = Object.freeze({
  maxPrunedShare: {
    default: 0.2,
    least: 0,
    most: 1,
    whole: false,
    description: "A prune that would remove a greater share of a feature's documents is held.",
  },
  alwaysPruned: {
    default: 10,
    least: 0,
    most: 1_000_000,
    whole: true,
    description: 'As many documents may be pruned whatever share they are, but never all.',
  },
  maxFailedRuns: { default: 5, least: 1, most: 1_000, whole: true, description: 'So many failed runs in a row pause the connection.' },
  maxFailedItems: {
    default: 10_000,
    least: 1,
    most: 1_000_000_000,
    whole: true,
    description: 'A run with more failed items is ended and the connection is paused.',
  },
  maxFailedShare: {
    default: 0.5,
    least: 0,
    most: 1,
    whole: false,
    description: 'The same for a greater share of failed items among those seen, from 200 seen items on.',
  },
});

/** Below it a share says nothing: the first items of a source may well be its worst. */
const MIN_SEEN_FOR_SHARE = 200;

/** Why nobody works on a connection. */
export interface Pause {
  atMs: number;
  by: 'operator' | 'host';
  /** What made the host do it; `operator` when it was one. */
  cause: PauseCause;
  reason: string;
}

export const PAUSE_CAUSES = ['operator', 'unauthorized', 'failed-runs', 'failed-items'] as const;

export type PauseCause = (typeof PAUSE_CAUSES)[number];

/** The default of each bound. */
export function defaultBounds(): RunBounds {
  const { maxPrunedShare, alwaysPruned, maxFailedRuns, maxFailedItems, maxFailedShare } = RUN_BOUNDS;
  return {
    maxPrunedShare: maxPrunedShare.default,
    alwaysPruned: alwaysPruned.default,
    maxFailedRuns: maxFailedRuns.default,
    maxFailedItems: maxFailedItems.default,
    maxFailedShare: maxFailedShare.default,
  };
}

export function isBoundName(name: string): name is keyof RunBounds {
  return Object.hasOwn(RUN_BOUNDS, name);
}

/** Whether an operator may set the bound to this. */
export function isBoundValue(name: keyof RunBounds, value: unknown): value is number {
  const { least, most, whole } = RUN_BOUNDS[name];
  return typeof value === 'number' && value >= least && value <= most && (!whole || Number.isSafeInteger(value));
}

/** What a prune is judged by when it has seen the last page of a feature. */
export interface PruneFindings {
  /** Documents of the feature in the index. */
  documents: number;
  /** Of these: those that were not listed. */
  absent: number;
  listed: number;
  /** What went wrong at the source while it listed, or before. */
  fault: string | undefined;
}

/** Why a prune is not to be believed without an operator; undefined when it is. */
export function whyHeld({ documents, absent, listed, fault }: PruneFindings, bounds: RunBounds): string | undefined {
  if (absent === 0) return undefined;
  const what = `${absent} of ${documents} documents are no longer listed`;
  if (fault !== undefined) return `${what}, and the source was not well: ${fault}`;
  if (listed === 0) return `${what}: the source lists nothing at all`;
  if (absent > bounds.alwaysPruned && absent > documents * bounds.maxPrunedShare) {
    return `${what}, more than the bound maxPrunedShare of ${bounds.maxPrunedShare} allows`;
  }
  return undefined;
}

/** Why a run with so many failed items goes on no longer; undefined when it does. */
export function whyTooManyFailed({ failed, seen }: { failed: number; seen: number }, bounds: RunBounds): string | undefined {
  if (failed > bounds.maxFailedItems) return `${failed} items failed, more than the bound maxFailedItems of ${bounds.maxFailedItems}`;
  const of = Math.max(seen, failed);
  if (of >= MIN_SEEN_FOR_SHARE && failed > of * bounds.maxFailedShare) {
    return `${failed} of ${of} items failed, more than the bound maxFailedShare of ${bounds.maxFailedShare}`;
  }
  return undefined;
}
