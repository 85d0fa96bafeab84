import { Failure } from '../index.ts';

/** The failure that a call throws. */
export function failureOf(call: () => unknown): Failure {
  try {
    call();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('It did not fail.');
}

/** What the contract's function throws: a plain `{ tag, val }`. */
export function caseOf(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    if (error instanceof Error) throw error;
    return error;
  }
  throw new Error('It did not fail.');
}
