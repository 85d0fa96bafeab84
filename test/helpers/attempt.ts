import type { Limits } from '../../host/domain/limits.ts';
import type { SourceFunction } from '../../host/sandbox/protocol.ts';
import type { Step } from '../fixtures/probe/steps.ts';

/** What a stranger does to a host. It crosses to the host's process, so it is plain values. */
export type Attempt =
  /** A file that is inspected. */
  | { kind: 'file'; component: Uint8Array }
  /** A component that is called. */
  | { kind: 'component'; component: Uint8Array; function: SourceFunction; limits?: Partial<Limits> }
  /** The datasource `probe`, asked to misbehave, with a manifest and a grant that name these origins. */
  | { kind: 'probe'; steps: Step[]; limits?: Partial<Limits>; origins?: string[]; privateNetworks?: string[]; secret?: string }
  /** A guest that owns its process: `read` and `atStart` are JavaScript, see `farSide()`. */
  | { kind: 'process'; read: string; atStart?: string; limits?: Partial<Limits> };

/** What the host under attack is asked: an attempt, a neighbour's run, or, without either, what it holds. */
export interface Question {
  attempt?: Attempt;
  neighbour?: true;
}

/** What came of it. */
export interface Attempted {
  /** Of a file. */
  verdict?: string;
  problems?: { path: string; reason: string; remedy: string }[];
  manifest?: boolean;
  /** How a call ended, and its cause and reason when it was ended. */
  ended?: string;
  cause?: string;
  reason?: string;
  /** What the run is told. */
  failure?: string;
  /** Limits that were met. */
  breaches?: string[];
  /** What each step of `probe` was told. */
  said?: unknown[];
  /** What is on record of its requests: method, path and outcome. */
  requests?: string[];
  logLines?: number;
}
