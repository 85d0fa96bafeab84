/** What a response says of the limits of its source. */
export interface RateSignal {
  /** Milliseconds since 1970 before which another request makes no sense; none while there is something left. */
  blockedUntilMs: number | undefined;
  /** Which header said so. */
  reason: string | undefined;
  /** Requests that are left. */
  remaining: number | undefined;
}

interface Header {
  name: string;
  value: string;
}

/** A source cannot keep a credential waiting for longer: the contract caps it so, too. */
const MAX_BLOCK_MS = 86_400_000;
/** Statuses that mean patience when they come with `Retry-After`. GitHub says 403 for its secondary limits. */
const PATIENCE = new Set([403, 413, 429, 503]);
/** Ten years of seconds: below it a reset is a wait, above it a moment; and above this one it is in milliseconds. */
const MAX_WAIT_S = 315_360_000;
const MIN_MOMENT_MS = 100_000_000_000;

/**
 * Reads `Retry-After` (RFC 9110, 10.2.3), `RateLimit` and `RateLimit-*` (draft-ietf-httpapi-ratelimit-headers, old form and
 * new) and `X-RateLimit-*` in their usual spellings. Undefined when the response says nothing of limits.
 */
export function readRateHeaders(status: number, headers: readonly Header[], nowMs: number): RateSignal | undefined {
  const of = new Map(headers.map(({ name, value }) => [name.toLowerCase(), value.trim()]));
  const { remaining, resetMs } = readBudget(of, nowMs);
  const waitMs = PATIENCE.has(status) ? toWaitMs(of.get('retry-after'), nowMs) : undefined;
  if (waitMs !== undefined) return blocked(nowMs + waitMs, 'Retry-After', remaining, nowMs);
  // Some sources limit a part of themselves: what a search has left says nothing of all else while it still answers.
  const part = of.get('x-ratelimit-resource');
  const isWhole = part === undefined || part === 'core' || status === 429 || status === 403;
  if (remaining === 0 && resetMs !== undefined && isWhole) return blocked(resetMs, 'RateLimit-Reset', remaining, nowMs);
  return remaining === undefined ? undefined : { blockedUntilMs: undefined, reason: undefined, remaining };
}

function blocked(untilMs: number, header: string, remaining: number | undefined, nowMs: number): RateSignal {
  const blockedUntilMs = Math.ceil(Math.min(untilMs, nowMs + MAX_BLOCK_MS));
  return { blockedUntilMs, reason: `the source's own ${header}`, remaining };
}

function readBudget(headers: ReadonlyMap<string, string>, nowMs: number): { remaining: number | undefined; resetMs: number | undefined } {
  const combined = headers.get('ratelimit');
  const fields = combined === undefined ? new Map<string, string>() : new Map(parts(combined));
  const first = (...names: string[]): string | undefined => names.map((name) => headers.get(name)).find((value) => value !== undefined);
  const remaining =
    fields.get('r') ?? fields.get('remaining') ?? first('ratelimit-remaining', 'x-ratelimit-remaining', 'x-rate-limit-remaining');
  const reset = fields.get('t') ?? fields.get('reset') ?? first('ratelimit-reset', 'x-ratelimit-reset', 'x-rate-limit-reset');
  return { remaining: toCount(remaining), resetMs: toMoment(reset, nowMs) };
}

/** `"default";r=50;t=30` and `limit=100, remaining=50, reset=30`: the first policy of several. */
function parts(text: string): [string, string][] {
  const isNew = text.startsWith('"');
  const policy = isNew ? (text.split(',')[0] ?? '').split(';') : text.split(',');
  return policy.flatMap((part) => {
    const [, name, value] = /^\s*([a-z]+)\s*=\s*(\d+)\s*$/.exec(part) ?? [];
    return name === undefined || value === undefined ? [] : [[name, value] as [string, string]];
  });
}

function toCount(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,12}$/.test(text) ? Number(text) : undefined;
}

/** Seconds from now, seconds or milliseconds since 1970. */
function toMoment(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined || !/^\d{1,15}(\.\d{1,9})?$/.test(text)) return undefined;
  const number = Number(text);
  if (number < MAX_WAIT_S) return nowMs + number * 1_000;
  return number > MIN_MOMENT_MS ? number : number * 1_000;
}

/** Seconds, or an HTTP date. */
function toWaitMs(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}(\.\d{1,9})?$/.test(text)) return Math.ceil(Number(text) * 1_000);
  // Engines read more than dates as dates; an HTTP date begins with the name of a day.
  const atMs = /^[A-Za-z]{3}/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}
