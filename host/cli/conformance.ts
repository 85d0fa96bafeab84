import type { ConformanceResult, RuleVerdict } from '../conformance/suite.ts';
import { count, oneLine } from './format.ts';
import type { Output } from './io.ts';

const CLEAR_LINE = '\r\u001b[2K';

/** One line on a terminal that says which rule is tried; nothing where nobody is looking. */
export function ruleProgress(output: Output): { onRule(name: string, number: number, total: number): void; end(): void } {
  if (output.isTTY !== true) return { onRule() {}, end() {} };
  return {
    onRule: (name, number, total) =>
      void output.write(`${CLEAR_LINE}${`${number}/${total} ${name}`.slice(0, Math.max(20, (output.columns ?? 80) - 1))}`),
    end: () => void output.write(CLEAR_LINE),
  };
}

export function conformanceJson({ name, version, digest, passed, rules, calls }: ConformanceResult): unknown {
  return { name, version, digest, passed, calls, rules };
}

export function conformanceText({ name, version, passed, rules, calls }: ConformanceResult): string {
  const number = (verdict: RuleVerdict['verdict']): number => rules.filter((rule) => rule.verdict === verdict).length;
  const sum = `${number('pass')} passed, ${number('fail')} failed, ${number('not-applicable')} not applicable, in ${count(calls, 'call')}.`;
  return [...rules.flatMap(ruleLines), '', `${name} ${version} ${passed ? 'does what it must' : 'does NOT do what it must'}: ${sum}`].join(
    '\n',
  );
}

function ruleLines(rule: RuleVerdict): string[] {
  switch (rule.verdict) {
    case 'pass':
      return [`pass  ${rule.name}`];
    case 'fail':
      return [
        `FAIL  ${rule.name}`,
        `      ${rule.demands}`,
        `      ${oneLine(rule.reason)}`,
        `      remedy: ${oneLine(rule.remedy)}`,
        `      contract: "${rule.contract}"`,
      ];
    case 'not-applicable':
      return [`  -   ${rule.name}: ${oneLine(rule.reason)}`];
    default:
      return rule satisfies never;
  }
}
