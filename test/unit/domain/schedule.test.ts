import { assert, constantFrom, integer, property, string } from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { nextDueMs, scheduleFault } from '../../../host/domain/schedule.ts';

const NOW = Date.parse('2026-11-23T03:30:00Z');
const MINUTE_MS = 60_000;

describe('a schedule', () => {
  it.each(['0 * * * *', '*/15 * * * *', '30 2 * * MON-FRI', '0 0 29 2 *', 'off'])('can be %j', (text) => {
    expect(scheduleFault(text)).toBeUndefined();
  });

  it.each([
    ['', /five fields/],
    ['* * * * * *', /five fields/],
    ['@daily', /five fields/],
    ['0  * * * *', /five fields/],
    ['61 * * * *', /out of range/],
    ['0 0 30 2 *', /never comes/],
    [`${'1,'.repeat(60)}1 * * * *`, /five fields/],
  ])('cannot be %j', (text, reason) => {
    expect(scheduleFault(text)).toMatch(reason);
  });

  it('that is off is never due', () => {
    expect(nextDueMs('off', NOW, 'a')).toBeUndefined();
  });

  it('comes at most a tenth of its time late, for each connection always by the same', () => {
    const offsets = Array.from(
      { length: 50 },
      (_, number) => (nextDueMs('0 * * * *', NOW, `connection ${number}`) ?? 0) % (60 * MINUTE_MS),
    );
    expect(Math.max(...offsets)).toBeLessThan(6 * MINUTE_MS);
    expect(new Set(offsets).size).toBeGreaterThan(40);
    const first = nextDueMs('0 * * * *', NOW, 'a') ?? 0;
    expect(nextDueMs('0 * * * *', first, 'a')).toBe(first + 60 * MINUTE_MS);
  });
});

test('whatever the schedule and the moment, the next time is later, and none between is left out', () => {
  const cron = constantFrom('* * * * *', '*/7 * * * *', '0,1 * * * *', '59 23 * * *', '0 0 1 * *', '30 2 * * 0');
  const moment = integer({ min: 0, max: 4_000_000_000_000 });
  assert(
    property(cron, moment, string(), (text, afterMs, whose) => {
      const due = nextDueMs(text, afterMs, whose) ?? 0;
      expect(due).toBeGreaterThan(afterMs);
      // Asked a moment before it is due, the same time comes.
      expect(nextDueMs(text, Math.max(afterMs, due - 1), whose)).toBe(due);
    }),
    { numRuns: 300 },
  );
});
