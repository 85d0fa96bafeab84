import type { Response } from './response.ts';

/**
 * How long a source asks us to wait, in milliseconds from `nowMs`: `Retry-After` as seconds or as an HTTP date, else
 * the reset of a spent rate limit (`X-RateLimit-Reset` or `RateLimit-Reset`, as seconds from now or since 1970).
 * None when it does not say.
 */
export function retryAfterMs(response: Pick<Response, 'headers'>, nowMs: number): number | undefined {
  const { headers } = response;
  const retryAfter = headers.get('retry-after');
  if (retryAfter !== undefined) return parseRetryAfter(retryAfter.trim(), nowMs);
  const remaining = headers.get('x-ratelimit-remaining') ?? headers.get('ratelimit-remaining');
  const reset = headers.get('x-ratelimit-reset') ?? headers.get('ratelimit-reset');
  if (remaining?.trim() !== '0' || reset === undefined) return undefined;
  const resetS = Number(reset);
  if (!Number.isFinite(resetS)) return undefined;
  // Ten years of seconds: below it is a wait, above it a moment.
  return Math.max(0, resetS < 315_360_000 ? resetS * 1000 : resetS * 1000 - nowMs);
}

function parseRetryAfter(text: string, nowMs: number): number | undefined {
  if (/^\d+(\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1000);
  // Engines read more than dates as dates; an HTTP date begins with the name of a day.
  const atMs = /^[A-Za-z]{3}/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}
