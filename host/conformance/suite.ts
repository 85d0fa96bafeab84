import { createPasses } from './pass.ts';
import { Divergence } from './player.ts';
import { type Examined, fail, type Rule, type Verdict } from './rule.ts';
import { conformanceRules } from './rules.ts';
import type { Subject } from './subject.ts';

/** What came of one rule, with the rule. */
export type RuleVerdict = Pick<Rule, 'name' | 'demands' | 'contract'> & Verdict;

/** What came of a suite. */
export interface ConformanceReport {
  /** No rule failed. */
  passed: boolean;
  rules: RuleVerdict[];
  /** Of the component, by the suite. */
  calls: number;
}

/** The same, and of which component. */
export interface ConformanceResult extends ConformanceReport {
  name: string;
  version: string;
  digest: string;
}

export interface SuiteOptions {
  features: readonly string[];
  hasSource: boolean;
  /** Only what the component shows by itself, as before an upgrade. */
  withoutSource?: boolean;
  /** Only these, by name. */
  rules?: readonly string[];
  /** Hears of each rule before it is tried. */
  onRule?(name: string, number: number, total: number): void;
}

/** Tries every rule. Rejects only when its signal ends it. */
export async function runSuite(subject: Subject, options: SuiteOptions): Promise<ConformanceReport> {
  const rules = conformanceRules().filter(
    ({ about, name }) => (options.withoutSource !== true || about !== 'source') && (options.rules?.includes(name) ?? true),
  );
  const passes = createPasses((name) => subject.scene(name));
  const verdicts: RuleVerdict[] = [];
  for (const [index, rule] of rules.entries()) {
    options.onRule?.(rule.name, index + 1, rules.length);
    const { features, hasSource } = options;
    const { manifest } = subject;
    const examined = { manifest, features, hasSource, passes, scene: subject.scene(rule.name), told: () => subject.told() };
    const { name, demands, contract } = rule;
    verdicts.push({ name, demands, contract, ...(await verdictOf(rule, examined)) });
  }
  return { passed: verdicts.every(({ verdict }) => verdict !== 'fail'), rules: verdicts, calls: subject.told().length };
}

async function verdictOf(rule: Rule, examined: Examined): Promise<Verdict> {
  try {
    return await rule.check(examined);
  } catch (error) {
    if (!(error instanceof Divergence)) throw error;
    return fail(error.message, 'Play it with the component that it was recorded with, or see what has changed and record it anew.');
  }
}
