import type { Meter } from '../domain/meter.ts';
import type { Wire } from './frame.ts';
import type { SourceFunction } from './protocol.ts';

/** What a call came to. `value` and `error` are the guest's and not yet checked. */
export type CallOutcome =
  | { kind: 'result'; value: unknown }
  /** The function's own error: the payload of its WIT `result`. */
  | { kind: 'error'; error: unknown }
  /** The call was ended, or the process was: `reason` is for the operator, `fault` (the host's own error) for its log. */
  | { kind: 'killed'; cause: KillCause; reason: string; fault?: unknown };

/**
 * `neighbour`: another call in the same process was at fault. `host`: the host itself was. Either way this one may be
 * tried again.
 */
export type KillCause = 'trap' | 'timeout' | 'protocol' | 'memory' | 'limit' | 'cancelled' | 'exit' | 'neighbour' | 'host';

/** What a host function gives back: the value, or the payload of its WIT error. */
export type HostAnswer = { ok: true; value: Wire } | { ok: false; error: Wire };

/** The powers of one call: answers every host call that its guest makes. */
export interface HostPowers {
  /** `undefined` for a function that has no answer. Rejects only for a bug of the host. */
  handle(name: string, func: string, args: unknown[]): Promise<HostAnswer> | undefined;
}

export interface SandboxCall {
  function: SourceFunction;
  args: readonly Wire[];
  powers: HostPowers;
  /** The limits of the call, and what it used when it has settled. */
  meter: Meter;
  signal: AbortSignal;
}
