import { expect, test } from 'vitest';
import { inverseDocumentFrequency } from '../../../host/domain/bm25.ts';
import { relevanceBound, toScore } from '../../../host/retrieval/score.ts';

test('a rarer word tells more, and a word of most passages still tells something', () => {
  expect(inverseDocumentFrequency(100, 1)).toBeGreaterThan(inverseDocumentFrequency(100, 10));
  expect(inverseDocumentFrequency(100, 90)).toBe(1e-6);
  expect(inverseDocumentFrequency(0, 0)).toBe(1e-6);
});

test('a score is the share of the bound, from 0 to 1', () => {
  const bound = relevanceBound(
    [
      { word: 'a', folded: 'a', stem: 'a', times: 1, passages: 3 },
      { word: 'b', folded: 'b', stem: 'b', times: 1, passages: 0 },
    ],
    50,
  );
  expect(bound).toBeCloseTo(2.2 * (Math.log(47.5 / 3.5) + Math.log(50.5 / 0.5)));
  expect(toScore(bound / 4, bound)).toBeCloseTo(0.25);
  expect(toScore(bound * 2, bound)).toBe(1);
  expect(toScore(-1, bound)).toBe(0);
  expect(toScore(1, 0)).toBe(0);
});
