import { checkpointExpired } from '@lorelai/datasource-sdk';
import type { Call, FeatureName } from './call.ts';
import type { ListingCursor } from './listing.ts';
import type { StageCursor, StageName } from './stages.ts';

/** What a feature keeps between two batches. */
export interface State {
  version: 1;
  /** Changes when everything is read again from the start: part of every shape. */
  epoch: number;
  /** Counts the batches; the collections have the same number, or they belong to another checkpoint. */
  stamp: number;
  /** When this run began, by the host's clock; one run's differs from every other's. */
  run: number;
  /** Items that this run has looked at. */
  seen: number;
  phase: Phase;
}

/** The parts of a run, in order. */
export type Phase =
  | { at: 'listing'; listing?: ListingCursor | undefined; incomplete: boolean }
  | { at: 'reading'; index: number; cursor?: StageCursor | undefined; incomplete: boolean }
  | { at: 'missing'; index: number; purge?: StageName | undefined; incomplete: boolean }
  | { at: 'expiring'; stage: 'issues' | 'pulls'; after: string }
  | { at: 'idle' };

const VERSION = 1;

/**
 * The state with which a call goes on: a new run after a finished one. Throws `checkpointExpired` when the collections
 * were written after another checkpoint than this one, as after a restored backup: what they say of the index is wrong.
 */
export function openState(call: Call, feature: FeatureName, state: State | undefined): State {
  const { nowMs } = call.connection;
  const stamp = call.repositories.get<number>(stampKey(feature)) ?? 0;
  // Listing comes first either way; a new epoch makes all that is known count as unread.
  if (state === undefined)
    return { version: VERSION, epoch: nowMs, stamp, run: nowMs, seen: 0, phase: { at: 'listing', incomplete: false } };
  if (state.version !== VERSION) throw checkpointExpired('The checkpoint was written by another version of this datasource.');
  if (state.stamp !== stamp) throw checkpointExpired('The checkpoint and the collections are not of the same moment.');
  if (state.phase.at !== 'idle') return state;
  return { ...state, run: Math.max(nowMs, state.run + 1), seen: 0, phase: { at: 'listing', incomplete: false } };
}

/** The state that goes with what this call wrote. */
export function closeState(call: Call, feature: FeatureName, state: State): State {
  const stamp = state.stamp + 1;
  call.repositories.put(stampKey(feature), stamp);
  return { ...state, stamp };
}

function stampKey(feature: FeatureName): string {
  return `chunk/stamp/${feature}`;
}
