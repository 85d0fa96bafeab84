/** One measured figure, with what it is compared with. */
export interface Figure {
  name: string;
  value: number;
  unit: 'µs' | 'calls/s' | 'ms' | 'documents/s' | 'MiB';
  baseline?: { name: string; value: number };
  /** `value` by the baseline's. */
  ratio?: number;
}

export function compared(name: string, unit: Figure['unit'], value: number, baseline: { name: string; value: number }): Figure {
  return { name, unit, value, baseline, ratio: value / baseline.value };
}

/** The middle of several timings: one pause of the machine does not move it. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** The value that `share` of the sorted values do not exceed. */
export function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;
}

/** Of `timings`, when there are as many. */
export const WARM_UP_CALLS = 20;

/** Milliseconds of each of `times` runs, after a warm-up. */
export async function timings(times: number, work: (index: number) => Promise<unknown>): Promise<number[]> {
  for (let index = 0; index < Math.min(WARM_UP_CALLS, times); index += 1) await work(index);
  const measured: number[] = [];
  for (let index = 0; index < times; index += 1) {
    const startedMs = performance.now();
    await work(index);
    measured.push(performance.now() - startedMs);
  }
  return measured;
}
