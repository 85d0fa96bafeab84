import { createHash } from 'node:crypto';
import { Cron } from 'croner';
import type { ScheduledKind } from './run-kind.ts';

/** In the place of cron: never by itself. */
export const NEVER = 'off';

/** What holds when neither an operator nor the datasource says otherwise: UTC, each with its own jitter. */
export const DEFAULT_SCHEDULES: Readonly<Record<ScheduledKind, string>> = Object.freeze({
  content: '0 * * * *',
  prune: '30 2 * * *',
  access: '30 * * * *',
});

const MAX_LENGTH = 100;
/** Only what every cron knows: five fields of numbers, names, `*`, `,`, `-` and `/`. */
const FIVE_FIELDS = /^[0-9A-Za-z*,/-]+( [0-9A-Za-z*,/-]+){4}$/;
/** Connections with the same cron begin at different times of this part of the time between two. */
const JITTER_SHARE = 0.1;
const MAX_JITTER_MS = 15 * 60_000;
const GAPS_COMPARED = 8;

/** What is wrong with a schedule, or undefined: five fields of cron that come at all, or `off`. */
export function scheduleFault(text: string): string | undefined {
  if (text === NEVER) return undefined;
  if (text.length > MAX_LENGTH || !FIVE_FIELDS.test(text)) return 'It is neither five fields of cron with one space between two, nor off.';
  try {
    return cronOf(text).nextRun(new Date(0)) === null ? 'It never comes.' : undefined;
  } catch {
    return 'A field of it is out of range.';
  }
}

/**
 * When a schedule comes next after a moment, in milliseconds; undefined for `off`. `whose` moves it by up to a tenth of the
 * time between two, at most 15 minutes, always by the same for the same, so that a thousand connections do not begin at once.
 */
export function nextDueMs(schedule: string, afterMs: number, whose: string): number | undefined {
  if (schedule === NEVER) return undefined;
  const cron = cronOf(schedule);
  const jitterMs = Math.floor(shareOf(whose) * Math.min(MAX_JITTER_MS, shortestGapMs(cron) * JITTER_SHARE));
  const next = cron.nextRun(new Date(afterMs - jitterMs));
  return next === null ? undefined : next.getTime() + jitterMs;
}

/** Between two of its times. The same whenever it is asked, so that a schedule whose times are uneven is moved as a whole. */
function shortestGapMs(cron: Cron): number {
  const times = cron.nextRuns(GAPS_COMPARED + 1, new Date(0)).map((time) => time.getTime());
  return Math.min(...times.slice(1).map((time, index) => time - (times[index] ?? 0)), Number.MAX_SAFE_INTEGER);
}

function cronOf(text: string): Cron {
  return new Cron(text, { mode: '5-part', timezone: 'UTC', paused: true });
}

/** 0 to 1, the same for the same text. */
function shareOf(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE(0) / 2 ** 32;
}
