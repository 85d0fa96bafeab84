import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Compiler, createCompiler } from './compile.ts';
import { findIsolation } from './find-isolation.ts';
import { inspectComponent, type InspectionReport } from './inspect.ts';

/**
 * The whole verdict on a component file: what its outside says and, when that is good, whether its
 * types are those of the contract. Compiles it, and never runs it. Never throws on a bad component.
 */
export async function examineComponent(component: Uint8Array, compiler: Compiler): Promise<InspectionReport> {
  const report = inspectComponent(component);
  if (report.verdict !== 'accepted') return report;
  const outcome = await compiler.compile(component, report);
  return outcome.ok ? report : { ...report, verdict: 'WRONG_WORLD', problems: outcome.problems };
}

/** `examineComponent` for once: what was compiled is thrown away. */
export async function examineOnce(component: Uint8Array): Promise<InspectionReport> {
  const folder = await mkdtemp(join(tmpdir(), 'datasource-inspect-'));
  try {
    const { isolation } = await findIsolation('auto');
    return await examineComponent(component, createCompiler(folder, isolation));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
