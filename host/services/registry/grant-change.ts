import type { Grant } from '../../domain/grant.ts';
import { grantLines } from '../../domain/grant-difference.ts';
import type { AuditEntry } from '../record/audit-recorder.ts';

/** What is installed, as far as the record tells of it. */
interface Granted {
  digest: string;
  grant: Grant;
}

/** What an install changed, for the record; undefined when the same component had the same grant before. */
export function grantChange(
  before: Granted | undefined,
  after: Granted & { version: string },
): Omit<AuditEntry, 'datasource' | 'request'> | undefined {
  const was = before === undefined ? [] : grantLines(before.grant);
  const is = grantLines(after.grant);
  const granted = is.filter((line) => !was.includes(line));
  const withdrawn = was.filter((line) => !is.includes(line));
  if (before?.digest === after.digest && granted.length === 0 && withdrawn.length === 0) return undefined;
  const reason = `version ${after.version} was installed: ${after.digest}`;
  return { kind: 'grant', home: undefined, reason, grant: { granted, withdrawn } };
}
