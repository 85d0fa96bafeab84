/** A moment of ISO 8601 or of an HTTP date in milliseconds since 1970, UTC; undefined when it is none. */
export function timeMs(text: string | null | undefined): number | undefined {
  if (typeof text !== 'string') return undefined;
  const parsed = Date.parse(text);
  return Number.isNaN(parsed) ? undefined : parsed;
}

let nowMs = 0;

/** Sets the clock to the moment at which the call began. The engine has none of its own. */
export function setNow(callBeganAtMs: number): void {
  nowMs = callBeganAtMs;
}

/** The moment at which the call began. */
export function now(): number {
  return nowMs;
}
