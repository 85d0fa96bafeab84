import type { Manifest } from '../domain/manifest.ts';
import type { Passes } from './pass.ts';
import type { Scene, Told } from './subject.ts';

/** What came of one rule. */
export type Verdict =
  | { verdict: 'pass' }
  /** `remedy`: what its author does about it, in a sentence that begins with a verb. */
  | { verdict: 'fail'; reason: string; remedy: string }
  | { verdict: 'not-applicable'; reason: string };

/** What a rule looks at. */
export interface Examined {
  manifest: Manifest;
  /** The features that are tested. */
  features: readonly string[];
  /** Calls of this rule alone. */
  scene: Scene;
  /** Every feature read once from the beginning to its end, undisturbed; made when it is first asked for. */
  passes: Passes;
  /** Every call of the suite so far. */
  told(): readonly Told[];
  /** Whether there is a source, or a cassette of one, that it can ask. */
  hasSource: boolean;
}

/** One thing that every datasource must do. */
export interface Rule {
  /** `resumes-at-any-batch` */
  name: string;
  /** What it demands, for an author. */
  demands: string;
  /** The words of `wit/` that it comes from. */
  contract: string;
  /** `component`: shown without its source, and before an upgrade. `source`: what it reads is looked at. `all`: every call before, so it comes last. */
  about: 'component' | 'source' | 'all';
  check(examined: Examined): Promise<Verdict>;
}

export const PASS: Verdict = Object.freeze({ verdict: 'pass' });

export function fail(reason: string, remedy: string): Verdict {
  return { verdict: 'fail', reason, remedy };
}

export function notApplicable(reason: string): Verdict {
  return { verdict: 'not-applicable', reason };
}
