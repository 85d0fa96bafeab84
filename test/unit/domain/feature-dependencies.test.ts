import { describe, expect, it } from 'vitest';
import { ringOfFeatures, satisfiedFeatures, unmetFeatures } from '../../../host/domain/feature-dependencies.ts';

const feature = (name: string, enabled: boolean, ...dependsOn: string[]) => ({ name, enabled, dependsOn });

describe('features that need others', () => {
  it('are unmet where they are on and what they need is off', () => {
    const features = [feature('a', false), feature('b', true, 'a'), feature('c', false, 'a'), feature('d', true, 'b')];
    expect(unmetFeatures(features)).toEqual([{ feature: 'b', needs: 'a' }]);
  });

  it('rest while something that they need is off, at any depth', () => {
    const features = [feature('a', false), feature('b', true, 'a'), feature('c', true, 'b'), feature('d', true)];
    expect([...satisfiedFeatures(features)]).toEqual(['d']);
    expect([...satisfiedFeatures([feature('a', true), feature('b', true, 'a'), feature('c', true, 'b')])]).toEqual(['a', 'b', 'c']);
  });

  it('may not need each other in a ring', () => {
    expect(ringOfFeatures([feature('a', true), feature('b', true, 'a', 'c'), feature('c', true, 'a')])).toBeUndefined();
    expect(ringOfFeatures([feature('x', true, 'b'), feature('b', true, 'c'), feature('c', true, 'd'), feature('d', true, 'b')])).toEqual([
      'b',
      'c',
      'd',
    ]);
  });

  it('are found without end in a long chain of diamonds, soon', () => {
    const diamonds = Array.from({ length: 60 }, (_, at) => [
      feature(`l${at}`, true, `l${at + 1}`, `r${at + 1}`),
      feature(`r${at}`, true, `l${at + 1}`, `r${at + 1}`),
    ]).flat();
    expect(ringOfFeatures([...diamonds, feature('l60', true), feature('r60', true)])).toBeUndefined();
  });
});
