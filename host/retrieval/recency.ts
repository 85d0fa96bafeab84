const YEAR_MS = 365.25 * 86_400_000;
/** How much of its score an old document keeps. */
const LEAST = 0.75;
const LOSS_PER_YEAR = 0.5;

/**
 * What a score is multiplied by for the age of its document: 1 for one of today, falling to 0.75 within eight months, and that for
 * one whose time nobody knows. `strength` is 0 to 1: how much of this is applied. A score that is multiplied must lie from 0 to 1.
 */
export function recencyFactor(updatedAtMs: number | undefined, nowMs: number, strength: number): number {
  const years = updatedAtMs === undefined ? Number.POSITIVE_INFINITY : Math.max(0, nowMs - updatedAtMs) / YEAR_MS;
  return 1 - strength * (1 - Math.max(LEAST, 1 / (1 + LOSS_PER_YEAR * years)));
}
