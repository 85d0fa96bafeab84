import type { FeatureOverride } from '../domain/connection.ts';
import type { JsonObject } from '../domain/json.ts';
import type { Manifest } from '../domain/manifest.ts';
import type { StoredFlag } from '../store/flags.ts';

/** A feature as one connection reads it. */
export interface EffectiveFeature {
  name: string;
  enabled: boolean;
  config: JsonObject;
}

/**
 * The manifest's defaults, with the operator's flag over them, with the connection's own settings
 * over that. A feature that is switched off for the datasource is off for every connection.
 */
export function effectiveFeatures(
  manifest: Manifest,
  flags: readonly StoredFlag[],
  overrides: Readonly<Record<string, FeatureOverride>>,
): EffectiveFeature[] {
  const flagOf = new Map(flags.map((flag) => [flag.feature, flag]));
  return manifest.features.map((feature) => {
    const flag = flagOf.get(feature.name);
    const override = overrides[feature.name];
    return {
      name: feature.name,
      enabled: (flag?.enabled ?? feature.enabled) && (override?.enabled ?? true),
      config: { ...feature.config, ...flag?.config, ...override?.config },
    };
  });
}
