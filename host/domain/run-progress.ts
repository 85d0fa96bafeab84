import type { FeatureState, RunState } from './run-kind.ts';

/** How far one feature of a run has come. */
export interface RunFeature {
  feature: string;
  state: FeatureState;
  reason: string | undefined;
  batches: number;
  seen: number;
  expected: number | undefined;
  upserted: number;
  unchanged: number;
  deleted: number;
  skipped: number;
  /** Items of `skipped` that the host itself could not use. */
  failed: number;
}

/** How far a run has come, all of its features together. */
export interface RunProgress {
  /** Items at the source that were looked at. */
  seen: number;
  /** Documents that are new or different. */
  changed: number;
  unchanged: number;
  deleted: number;
  /** Items that were left out, by the source or by the host. */
  skipped: number;
  /** Of these: what the host itself could not use. */
  failed: number;
  /** How many items there are, when every feature that is not done says so. */
  expected: number | undefined;
  /** Over the time that it was worked on. */
  itemsPerSecond: number | undefined;
  /** At that rate, of a run that is worked on. */
  secondsLeft: number | undefined;
}

interface Measured {
  state: RunState;
  workedMs: number;
  workedSinceMs: number | undefined;
  features: readonly Omit<RunFeature, 'feature' | 'reason' | 'batches'>[];
}

/** A rate over less says nothing. */
const MIN_MEASURED_MS = 1_000;

/** Adds up what the features of a run have counted. */
export function progressOf({ state, features, workedMs, workedSinceMs }: Measured, nowMs: number): RunProgress {
  const sum = (of: (feature: Measured['features'][number]) => number): number =>
    features.reduce((total, feature) => total + of(feature), 0);
  const seen = sum((feature) => feature.seen);
  const spentMs = workedMs + (workedSinceMs === undefined ? 0 : Math.max(0, nowMs - workedSinceMs));
  const itemsPerSecond = spentMs < MIN_MEASURED_MS || seen === 0 ? undefined : (seen * 1_000) / spentMs;
  const open = features.filter((feature) => feature.state === 'pending' || feature.state === 'running');
  const isKnown = open.every(({ expected }) => expected !== undefined);
  const expected = isKnown
    ? sum((feature) => (open.includes(feature) ? Math.max(feature.seen, feature.expected ?? 0) : feature.seen))
    : undefined;
  const left =
    expected === undefined || itemsPerSecond === undefined || state !== 'running' ? undefined : (expected - seen) / itemsPerSecond;
  return {
    seen,
    changed: sum((feature) => feature.upserted),
    unchanged: sum((feature) => feature.unchanged),
    deleted: sum((feature) => feature.deleted),
    skipped: sum((feature) => feature.skipped),
    failed: sum((feature) => feature.failed),
    expected,
    itemsPerSecond: itemsPerSecond === undefined ? undefined : Math.round(itemsPerSecond * 10) / 10,
    secondsLeft: left === undefined ? undefined : Math.ceil(left),
  };
}
