import { type Problem, RequestError } from '../domain/errors.ts';
import type { JsonObject } from '../domain/json.ts';
import { nearest } from '../domain/nearest.ts';
import type { Manifest, ManifestFeature } from '../domain/manifest.ts';
import { checkSettings } from '../domain/settings.ts';
import { recording } from '../store/changes.ts';
import type { Database } from '../store/database.ts';
import { listFlags, putFlag } from '../store/flags.ts';
import { featureFlags } from './registry.ts';
import type { FlagService, RegistryService } from './services.ts';

export function createFlags(options: { database: Database; registry: RegistryService }): FlagService {
  const { database, registry } = options;
  return {
    async set(datasource, name, { enabled, config }, actor) {
      const { manifest } = await registry.get(datasource);
      const feature = knownFeature(manifest, name);
      const before = (await listFlags(database, datasource)).find((flag) => flag.feature === name);
      if (config !== undefined) checkFeatureConfig(feature, config, '/config');
      const after = { enabled, config: config ?? before?.config ?? {} };
      const record = {
        actor,
        organisation: undefined,
        action: 'feature.set',
        target: `feature/${datasource}/${name}`,
        ...(before === undefined ? {} : { before: { enabled: before.enabled, config: before.config } }),
        after,
      } as const;
      await putFlag(recording(database, record), datasource, { feature: name, ...after, updatedAtMs: Date.now() });
      const flags = featureFlags(manifest, await listFlags(database, datasource));
      const flag = flags.find((candidate) => candidate.feature === name);
      if (flag === undefined) throw new TypeError(`feature ${name} is in the manifest`);
      return flag;
    },
  };
}

/** UNKNOWN_FEATURE, with the nearest name that there is. */
export function knownFeature(manifest: Manifest, name: string): ManifestFeature {
  const found = manifest.features.find((feature) => feature.name === name);
  if (found !== undefined) return found;
  const names = manifest.features.map((feature) => feature.name);
  const similar = nearest(name, names);
  throw new RequestError('UNKNOWN_FEATURE', `The datasource ${manifest.name} has no feature "${name.slice(0, 80)}".`, {
    remedy: `${similar === undefined ? '' : `Did you mean ${similar}? `}It has: ${names.join(', ')}.`,
  });
}

/** INVALID_CONFIG when the settings, over the manifest's defaults, do not satisfy the feature's schema. */
export function checkFeatureConfig(feature: ManifestFeature, config: JsonObject, path: string): void {
  const verdict = checkSettings(feature.configSchema, { ...feature.config, ...config });
  if (!verdict.ok) throw invalidConfig(`of feature ${feature.name}`, verdict.problems, path);
}

/** `path` is put before each problem's own. */
export function invalidConfig(whose: string, problems: readonly Problem[], path: string): RequestError {
  const placed = problems.map((problem) => ({ ...problem, path: `${path}${problem.path}` }));
  const [first] = placed;
  return new RequestError(
    'INVALID_CONFIG',
    `The config ${whose} cannot be used: ${first?.path ?? path}: ${first?.reason ?? 'it is refused'}`,
    {
      ...(first === undefined ? {} : { remedy: first.remedy }),
      problems: placed,
    },
  );
}
