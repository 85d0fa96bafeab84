import type { Actor } from '../../domain/caller.ts';
import { type Problem, RequestError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import { nearest } from '../../domain/nearest.ts';
import type { Manifest, ManifestFeature } from '../../domain/manifest.ts';
import { checkSettings } from '../../domain/settings.ts';
import type { Log } from '../../log.ts';
import { listChanges, recording } from '../../store/changes.ts';
import { listFeatureSettings } from '../../store/connections.ts';
import type { Database } from '../../store/database.ts';
import { guardNoPurges, isPurging, purgesLeft, takePurge, wantPurges, workOnPurge } from '../../store/feature-purges.ts';
import { listFlags, putFlag, type StoredFlag } from '../../store/flags.ts';
import { switchedFeatures } from './effective-features.ts';
import { refuseUnmetFeatures } from './feature-rules.ts';
import { featureFlags } from './registry.ts';
import type { FeatureFlagInput, FlagService, RegistryService } from './registry-service.ts';

export function createFlags(options: { database: Database; registry: RegistryService; log: Log }): FlagService {
  const { database, registry, log } = options;
  const service: FlagService = {
    async set(datasource, name, input, actor) {
      const { manifest } = await registry.get(datasource);
      const feature = knownFeature(manifest, name);
      const flags = await listFlags(database, datasource);
      if (input.config !== undefined) checkFeatureConfig(feature, input.config, '/config');
      if (input.enabled && input.documents !== undefined) throw documentsOfOn();
      const flag = flagOf(flags, name, input);
      await refuseUnmet(database, manifest, flags, flag);
      await write(database, datasource, { flag, before: flags.find((known) => known.feature === name), actor });
      return service.get(datasource, name);
    },

    async get(datasource, name) {
      const { manifest } = await registry.get(datasource);
      knownFeature(manifest, name);
      const flag = featureFlags(manifest, await listFlags(database, datasource)).find((candidate) => candidate.feature === name);
      if (flag === undefined) throw new TypeError(`feature ${name} is in the manifest`);
      return { ...flag, purging: await service.purging(datasource, name) };
    },

    async purging(datasource, feature, connection) {
      const left = await purgesLeft(database, { datasource, feature, ...(connection === undefined ? {} : { connection }) });
      return left.connections === 0 ? undefined : left;
    },

    async history(datasource, feature, page) {
      knownFeature((await registry.get(datasource)).manifest, feature);
      return listChanges(database, undefined, page, targetOf(datasource, feature));
    },

    async purgeDue() {
      try {
        for (let purge = await takePurge(database, Date.now()); purge !== undefined; purge = await takePurge(database, Date.now())) {
          await workOnPurge(database, purge);
        }
      } catch (error) {
        log.error('documents of features that are off could not be purged', { error });
      }
    },
  };
  return service;
}

const targetOf = (datasource: string, feature: string): string => `feature/${datasource}/${feature}`;

/** Settings that are not given stay; so does what becomes of the documents, as long as the feature is off. */
function flagOf(flags: readonly StoredFlag[], feature: string, { enabled, config, documents }: FeatureFlagInput): StoredFlag {
  const before = flags.find((flag) => flag.feature === feature);
  const kept = before?.enabled === false ? before.documents : undefined;
  return {
    feature,
    enabled,
    config: config ?? before?.config ?? {},
    documents: enabled ? 'keep' : (documents ?? kept ?? 'keep'),
    updatedAtMs: Date.now(),
  };
}

/** FEATURE_DEPENDENCY, of the datasource and of every connection that differs from it. */
async function refuseUnmet(database: Database, manifest: Manifest, flags: readonly StoredFlag[], flag: StoredFlag): Promise<void> {
  const after = [...flags.filter(({ feature }) => feature !== flag.feature), flag];
  const changeOf = (where: string, path: string, overrides: Parameters<typeof switchedFeatures>[2]) => ({
    where,
    path,
    before: switchedFeatures(manifest, flags, overrides),
    after: switchedFeatures(manifest, after, overrides),
  });
  const connections = await listFeatureSettings(database, manifest.name);
  refuseUnmetFeatures([
    changeOf('for the datasource', '/enabled', {}),
    ...connections.map(({ id, organisation, features }) =>
      changeOf(`for connection ${id} of ${organisation}`, `connection/${id}`, features),
    ),
  ]);
}

/** As the log of changes has it. */
function shown({ enabled, config, documents = 'keep' }: StoredFlag): object {
  return { enabled, config, ...(enabled ? {} : { documents }) };
}

/** CONFLICT when it is switched on while its documents are still being purged. */
async function write(
  database: Database,
  datasource: string,
  { flag, before, actor }: { flag: StoredFlag; before: StoredFlag | undefined; actor: Actor },
): Promise<void> {
  const record = {
    actor,
    organisation: undefined,
    action: 'feature.set',
    target: targetOf(datasource, flag.feature),
    ...(before === undefined ? {} : { before: shown(before) }),
    after: shown(flag),
  } as const;
  const purges = flag.documents === 'purge' ? [wantPurges(datasource, flag.feature, flag.updatedAtMs)] : [];
  const guards = flag.enabled ? [guardNoPurges(datasource, flag.feature)] : [];
  try {
    await recording(database, record).write([...guards, putFlag(datasource, flag), ...purges]);
  } catch (error) {
    throw isPurging(error) ? stillPurging(flag.feature, error) : error;
  }
}

/** CONFLICT, which is over once the last document is gone. */
export function stillPurging(feature: string, cause: unknown): RequestError {
  return new RequestError('CONFLICT', `The documents of ${feature} are still being purged.`, {
    remedy: 'Switch it on again once they are gone; `datasources feature` tells how many are left.',
    cause,
  });
}

/** INVALID_REQUEST. */
function documentsOfOn(): RequestError {
  const reason = 'What becomes of documents can be said of a feature that is off only.';
  const remedy = 'Leave it out, or set `enabled` to false.';
  return new RequestError('INVALID_REQUEST', reason, { remedy, problems: [{ path: '/documents', reason, remedy }] });
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
