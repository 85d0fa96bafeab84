import type { Failure as WitFailure } from 'lorelai:datasource/types@1.0.0';
import type { InQuickJs } from './quickjs.ts';

/** Something that is wrong with one setting or one item, for a person to mend. */
export interface Problem {
  /** A JSON Pointer into the config (`/base_url`), or the id of an item or a scope at the source. */
  path: string;
  /** What is wrong, in one sentence. */
  reason: string;
  /** What to do about it, in one sentence that begins with a verb. */
  remedy: string;
}

/** Why a call failed, as the contract says it: one case for each decision that the host takes. */
export type FailureCase = InQuickJs<WitFailure>;

/** What a datasource throws. Anything else that is thrown counts as `failed`. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly failure: FailureCase;

  constructor(failure: FailureCase, message: string) {
    super(message);
    this.failure = failure;
  }

  /** `throttled`, `forbidden` and so on. */
  get kind(): FailureCase['tag'] {
    return this.failure.tag;
  }
}

/** The settings cannot work. The host stops the run and shows the problems. */
export function invalidConfig(problems: Problem[]): Failure {
  return new Failure({ tag: 'invalid-config', val: problems }, problems.map(({ reason }) => reason).join(' '));
}

/** The source refused the credential. The host refreshes it once, then pauses the connection. */
export function unauthorized(reason: string): Failure {
  return new Failure({ tag: 'unauthorized', val: reason }, reason);
}

/** The credential is good but not for this. The host records it and goes on with the next feature. */
export function forbidden(reason: string): Failure {
  return new Failure({ tag: 'forbidden', val: reason }, reason);
}

/** The source asked for patience: the host parks the run for `retryAfterMs`, at most 24 hours. */
export function throttled(retryAfterMs: number, reason: string): Failure {
  return new Failure({ tag: 'throttled', val: { retryAfterMs: Math.max(0, Math.ceil(retryAfterMs)), reason } }, reason);
}

/** The source or the way to it is down. The host tries again with growing pauses. */
export function unavailable(reason: string): Failure {
  return new Failure({ tag: 'unavailable', val: reason }, reason);
}

/** The source no longer knows what `state` says. The host starts the feature again without one. */
export function checkpointExpired(reason: string): Failure {
  return new Failure({ tag: 'checkpoint-expired', val: reason }, reason);
}

/** This datasource does not have this function. */
export function unsupported(): Failure {
  return new Failure({ tag: 'unsupported' }, 'This datasource does not have this function.');
}

/** Anything else. The host counts it towards the connection's failure threshold. */
export function failed(reason: string): Failure {
  return new Failure({ tag: 'failed', val: reason }, reason);
}
