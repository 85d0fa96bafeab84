import { expect, test } from 'vitest';
import { readRateHeaders } from '../../../host/capabilities/rate-headers.ts';

const NOW = Date.parse('2026-11-23T08:00:00Z');
const DAY_MS = 86_400_000;

function read(status: number, headers: Record<string, string>) {
  return readRateHeaders(
    status,
    Object.entries(headers).map(([name, value]) => ({ name, value })),
    NOW,
  );
}

test.each<[string, number, Record<string, string>, number]>([
  ['Retry-After in seconds', 429, { 'retry-after': '30' }, 30_000],
  ['Retry-After as a date', 503, { 'Retry-After': 'Mon, 23 Nov 2026 08:01:00 GMT' }, 60_000],
  ['a secondary limit of GitHub', 403, { 'retry-after': '60', 'x-ratelimit-remaining': '4000' }, 60_000],
  ['X-RateLimit since 1970', 200, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW / 1_000 + 120) }, 120_000],
  ['X-RateLimit in milliseconds since 1970', 429, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW + 5_000) }, 5_000],
  ['X-Rate-Limit from now', 200, { 'x-rate-limit-remaining': '0', 'x-rate-limit-reset': '7' }, 7_000],
  ['RateLimit-Reset from now', 200, { 'ratelimit-remaining': '0', 'ratelimit-reset': '9' }, 9_000],
  ['RateLimit in one header, as it was', 200, { ratelimit: 'limit=100, remaining=0, reset=50' }, 50_000],
  ['RateLimit in one header, as it is', 200, { ratelimit: '"default";r=0;t=40' }, 40_000],
  ['more than a day', 429, { 'retry-after': '999999' }, DAY_MS],
])('%s blocks until then', (_, status, headers, waitMs) => {
  expect(read(status, headers)?.blockedUntilMs).toBe(NOW + waitMs);
});

test.each<[string, number, Record<string, string>]>([
  ['something is left', 200, { 'x-ratelimit-remaining': '1', 'x-ratelimit-reset': '60' }],
  [
    'a part of the source is spent while it still answers',
    200,
    { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '60', 'x-ratelimit-resource': 'search' },
  ],
  ['it is a redirect that asks for patience', 301, { 'retry-after': '60', 'x-ratelimit-remaining': '5' }],
])('%s: nothing is blocked', (_, status, headers) => {
  expect(read(status, headers)).toMatchObject({ blockedUntilMs: undefined });
});

test.each<[string, Record<string, string>]>([
  ['none', {}],
  ['no number', { 'x-ratelimit-remaining': 'many', 'retry-after': 'soon' }],
  ['what an engine would take for a date', { 'retry-after': '2026-13-99' }],
  ['numbers without end', { 'x-ratelimit-remaining': '9'.repeat(400), ratelimit: 'remaining=0'.repeat(2_000) }],
])('headers with %s say nothing', (_, headers) => {
  expect(read(200, headers)?.blockedUntilMs).toBeUndefined();
});
