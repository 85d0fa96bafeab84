import { expect, test, vi } from 'vitest';
import { progressLine, progressOf, progressText } from '../../../host/cli/progress.ts';
import type { CliIo } from '../../../host/cli/io.ts';
import type { RunFeature } from '../../../host/domain/run-progress.ts';
import type { Run } from '../../../host/services/runs/run-view.ts';

const IO: CliIo = {
  env: {},
  stdin: process.stdin,
  stdout: { write() {} },
  stderr: { write() {} },
  signal: new AbortController().signal,
};
const COUNTS = { reason: undefined, batches: 0, expected: undefined, upserted: 0, unchanged: 0, deleted: 0, skipped: 0, failed: 0 };

function run(features: Pick<RunFeature, 'feature' | 'state' | 'seen'>[], more: Partial<Run> = {}): Run {
  return {
    id: 'r',
    organisation: 'default',
    connection: 'c',
    kind: 'content',
    startedBy: 'request',
    state: 'running',
    reason: undefined,
    features: features.map((feature) => ({ ...COUNTS, ...feature })),
    problems: [],
    workedMs: 0,
    workedSinceMs: undefined,
    wakeAtMs: undefined,
    createdAtMs: 0,
    startedAtMs: 0,
    finishedAtMs: undefined,
    ...more,
  };
}

test('progress names each feature, how far it is, and the rate', () => {
  const now = run([
    { feature: 'issues', state: 'done', seen: 90 },
    { feature: 'files', state: 'running', seen: 10 },
    { feature: 'pulls', state: 'pending', seen: 0 },
  ]);
  expect(progressText(now, 2_000)).toBe('issues done, files 10, pulls waiting; 50 items/s');
  expect(progressText(now, 10)).toBe('issues done, files 10, pulls waiting');
});

test('progress of a run of which nothing has come says what begins, and for how long', () => {
  const features = [
    { feature: 'issues', state: 'pending', seen: 0 },
    { feature: 'files', state: 'pending', seen: 0 },
  ] as const;
  expect(progressText(run([...features], { state: 'queued' }), 0)).toBe('issues waiting, files waiting');
  expect(progressText(run([...features]), 7_600)).toBe('issues begins, files waiting; for 8 s');
});

test('progress of a parked run says until when and why, in one line', () => {
  const parked = run([], { state: 'parked', wakeAtMs: Date.UTC(2026, 0, 1, 12, 30, 5), reason: 'rate limit\n\u001b[2J' });
  expect(progressText(parked, 0)).toBe('waiting until 12:30:05 UTC: rate limit [2J');
});

test('the line is drawn again in place, no wider than the terminal, ten times a second at most', () => {
  const written: string[] = [];
  let nowMs = 0;
  const line = progressLine({ write: (text) => written.push(text), isTTY: true, columns: 30 }, () => nowMs);
  const now = run([{ feature: 'a_feature_with_a_very_long_name_indeed', state: 'running', seen: 1 }]);
  line.update(now);
  nowMs = 50;
  line.update(now);
  nowMs = 200;
  line.update(now);
  line.end();
  expect(written).toEqual(['\r\u001b[2Ka_feature_with_a_very_long_na', '\r\u001b[2Ka_feature_with_a_very_long_na', '\r\u001b[2K']);
});

test('a terminal that does not say how wide it is gets a line all the same', () => {
  const written: string[] = [];
  const line = progressLine({ write: (text) => written.push(text), isTTY: true, columns: 0 });
  line.update(run([{ feature: 'a_feature_with_a_very_long_name_indeed', state: 'running', seen: 1 }]));
  line.end();
  expect(written[0]).toBe('\r\u001b[2Ka_feature_with_a_very_long_name_indeed 1');
});

test('a terminal keeps why a run waits, whole, once each time', () => {
  const written: string[] = [];
  const line = progressLine({ write: (text) => written.push(text), isTTY: true, columns: 30 });
  const parked = run([], { state: 'parked', wakeAtMs: Date.UTC(2026, 0, 1, 12, 30, 5), reason: 'nobody answers at its address' });
  line.update(parked);
  line.update(parked);
  line.end();
  expect(written).toEqual([
    '\r\u001b[2Kwaiting until 12:30:05 UTC: nobody answers at its address\n',
    '\r\u001b[2Kwaiting until 12:30:05 UTC: n',
    '\r\u001b[2K',
  ]);
});

test('a terminal sees that time goes by while nothing comes', () => {
  vi.useFakeTimers();
  try {
    const written: string[] = [];
    const line = progressLine({ write: (text) => written.push(text), isTTY: true });
    line.update(run([{ feature: 'issues', state: 'pending', seen: 0 }]));
    vi.advanceTimersByTime(2_000);
    line.end();
    vi.advanceTimersByTime(2_000);
    expect(written.map((text) => text.replace('\r\u001b[2K', ''))).toEqual([
      'issues begins',
      'issues begins; for 1 s',
      'issues begins; for 2 s',
      '',
    ]);
  } finally {
    vi.useRealTimers();
  }
});

test('where nobody is looking nothing is drawn, and said once why a run waits', () => {
  const written: string[] = [];
  const line = progressLine({ write: (text) => written.push(text) });
  line.update(run([]));
  const wakeAtMs = Date.UTC(2026, 0, 1, 12, 30, 5);
  line.update(run([], { state: 'parked', wakeAtMs, reason: 'the source is away' }));
  line.update(run([], { state: 'parked', wakeAtMs, reason: 'the source is away' }));
  line.update(run([], { state: 'parked', wakeAtMs: wakeAtMs + 1_000, reason: 'the source is away' }));
  line.end();
  expect(written).toEqual(['waiting until 12:30:05 UTC: the source is away\n', 'waiting until 12:30:06 UTC: the source is away\n']);
});

test('with --json nothing is shown', () => {
  const written: string[] = [];
  const stderr = { write: (text: string) => written.push(text), isTTY: true };
  const shown = progressOf({ io: { ...IO, stderr }, json: true });
  shown.update(run([], { state: 'parked' }));
  shown.end();
  expect(written).toEqual([]);
});
