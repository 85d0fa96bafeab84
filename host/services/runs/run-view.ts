import type { Problem } from '../../domain/errors.ts';
import type { FeatureState, RunKind, RunStarter, RunState } from '../../domain/run-kind.ts';

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

/** One job of a connection. */
export interface Run {
  id: string;
  organisation: string;
  connection: string;
  kind: RunKind;
  startedBy: RunStarter;
  state: RunState;
  reason: string | undefined;
  features: RunFeature[];
  /** Items and scopes that were left out, the first 100. */
  problems: (Problem & { feature: string })[];
  /** How long it was worked on until `workedSinceMs`, which it has while somebody works on it. */
  workedMs: number;
  workedSinceMs: number | undefined;
  wakeAtMs: number | undefined;
  createdAtMs: number;
  startedAtMs: number | undefined;
  finishedAtMs: number | undefined;
}
