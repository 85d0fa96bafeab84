import { parseGrant } from '../../domain/grant-parse.ts';
import type { Manifest } from '../../domain/manifest.ts';
import type { Database } from '../../store/database.ts';
import { flagsBetween, listFlags, type StoredFlag } from '../../store/flags.ts';
import { listDatasources, pageDatasources, type RegisteredDatasource } from '../../store/registry.ts';
import { limitsOf, type Components, type RunnableDatasource } from './components.ts';
import { askedGrant, known, parseRegistered } from './registered.ts';
import type { FeatureFlag, InstalledDatasource, RegistryService } from './registry-service.ts';
import type { VersionSwitch } from './version-switch.ts';

/** The registry as the rest of the host uses it. */
export interface DatasourceRegistry extends RegistryService {
  /** UNKNOWN_DATASOURCE; the codes of `install` when its file has changed. */
  runnable(name: string): Promise<RunnableDatasource>;
}

export interface RegistryOptions {
  database: Database;
  components: Components;
  versions: Pick<VersionSwitch, 'install'>;
}

export function createRegistry({ database, components, versions }: RegistryOptions): DatasourceRegistry {
  async function get(name: string): Promise<InstalledDatasource> {
    return toInstalled(await known(database, name), await listFlags(database, name));
  }

  return {
    inspect: components.inspect,
    askedGrant,
    list: async () => withFlags(database, await listDatasources(database)),
    get,

    async page(page) {
      const { items, next } = await pageDatasources(database, page);
      return { items: await withFlags(database, items), next };
    },

    async install(component, grant, actor) {
      return get(await versions.install(component, parseGrant(grant), actor));
    },

    async runnable(name) {
      const stored = await known(database, name);
      const found = parseRegistered(stored);
      const [folder, flags] = await Promise.all([components.folderOf(found.digest), listFlags(database, name)]);
      const { digest, manifest, grant } = found;
      return { name, digest, folder, manifest, grant, limits: limitsOf(grant), flags, enabled: stored.enabled };
    },
  };
}

/** Flags of all of them are read with one question. */
async function withFlags(database: Database, found: readonly RegisteredDatasource[]): Promise<InstalledDatasource[]> {
  const flags = await flagsBetween(database, found[0]?.name ?? '', found.at(-1)?.name ?? '');
  return found.map((datasource) => toInstalled(datasource, flags.get(datasource.name) ?? []));
}

function toInstalled(found: RegisteredDatasource, flags: readonly StoredFlag[]): InstalledDatasource {
  const { manifest, grant, digest } = parseRegistered(found);
  return {
    name: found.name,
    version: found.version,
    digest,
    manifest,
    grant,
    limits: limitsOf(grant),
    enabled: found.enabled,
    previousVersion: found.previousVersion,
    features: featureFlags(manifest, flags),
    installedAtMs: found.installedAtMs,
  };
}

/** Every feature of a manifest with the operator's settings over its defaults. */
export function featureFlags(manifest: Manifest, flags: readonly StoredFlag[]): FeatureFlag[] {
  const flagOf = new Map(flags.map((flag) => [flag.feature, flag]));
  return manifest.features.map((feature) => {
    const flag = flagOf.get(feature.name);
    return {
      feature: feature.name,
      description: feature.description,
      enabled: flag?.enabled ?? feature.enabled,
      config: { ...feature.config, ...flag?.config },
      documents: flag?.documents ?? 'keep',
      updatedAtMs: flag?.updatedAtMs,
    };
  });
}
