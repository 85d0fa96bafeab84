import { expect, test } from 'vitest';
import { defaultBounds, whyHeld, whyTooManyFailed } from '../../../host/domain/run-bounds.ts';

const BOUNDS = defaultBounds();

test.each([
  ['nothing is absent, whatever went wrong', { documents: 100, absent: 0, listed: 0, fault: 'it answered 500' }],
  ['a few are absent', { documents: 20, absent: 10, listed: 10, fault: undefined }],
  ['a fifth is absent', { documents: 1_000, absent: 200, listed: 800, fault: undefined }],
])('a prune goes on when %s', (_, findings) => {
  expect(whyHeld(findings, BOUNDS)).toBeUndefined();
});

test.each([
  [
    'more than a fifth is absent',
    { documents: 1_000, absent: 201, listed: 799, fault: undefined },
    /201 of 1000 .* maxPrunedShare of 0\.2/,
  ],
  ['the source lists nothing', { documents: 2, absent: 2, listed: 0, fault: undefined }, /lists nothing at all/],
  ['the source was not well', { documents: 1_000, absent: 1, listed: 999, fault: 'it answered 503' }, /not well: it answered 503/],
])('a prune is held when %s', (_, findings, reason) => {
  expect(whyHeld(findings, BOUNDS)).toMatch(reason);
});

test('failed items end a run by their number, and by their share once there are a few', () => {
  expect(whyTooManyFailed({ failed: 10_000, seen: 1_000_000 }, BOUNDS)).toBeUndefined();
  expect(whyTooManyFailed({ failed: 10_001, seen: 1_000_000 }, BOUNDS)).toMatch(/maxFailedItems of 10000/);
  expect(whyTooManyFailed({ failed: 199, seen: 199 }, BOUNDS)).toBeUndefined();
  expect(whyTooManyFailed({ failed: 100, seen: 200 }, BOUNDS)).toBeUndefined();
  expect(whyTooManyFailed({ failed: 101, seen: 200 }, BOUNDS)).toMatch(/101 of 200 items failed, more than the bound maxFailedShare/);
  // A source that says less of what it has seen than of what it left out.
  expect(whyTooManyFailed({ failed: 300, seen: 0 }, BOUNDS)).toMatch(/300 of 300/);
});
