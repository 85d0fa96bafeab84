/** What the stages of something took, in the order in which they ended. */
export class Stopwatch<Stage extends string> {
  readonly #startedMs = performance.now();
  readonly #laps: { stage: Stage; ms: number }[] = [];
  #lapMs = this.#startedMs;

  /** Ends a stage: all since the end of the one before. */
  lap(stage: Stage): void {
    const nowMs = performance.now();
    this.#laps.push({ stage, ms: nowMs - this.#lapMs });
    this.#lapMs = nowMs;
  }

  laps(): { stage: Stage; ms: number }[] {
    return this.#laps;
  }

  totalMs(): number {
    return performance.now() - this.#startedMs;
  }
}
