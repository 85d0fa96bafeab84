import { describe, expect, it } from 'vitest';
import { retryAfterMs } from '../retry.ts';

const NOW_MS = Date.UTC(2026, 9, 21, 7, 28, 0);

function hint(headers: Record<string, string>): number | undefined {
  return retryAfterMs({ headers: { get: (name) => headers[name] } }, NOW_MS);
}

describe('retryAfterMs()', () => {
  it.each([
    ['seconds', { 'retry-after': '120' }, 120_000],
    ['no time at all', { 'retry-after': '0' }, 0],
    ['a fraction of a second', { 'retry-after': '0.5' }, 500],
    ['an HTTP date', { 'retry-after': 'Wed, 21 Oct 2026 07:29:30 GMT' }, 90_000],
    ['an HTTP date that has passed', { 'retry-after': 'Wed, 21 Oct 2026 07:00:00 GMT' }, 0],
    ['nonsense', { 'retry-after': 'soon' }, undefined],
    ['a negative wait', { 'retry-after': '-5' }, undefined],
    ['a spent limit with a moment', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW_MS / 1000 + 60) }, 60_000],
    ['a spent limit whose moment has passed', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW_MS / 1000 - 60) }, 0],
    ['a spent limit with a wait', { 'ratelimit-remaining': '0', 'ratelimit-reset': '30' }, 30_000],
    ['a limit that is not spent', { 'x-ratelimit-remaining': '12', 'x-ratelimit-reset': '30' }, undefined],
    ['a spent limit without a reset', { 'x-ratelimit-remaining': '0' }, undefined],
    ['Retry-After before a reset', { 'retry-after': '1', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '30' }, 1_000],
    ['no hint', {}, undefined],
  ])('reads %s', (_what, headers: Record<string, string>, expected) => {
    expect(hint(headers)).toBe(expected);
  });
});
