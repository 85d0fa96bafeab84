import type { Failure } from './document.ts';

/** What a host does about one kind of failure of a call. */
export interface RetryRule {
  /** Pauses before the same call is made again at once, in milliseconds, before jitter. */
  pausesMs: readonly number[];
  /** The run is parked and goes on later, so often without any progress in between; then the feature fails. */
  parks: { attempts: number; baseMs: number; mostMs: number } | undefined;
  /** What ends when nothing helps. */
  ends: 'feature' | 'run';
  /** What the feature is then. */
  feature: 'failed' | 'skipped';
  /** Whether the connection is paused with it. */
  pausesConnection: boolean;
}

const GIVE_UP: RetryRule = { pausesMs: [], parks: undefined, ends: 'feature', feature: 'failed', pausesConnection: false };
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** One rule for each case of the contract's failure. A checkpoint that has expired starts its feature again once, before this. */
export const RETRY_RULES: Readonly<Record<Failure['kind'], RetryRule>> = Object.freeze({
  'invalid-config': { ...GIVE_UP, ends: 'run' },
  unauthorized: { ...GIVE_UP, ends: 'run', pausesConnection: true },
  forbidden: { ...GIVE_UP, feature: 'skipped' },
  // The source says when. One that says so without end, or a limit that no call can keep, would park the run for ever.
  throttled: { ...GIVE_UP, parks: { attempts: 100, baseMs: 250, mostMs: DAY_MS } },
  // A source that is down for a moment costs a moment, not the run.
  unavailable: { ...GIVE_UP, pausesMs: [500, 1_500, 4_000], parks: { attempts: 6, baseMs: 30_000, mostMs: HOUR_MS } },
  'checkpoint-expired': GIVE_UP,
  unsupported: GIVE_UP,
  failed: GIVE_UP,
});

/** A pause that no two hosts make at the same time: half of it to one and a half times. `chance` is 0 to 1. */
export function jittered(ms: number, chance: number): number {
  return Math.round(ms * (0.5 + chance));
}

/** When a parked run goes on that the source gave no time for: twice as late with each attempt, at most `mostMs`. */
export function parkMs(parks: NonNullable<RetryRule['parks']>, attempts: number, chance: number): number {
  return Math.min(parks.mostMs, jittered(parks.baseMs * 2 ** (attempts - 1), chance));
}

/** What is added to a time that a source named, so that all runs of a credential do not come back in the same moment. */
export function afterThrottleMs(waitMs: number, chance: number): number {
  const spreadMs = Math.min(5_000, waitMs / 10);
  return Math.ceil(Math.max(250, waitMs) + spreadMs * chance);
}
