import type { FeatureOverride } from '../../domain/connection.ts';
import { satisfiedFeatures, type SwitchedFeature } from '../../domain/feature-dependencies.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Manifest } from '../../domain/manifest.ts';
import type { StoredFlag } from '../../store/flags.ts';

/** A feature as one connection reads it. */
export interface EffectiveFeature {
  name: string;
  enabled: boolean;
  config: JsonObject;
}

/** How people set the features, whatever these need. */
export function switchedFeatures(
  manifest: Manifest,
  flags: readonly Pick<StoredFlag, 'feature' | 'enabled'>[],
  overrides: Readonly<Record<string, FeatureOverride>>,
): SwitchedFeature[] {
  const flagOf = new Map(flags.map((flag) => [flag.feature, flag]));
  return manifest.features.map(({ name, enabled, dependsOn }) => {
    const override = Object.hasOwn(overrides, name) ? overrides[name]?.enabled : undefined;
    return { name, enabled: (flagOf.get(name)?.enabled ?? enabled) && (override ?? true), dependsOn };
  });
}

/**
 * The manifest's defaults, with the operator's flag over them, with the connection's own settings over that. A feature that is
 * switched off for the datasource is off for every connection, and one that needs another that is off is off too.
 */
export function effectiveFeatures(
  manifest: Manifest,
  flags: readonly StoredFlag[],
  overrides: Readonly<Record<string, FeatureOverride>>,
): EffectiveFeature[] {
  const flagOf = new Map(flags.map((flag) => [flag.feature, flag]));
  const on = satisfiedFeatures(switchedFeatures(manifest, flags, overrides));
  return manifest.features.map(({ name, config }) => ({
    name,
    enabled: on.has(name),
    config: { ...config, ...flagOf.get(name)?.config, ...overrides[name]?.config },
  }));
}
