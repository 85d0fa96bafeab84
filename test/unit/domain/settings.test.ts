import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '../../../host/domain/json.ts';
import { checkSettings } from '../../../host/domain/settings.ts';

const LIST: JsonObject = { type: 'object', properties: { list: { type: 'array', uniqueItems: true } }, additionalProperties: false };

/** Milliseconds that a check of so many different items takes. */
function timeOf(items: number): number {
  const list = Array.from({ length: items }, (_, number) => [number]);
  const beganMs = performance.now();
  expect(isUnique(list)).toBe(true);
  return performance.now() - beganMs;
}

/** Whether the list has no item twice. */
const isUnique = (list: Json[]): boolean => checkSettings(LIST, { list }).ok;

describe('a list whose items must differ', () => {
  test.each([
    [[1, 2, 3]],
    [[1, '1', true, 'true', null, 'null', [], {}]],
    [[[1, 2], [2, 1], [[1, 2]]]],
    [[{ a: 1 }, { a: 2 }, { b: 1 }, { a: 1, b: 1 }]],
    [['a,b', 'a', 'b']],
    [[['a', 'b'], ['a,b'], ['a","b']]],
  ])('%j is one', (list) => {
    expect(isUnique(list as Json[])).toBe(true);
  });

  test.each([
    [[1, 2, 1]],
    [[0, -0]],
    [['a', 'a']],
    [[[], []]],
    [
      [
        { a: 1, b: [{ c: 1, d: 2 }] },
        { b: [{ d: 2, c: 1 }], a: 1 },
      ],
    ],
  ])('%j holds one twice', (list) => {
    expect(checkSettings(LIST, { list: list as Json[] })).toMatchObject({
      ok: false,
      problems: [{ path: '/list', reason: 'It holds the same item twice.' }],
    });
  });

  test('takes time in proportion to its length', () => {
    timeOf(1_000);
    // Each with each would be 256 times as much, and some minutes.
    expect(timeOf(64_000)).toBeLessThan(64 * Math.max(20, timeOf(4_000)));
  });
});
