import { describe, expect, it } from 'vitest';
import type { FeatureOverride } from '../../../../host/domain/connection.ts';
import { effectiveFeatures } from '../../../../host/services/registry/effective-features.ts';
import type { StoredFlag } from '../../../../host/store/flags.ts';
import { manifestWith } from '../../../helpers/manifest.ts';

const MANIFEST = manifestWith({
  features: [
    { name: 'issues', description: '', enabled: true, config: { closed: true, days: 30 }, configSchema: {}, dependsOn: [] },
    { name: 'pulls', description: '', enabled: false, config: {}, configSchema: {}, dependsOn: [] },
  ],
});

function flag(feature: string, enabled: boolean, config: StoredFlag['config'] = {}): StoredFlag {
  return { feature, enabled, config, updatedAtMs: 1 };
}

function effective(flags: StoredFlag[], overrides: Record<string, FeatureOverride> = {}): unknown {
  return Object.fromEntries(effectiveFeatures(MANIFEST, flags, overrides).map(({ name, enabled, config }) => [name, [enabled, config]]));
}

describe('effectiveFeatures()', () => {
  it("are the manifest's in its order when nobody set any", () => {
    expect(effectiveFeatures(MANIFEST, [], {}).map(({ name }) => name)).toEqual(['issues', 'pulls']);
    expect(effective([])).toEqual({ issues: [true, { closed: true, days: 30 }], pulls: [false, {}] });
  });

  it("have the operator's settings over the manifest's, and the connection's over those, key by key", () => {
    expect(effective([flag('issues', true, { days: 90 })], { issues: { config: { closed: false } } })).toMatchObject({
      issues: [true, { closed: false, days: 90 }],
    });
    expect(effective([flag('issues', true, { days: 90 })], { issues: { config: { days: 7 } } })).toMatchObject({
      issues: [true, { closed: true, days: 7 }],
    });
  });

  it.each<[string, boolean | undefined, boolean | undefined, boolean]>([
    ['off by the operator, on by the connection', false, true, false],
    ['off by the operator', false, undefined, false],
    ['on by the operator, off by the connection', true, false, false],
    ['on by both', true, true, true],
    ['off by the manifest, on by the connection alone', undefined, true, false],
    ['off by the manifest, on by the operator', true, undefined, true],
  ])('are switched: %s', (_, operator, connection, expected) => {
    const flags = operator === undefined ? [] : [flag('pulls', operator)];
    expect(effective(flags, connection === undefined ? {} : { pulls: { enabled: connection } })).toMatchObject({ pulls: [expected, {}] });
  });

  it('take no notice of settings for features that the manifest does not have', () => {
    expect(effective([flag('wikis', true)], { constructor: { enabled: true }, wikis: { enabled: true } })).toEqual(effective([]));
  });

  it('are off while one that they need is off, whoever switched it off', () => {
    const features = MANIFEST.features.map((feature) => (feature.name === 'pulls' ? { ...feature, dependsOn: ['issues'] } : feature));
    const manifest = manifestWith({ features });
    const on = (flags: StoredFlag[], overrides: Record<string, FeatureOverride>) =>
      effectiveFeatures(manifest, flags, overrides).flatMap(({ name, enabled }) => (enabled ? [name] : []));
    expect(on([flag('pulls', true)], {})).toEqual(['issues', 'pulls']);
    expect(on([flag('pulls', true)], { issues: { enabled: false } })).toEqual([]);
    expect(on([flag('pulls', true), flag('issues', false)], {})).toEqual([]);
  });
});
