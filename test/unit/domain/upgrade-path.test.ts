import { describe, expect, it } from 'vitest';
import { takesOver, upgradePath, type UpgradeVersion } from '../../../host/domain/upgrade-path.ts';

function version(number: string, upgradeFrom?: string, frameworkVersion = '^1.0.0'): UpgradeVersion {
  return { version: number, frameworkVersion, upgradeFrom };
}

describe('a version takes over from another', () => {
  it.each([
    ['1.0.0', version('1.5.0'), true],
    ['1.0.0', version('2.0.0'), false],
    ['1.0.0', version('2.0.0', '>=1.0.0 <2.0.0'), true],
    ['0.9.0', version('2.0.0', '>=1.0.0 <2.0.0'), false],
    ['0.1.0', version('0.2.0'), false],
    ['0.1.0', version('0.1.7'), true],
    ['0.1.0', version('0.2.0', '>=0.1.0'), true],
  ])('%s -> %o: %s', (from, to, expected) => {
    expect(takesOver(from, to)).toBe(expected);
  });
});

describe('the way to a version', () => {
  const versions = [
    version('1.0.0'),
    version('1.5.0'),
    version('2.0.0', '>=1.5.0 <2.0.0'),
    version('2.4.0'),
    version('3.0.0', '>=2.0.0 <3.0.0'),
    version('4.0.0', undefined),
    version('5.0.0', '*', '^2.0.0'),
  ];

  it.each([
    ['1.0.0', '1.5.0', ['1.5.0']],
    ['1.5.0', '2.0.0', ['2.0.0']],
    ['1.0.0', '2.0.0', ['1.5.0', '2.0.0']],
    ['1.0.0', '3.0.0', ['1.5.0', '2.0.0', '3.0.0']],
    ['2.0.0', '3.0.0', ['3.0.0']],
    ['1.5.0', '2.4.0', ['2.0.0', '2.4.0']],
  ])('from %s to %s', (from, to, steps) => {
    expect(upgradePath(from, to, versions, '1.0.0')).toEqual({ ok: true, steps });
  });

  it.each([
    ['one that is not at hand', '1.0.0', '1.7.0', /not at hand/],
    ['a lower one', '2.0.0', '1.5.0', /not higher than/],
    ['the same', '2.0.0', '2.0.0', /2\.0\.0 runs already/],
    ['one for another framework', '1.0.0', '5.0.0', /works with framework \^2\.0\.0/],
    ['one that goes on from none of those at hand', '3.0.0', '4.0.0', /No version at hand leads from 3\.0\.0 to 4\.0\.0/],
    ['one whose only way leads through a missing version', '0.9.0', '2.0.0', /No version at hand/],
  ])('does not lead to %s', (_, from, to, reason) => {
    const path = upgradePath(from, to, versions, '1.0.0');
    expect(path.ok ? path.steps : path.reason).toMatch(reason);
  });

  it('is found soon among very many versions', () => {
    const many = Array.from({ length: 2_000 }, (_, index) => version(`1.${index}.0`));
    expect(upgradePath('1.0.0', '1.1999.0', many, '1.0.0')).toEqual({ ok: true, steps: ['1.1999.0'] });
  });
});
