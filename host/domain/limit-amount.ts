import { LIMITS, type LimitName, type LimitUnit } from './limits.ts';

const UNITS: Record<LimitUnit, [size: number, name: string][]> = {
  ms: [
    [60_000, 'min'],
    [1_000, 's'],
    [1, 'ms'],
  ],
  bytes: [
    [2 ** 30, 'GiB'],
    [2 ** 20, 'MiB'],
    [2 ** 10, 'KiB'],
    [1, 'B'],
  ],
  count: [[1, '']],
};

/** A number of a limit as people read it, exactly: `256 MiB`. */
export function limitAmount(limit: LimitName, number: number): string {
  const { unit } = LIMITS[limit];
  const [size, name] = UNITS[unit].find(([candidate]) => number % candidate === 0) ?? [1, unit];
  return `${(number / size).toLocaleString('en')} ${name}`.trim();
}
