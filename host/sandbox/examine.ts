import { compileWith } from './compile.ts';
import { Examination } from './examination.ts';
import { type InspectionReport, inspectWith, tooLarge } from './inspect.ts';
import type { Isolation } from './isolation.ts';

export interface ExamineOptions {
  isolation: Isolation;
  /** Whether its types are compared with the contract's too, for which it is compiled. */
  types: boolean;
}

/** The verdict on a component file. Nothing is kept, and it is never run. Never rejects for a bad component. */
export async function examineOnce(component: Uint8Array, { isolation, types }: ExamineOptions): Promise<InspectionReport> {
  const refusal = tooLarge(component);
  if (refusal !== undefined) return refusal;
  const examination = new Examination(isolation);
  try {
    const report = await inspectWith(examination, component);
    if (!types || report.verdict !== 'accepted') return report;
    const outcome = await compileWith(examination, report);
    return outcome.ok ? report : { ...report, verdict: 'WRONG_WORLD', problems: outcome.problems };
  } finally {
    examination.end();
  }
}
