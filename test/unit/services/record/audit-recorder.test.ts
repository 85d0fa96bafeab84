import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { AuditEvent, AuditKind } from '../../../../host/domain/audit.ts';
import { createLog } from '../../../../host/log.ts';
import { createAuditRecorder, type AuditEntry, type AuditRecorder } from '../../../../host/services/record/audit-recorder.ts';
import { createMetrics } from '../../../../host/services/record/metrics.ts';
import { insertAuditEvents, listAuditEvents } from '../../../../host/store/audit.ts';
import { openDatabase, type Database } from '../../../../host/store/database.ts';
import { parsePrometheus } from '../../../helpers/prometheus.ts';
import { inspectFile, temporaryDatabase, temporaryFolder } from '../../store/fixture.ts';

const DAY_MS = 86_400_000;
const HOME = { organisation: 'acme', connection: 'c1' };
const SUBJECT = { ...HOME, datasource: 'probe' };

interface Recording {
  database: Database;
  recorder: AuditRecorder;
  logged: string[];
  dropped(): Promise<number | undefined>;
}

async function openRecorder(more: { maxRows?: number; maxAgeDays?: number; database?: Database } = {}): Promise<Recording> {
  const { database = await temporaryDatabase(), maxRows = 10_000, maxAgeDays = 90 } = more;
  const logged: string[] = [];
  const metrics = createMetrics({ sandboxProcesses: () => 0 });
  const log = createLog({ level: 'debug', pretty: false, write: (line) => void logged.push(line) });
  const recorder = createAuditRecorder({ database, log, metrics, maxRows, maxAgeDays });
  onTestFinished(() => recorder.close());
  return { database, recorder, logged, dropped: async () => parsePrometheus(await metrics.text()).get('lorelai_audit_dropped_total') };
}

function request(path: string): AuditEntry {
  return {
    kind: 'request',
    home: HOME,
    datasource: 'probe',
    request: { method: 'GET', origin: 'https://a.example', path, outcome: '200', bytesOut: 0, bytesIn: 1, durationMs: 0.4 },
  };
}

function denial(reason: string): AuditEntry {
  return { kind: 'denial', home: HOME, datasource: 'probe', cause: 'storage', reason };
}

async function listed(database: Database, kind?: AuditKind): Promise<AuditEvent[]> {
  return (await listAuditEvents(database, SUBJECT, kind === undefined ? {} : { kind }, { limit: 200 })).items;
}

function rowCount(database: Database): number {
  const [row] = inspectFile(database.file, (file) => file.prepare('SELECT count(*) AS rows FROM audit_events').all([]));
  return (row as { rows: number }).rows;
}

describe('the recorder', () => {
  test('has a denial in the store when recordNow() resolves, and what was waiting with it', async () => {
    const { database, recorder } = await openRecorder();
    recorder.record(request('/1'));
    await recorder.recordNow(denial('no'));
    expect((await listed(database)).map(({ kind }) => kind)).toEqual(['denial', 'request']);
  });

  test('writes requests a moment later by itself, and the rest when it is closed', async () => {
    const { database, recorder } = await openRecorder();
    recorder.record(request('/1'));
    expect(await listed(database)).toEqual([]);
    await expect.poll(() => listed(database)).toHaveLength(1);
    recorder.record(request('/2'));
    await recorder.close();
    expect((await listed(database)).map((event) => event.request?.path)).toEqual(['/2', '/1']);
  });

  test('resolves every recordNow() of many at the same time', async () => {
    const { database, recorder } = await openRecorder();
    await Promise.all(Array.from({ length: 2_000 }, (_, n) => recorder.recordNow(denial(String(n)))));
    expect(rowCount(database)).toBe(2_000);
  });

  test('a flood of 100,000 in one moment stays small in memory and in rows, and says how many are missing', async () => {
    const { database, recorder, dropped } = await openRecorder({ maxRows: 1_000 });
    const before = process.memoryUsage().heapUsed;
    for (let n = 0; n < 100_000; n += 1) recorder.record(request(`/${n}/${'x'.repeat(500)}`));
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 1024 * 1024);
    await recorder.close();
    const gaps = await listed(database, 'gap');
    const missing = gaps.reduce((sum, gap) => sum + (gap.missing ?? 0), 0);
    // All but 5,000 that may wait and 500 on their way to the store.
    expect(missing).toBe(94_500);
    expect(await dropped()).toBe(missing);
    expect(rowCount(database)).toBeLessThanOrEqual(1_000 + 100 + 1);
  });

  test('a flood that the store can follow keeps the newest, and pushes out no event of another kind or connection', async () => {
    const { database, recorder } = await openRecorder({ maxRows: 500 });
    await recorder.recordNow(denial('the one that matters'));
    await recorder.recordNow({ ...denial('elsewhere'), home: { ...HOME, connection: 'c2' } });
    for (let n = 0; n < 20_000; n += 1) {
      recorder.record(request(`/${n}`));
      if (n % 1_000 === 0) await recorder.recordNow({ kind: 'kill', home: HOME, datasource: 'probe', cause: 'trap' });
    }
    await recorder.close();
    expect(await listed(database, 'denial')).toHaveLength(1);
    expect((await listed(database, 'request'))[0]?.request?.path).toBe('/19999');
    expect(rowCount(database)).toBeLessThanOrEqual(500 + 50 + 20 + 2);
  });

  test('takes text of strangers cut, without control characters and halves of one', async () => {
    const { database, recorder } = await openRecorder();
    await recorder.recordNow({ ...request(`/\u0000\u001b[2J\ud800${'y'.repeat(5_000)}`), reason: 'a\u0000b' });
    const [event] = await listed(database);
    expect(event?.request?.path).toMatch(/^\/\ufffd\ufffd\[2J\ufffdy+$/);
    expect(event?.request?.path.length).toBe(1_000);
    expect(event?.reason).toBe('a\ufffdb');
  });

  test('a store that fails is told of in the log and holds nobody up', async () => {
    const database = await openDatabase({ file: join(await temporaryFolder(), 'test.db') });
    const { recorder, logged } = await openRecorder({ database });
    await recorder.recordNow(denial('before'));
    await database.close();
    await recorder.recordNow(denial('after'));
    expect(logged.join('')).toContain('events could not be put on record');
  });
});

describe('retention', () => {
  test('deletes what is older than its days when the host starts, in pieces, and nothing else', async () => {
    const database = await temporaryDatabase();
    const { recorder } = await openRecorder({ database });
    const old = Array.from({ length: 2_500 }, (_, n): AuditEvent => ({
      ...recorder.toEvent(denial(String(n))),
      atMs: Date.now() - 8 * DAY_MS,
    }));
    await insertAuditEvents(database, old);
    await recorder.recordNow(denial('young'));
    expect(rowCount(database)).toBe(2_501);
    await openRecorder({ database, maxAgeDays: 7 });
    await expect.poll(() => rowCount(database)).toBe(1);
    expect((await listed(database))[0]?.reason).toBe('young');
  });
});

test('a host that is killed has lost no denial that anybody heard of', async () => {
  const file = join(await temporaryFolder(), 'test.db');
  const child = fork(new URL('./recording-process.ts', import.meta.url), [file]);
  let heard = 0;
  child.on('message', () => {
    heard += 1;
    if (heard === 50) child.kill('SIGKILL');
  });
  await once(child, 'exit');
  const database = await openDatabase({ file });
  onTestFinished(() => database.close());
  const reasons = (await listed(database, 'denial')).map(({ reason }) => Number(reason));
  expect(reasons).toEqual(expect.arrayContaining(Array.from({ length: 50 }, (_, n) => n)));
});
