import { readFile } from 'node:fs/promises';
import type { ConformanceResult } from '../../host/conformance/suite.ts';
import { PROCESS_ISOLATION } from '../../host/sandbox/isolation.ts';
import { DEFAULT_POOL, SandboxPool } from '../../host/sandbox/pool.ts';
import { type ConformanceTest, testInSandbox } from '../../host/services/registry/conformance.ts';
import { compiled, type CompiledComponent } from './compiled.ts';
import { componentFile } from './components.ts';

/** Components that are tested one after the other. */
export interface ConformanceLab {
  /** With `signal` and whatever else a test says. */
  test(component: Uint8Array, test?: Partial<ConformanceTest> & { withoutSource?: boolean }): Promise<ConformanceResult>;
  close(): void;
}

export function openLab(): ConformanceLab {
  const pool = new SandboxPool({ ...DEFAULT_POOL, isolation: PROCESS_ISOLATION, onStderr: (text) => process.stderr.write(text) });
  const known = new WeakMap<Uint8Array, Promise<CompiledComponent>>();
  return {
    async test(bytes, test = {}) {
      const subject = known.get(bytes) ?? compiled(bytes);
      known.set(bytes, subject);
      return testInSandbox({ pool, ...(await subject) }, { signal: new AbortController().signal, ...test });
    },
    close: () => pool.close(),
  };
}

export function component(name: Parameters<typeof componentFile>[0]): Promise<Uint8Array> {
  return readFile(componentFile(name));
}

/** The rules that came out so, each with why. */
export function verdicts({ rules }: ConformanceResult, wanted: 'pass' | 'fail' | 'not-applicable'): Record<string, string> {
  return Object.fromEntries(rules.flatMap((rule) => (rule.verdict === wanted ? [[rule.name, 'reason' in rule ? rule.reason : '']] : [])));
}
