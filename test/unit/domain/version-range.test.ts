import { describe, expect, it } from 'vitest';
import { bestWithin, isRange, isVersion, isWithin, normaliseRange, withinAll } from '../../../host/domain/version-range.ts';

describe('a version lies in a range, or does not', () => {
  it.each([
    // The plan's own: its comma is an and.
    ['1.0.0', '>=1.0.0,<2.0.0', true],
    ['1.9.9', '>=1.0.0,<2.0.0', true],
    ['2.0.0', '>=1.0.0,<2.0.0', false],
    ['0.9.9', '>=1.0.0,<2.0.0', false],
    ['3.8.0', '>=3.8,<4.0', true],
    ['3.12.4', '>=3.8,<4.0', true],
    ['3.7.9', '>=3.8,<4.0', false],
    ['4.0.0', '>=3.8,<4.0', false],
    ['0.3.0', '>=0.3.0,<0.4.0', true],
    ['0.3.99', '>=0.3.0,<0.4.0', true],
    ['0.4.0', '>=0.3.0,<0.4.0', false],
    ['2.5.1', '>=2.0.0,<3.0.0', true],
    ['1.4.0', '>=1.4.0,<2.0.0', true],
    ['1.3.9', '>=1.4.0,<2.0.0', false],
    ['1.5.0', ' >=1.0.0 , <2.0.0 ', true],
    ['1.5.0', '>=1.0.0,<2.0.0,!=x', false],
    // npm's.
    ['1.2.3', '1.2.3', true],
    ['1.2.4', '1.2.3', false],
    ['1.2.3', '=1.2.3', true],
    ['1.2.9', '~1.2.3', true],
    ['1.3.0', '~1.2.3', false],
    ['1.2.2', '~1.2.3', false],
    ['1.2.9', '~1.2', true],
    ['1.9.0', '~1', true],
    ['1.9.0', '^1.2.3', true],
    ['2.0.0', '^1.2.3', false],
    ['1.2.2', '^1.2.3', false],
    ['0.2.9', '^0.2.3', true],
    ['0.3.0', '^0.2.3', false],
    ['0.0.3', '^0.0.3', true],
    ['0.0.4', '^0.0.3', false],
    ['0.0.9', '^0.0.x', true],
    ['0.1.0', '^0.0.x', false],
    ['1.2.3', '*', true],
    ['1.2.3', '', true],
    ['1.2.3', 'x', true],
    ['1.5.0', '1.x', true],
    ['2.0.0', '1.x', false],
    ['1.2.7', '1.2.*', true],
    ['1.3.0', '1.2.*', false],
    ['2.3.4', '1.2.3 - 2.3.4', true],
    ['2.3.5', '1.2.3 - 2.3.4', false],
    ['2.3.9', '1.2.3 - 2.3', true],
    ['2.4.0', '1.2.3 - 2.3', false],
    ['1.0.0', '^1.0.0 || ^2.0.0', true],
    ['2.7.0', '^1.0.0 || ^2.0.0', true],
    ['3.0.0', '^1.0.0 || ^2.0.0', false],
    ['1.1.0', '>1.0.0', true],
    ['1.0.0', '>1.0.0', false],
    ['1.0.0', '<=1.0.0', true],
    ['1.0.1', '<=1.0.0', false],
    ['2.0.0', '>1', true],
    ['1.9.0', '>1', false],
    // Pre-releases come only to those who ask for them.
    ['1.0.0-beta.1', '>=1.0.0,<2.0.0', false],
    ['2.0.0-rc.1', '>=1.0.0,<2.0.0', false],
    ['1.0.0-beta.2', '>=1.0.0-beta.1,<2.0.0', true],
    ['1.0.0-alpha', '>=1.0.0-beta.1,<2.0.0', false],
    ['1.1.0-beta.1', '>=1.0.0-beta.1,<2.0.0', false],
    ['1.0.0', '>=1.0.0-beta.1,<2.0.0', true],
    ['1.2.3-pre', '1.2.3', false],
    ['1.2.3-pre', '1.2.3-pre', true],
    // What is built from the same source is the same version.
    ['1.2.3+build.5', '1.2.3', true],
    ['1.2.3+build.5', '^1.0.0', true],
    // Numbers are numbers.
    ['1.10.0', '>=1.9.0', true],
    ['1.2.3-beta.10', '>=1.2.3-beta.9', true],
    ['9007199254740991.0.0', '>=1.0.0', true],
  ])('%s in "%s": %s', (version, range, expected) => {
    expect(isWithin(version, range)).toBe(expected);
  });
});

describe('a range is one, or is not', () => {
  it.each([
    ['>=1.0.0,<2.0.0', true],
    ['^1', true],
    ['', true],
    ['>=1.0.0,', true],
    ['one', false],
    ['>=1.0.0;<2.0.0', false],
    ['1.2.3.4', false],
    ['~>', false],
    ['>=a.b.c', false],
    ['latest', false],
    ['==1.0.0', false],
    ['!=1.0.0', false],
  ])('"%s": %s', (range, expected) => {
    expect(isRange(range)).toBe(expected);
  });

  it('is written as npm writes it', () => {
    expect(normaliseRange(' >=1.0.0,\n <2.0.0 ')).toBe('>=1.0.0 <2.0.0');
  });
});

describe('a version is exact', () => {
  it.each([
    ['1.0.0', true],
    ['0.0.0', true],
    ['1.0.0-rc.1', true],
    ['v1.0.0', false],
    ['1.0', false],
    ['1', false],
    [' 1.0.0', false],
    ['01.0.0', false],
    ['1.0.0-', false],
    ['1.0.x', false],
    ['', false],
  ])('"%s": %s', (version, expected) => {
    expect(isVersion(version)).toBe(expected);
  });
});

describe('of several versions', () => {
  const versions = ['1.0.0', '1.10.0', '1.9.0', '2.0.0-rc.1', '2.0.0'];

  it('the highest that lies in a range is the best', () => {
    expect(bestWithin(versions, '^1.0.0')).toBe('1.10.0');
    expect(bestWithin(versions, '>=1.0.0,<2.0.0')).toBe('1.10.0');
    expect(bestWithin(versions, '^3.0.0')).toBeUndefined();
    expect(bestWithin([], '*')).toBeUndefined();
  });

  it('those that satisfy everybody come highest first', () => {
    expect(withinAll(versions, ['>=1.0.0,<2.0.0', '>=1.9.0'])).toEqual(['1.10.0', '1.9.0']);
    expect(withinAll(versions, ['^1.0.0', '^2.0.0'])).toEqual([]);
    expect(withinAll(versions, [])).toHaveLength(5);
  });
});
