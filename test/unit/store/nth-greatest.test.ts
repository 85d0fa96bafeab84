import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { nthGreatest } from '../../../host/store/nth-greatest.ts';

const sorted = (values: readonly number[]): number[] => values.toSorted((a, b) => b - a);

test('it is the value that stands there when all are sorted, and all of them are kept', () => {
  const some = fc.array(fc.oneof(fc.integer({ min: 0, max: 5 }), fc.double({ min: 0, max: 20, noNaN: true })), {
    minLength: 1,
    maxLength: 300,
  });
  fc.assert(
    fc.property(some, fc.nat(), (values, at) => {
      const given = Float64Array.from(values);
      expect(nthGreatest(given, at % values.length)).toBe(sorted(values)[at % values.length]);
      expect(sorted([...given])).toEqual(sorted(values));
    }),
    { numRuns: 1_000 },
  );
});

const PATTERNS: Record<string, (index: number, count: number) => number> = {
  'that rise': (index) => index,
  'that fall': (index, count) => count - index,
  'that are all alike': () => 1,
  'that rise and fall': (index, count) => Math.min(index, count - index),
  'that are two': (index) => index % 2,
  'that turn like teeth of a saw': (index) => index % 1_000,
};

test.each(Object.entries(PATTERNS))('of many values %s it is the same one', (_, valueAt) => {
  const count = 200_000;
  const values = Float64Array.from({ length: count }, (_unused, index) => valueAt(index, count));
  const all = sorted([...values]);
  for (const nth of [0, 1, 450, count >> 1, count - 1]) expect(nthGreatest(values.slice(), nth)).toBe(all[nth]);
});
