/** Puts denials on record and tells its parent of each that is, until it is killed. */
import { createLog } from '../../../../host/log.ts';
import { createAuditRecorder } from '../../../../host/services/record/audit-recorder.ts';
import { createMetrics } from '../../../../host/services/record/metrics.ts';
import { openDatabase } from '../../../../host/store/database.ts';

const database = await openDatabase({ file: process.argv[2] ?? '' });
const metrics = createMetrics({ sandboxProcesses: () => 0 });
const log = createLog({ level: 'silent', pretty: false, write: () => undefined });
const recorder = createAuditRecorder({ database, log, metrics, maxRows: 10_000, maxAgeDays: 90 });
for (let n = 0; n < 100_000; n += 1) {
  await recorder.recordNow({
    kind: 'denial',
    home: { organisation: 'acme', connection: 'c1' },
    datasource: 'probe',
    reason: String(n),
  });
  process.send?.(n);
}
