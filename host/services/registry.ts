import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { askedAuthorisationOrigins } from '../domain/authorisation.ts';
import type { Actor } from '../domain/caller.ts';
import { RequestError } from '../domain/errors.ts';
import type { Grant } from '../domain/grant.ts';
import { parseGrant } from '../domain/grant-parse.ts';
import { DEFAULT_LIMITS, type Limits } from '../domain/limits.ts';
import type { Manifest } from '../domain/manifest.ts';
import type { Compiler } from '../sandbox/compile.ts';
import type { InspectionReport } from '../sandbox/inspect.ts';
import { recording } from '../store/changes.ts';
import type { Database } from '../store/database.ts';
import { listFlags, type StoredFlag } from '../store/flags.ts';
import { getDatasource, listDatasources, putDatasource, type RegisteredDatasource } from '../store/registry.ts';
import { insertAuditEvent } from '../store/audit.ts';
import type { AuditRecorder } from './audit-recorder.ts';
import { grantChange } from './grant-change.ts';
import type { FeatureFlag, InstalledDatasource, RegistryService } from './services.ts';
import { makeFolder } from '../make-folder.ts';

/** A datasource that can be called: where its compiled form lies and what it may do. */
export interface RunnableDatasource {
  name: string;
  digest: string;
  folder: string;
  manifest: Manifest;
  grant: Grant;
  limits: Limits;
  flags: StoredFlag[];
}

/** The registry as the rest of the host uses it. */
export interface DatasourceRegistry extends RegistryService {
  /** UNKNOWN_DATASOURCE; the codes of `install` when its file has changed. */
  runnable(name: string): Promise<RunnableDatasource>;
}

export interface RegistryOptions {
  database: Database;
  compiler: Compiler;
  /** Where component files are kept, by digest. */
  componentsFolder: string;
  recorder: Pick<AuditRecorder, 'toEvent'>;
  /** Asks a compiled component to describe itself. */
  describe(candidate: RunnableDatasource): Promise<{ name: string; version: string; features: string[] }>;
}

export function createRegistry(options: RegistryOptions): DatasourceRegistry {
  const { database, compiler } = options;
  // What lies in the cache is named by digest and never changes, so a path once found stays good.
  const folders = new Map<string, string>();

  /** Judged and compiled. The codes of `accepted`; HOST_BUSY. */
  async function examined(component: Uint8Array): Promise<{ report: InspectionReport; folder: string }> {
    const { report, folder } = await compiler.examine(component);
    accepted(report);
    if (folder === undefined) throw new TypeError('an accepted component is compiled');
    folders.set(report.digest, folder);
    return { report, folder };
  }

  async function folderOf(digest: string): Promise<string> {
    const known = folders.get(digest) ?? (await compiler.find(digest));
    if (known !== undefined) {
      folders.set(digest, known);
      return known;
    }
    const { report, folder } = await examined(new Uint8Array(await readFile(fileOf(options.componentsFolder, digest))));
    if (report.digest !== digest) throw new RequestError('INTERNAL', `The file of component ${digest} holds other bytes.`);
    return folder;
  }

  async function runnable(name: string): Promise<RunnableDatasource> {
    const found = parseRegistered(await known(database, name));
    const [folder, flags] = await Promise.all([folderOf(found.digest), listFlags(database, name)]);
    const { digest, manifest, grant } = found;
    return { name, digest, folder, manifest, grant, limits: limitsOf(grant), flags };
  }

  async function install(component: Uint8Array, unchecked: Grant, actor: Actor): Promise<InstalledDatasource> {
    const grant = parseGrant(unchecked);
    const { report, folder } = await examined(component);
    const { manifest, digest } = report;
    if (manifest === undefined) throw new TypeError('an accepted component has a manifest');
    await checkDescription(options, { name: manifest.name, digest, folder, manifest, grant, limits: limitsOf(grant), flags: [] });
    await keepFile(options.componentsFolder, digest, component);
    const { name, version } = manifest;
    const before = await getDatasource(database, name);
    const change = grantChange(before && parseRegistered(before), { version, digest, grant });
    // Together or not at all: no grant is ever in force without being on record.
    const record = change === undefined ? [] : [insertAuditEvent(options.recorder.toEvent({ ...change, datasource: name }))];
    const installed = {
      actor,
      organisation: undefined,
      action: 'datasource.install',
      target: `datasource/${name}`,
      ...(before === undefined ? {} : { before: { version: before.version, digest: before.digest, grant: before.grant } }),
      after: { version, digest, grant },
    } as const;
    await putDatasource(
      recording(database, installed),
      { name, version, digest, manifest, grant, inspection: report, nowMs: Date.now() },
      record,
    );
    return toInstalled(await known(database, manifest.name), await listFlags(database, manifest.name));
  }

  return {
    inspect: async (component) => (await compiler.examine(component)).report,
    install,
    askedGrant,
    list: async () =>
      Promise.all((await listDatasources(database)).map(async (found) => toInstalled(found, await listFlags(database, found.name)))),
    get: async (name) => toInstalled(await known(database, name), await listFlags(database, name)),
    runnable,
  };
}

/** What a manifest asks for by fixed origin; origins that a connection's config names are the operator's to add. */
function askedGrant(manifest: Manifest): Grant {
  const origins = manifest.capabilities.http.flatMap((ask) => (ask.kind === 'origin' ? [ask.origin] : []));
  const secretsTo = askedAuthorisationOrigins(manifest.auth.oauth);
  const authorisation = secretsTo.length === 0 ? {} : { authorisation: { origins: secretsTo } };
  return { http: { origins, privateNetworks: [] }, ...authorisation, storage: manifest.capabilities.storage, limits: {} };
}

/** The report of a component that may run. NOT_A_COMPONENT, COMPONENT_TOO_LARGE, WRONG_WORLD, INVALID_MANIFEST for one that may not. */
export function accepted(report: InspectionReport): InspectionReport {
  if (report.verdict === 'accepted') return report;
  const [first] = report.problems;
  throw new RequestError(report.verdict, `The component is refused: ${first?.path ?? 'file'}: ${first?.reason ?? report.verdict}.`, {
    ...(first === undefined ? {} : { remedy: first.remedy }),
    problems: report.problems,
  });
}

async function checkDescription(options: RegistryOptions, candidate: RunnableDatasource): Promise<void> {
  const { manifest } = candidate;
  const said = await options.describe(candidate);
  const meant = { name: manifest.name, version: manifest.version, features: manifest.features.map(({ name }) => name) };
  for (const key of ['name', 'version', 'features'] as const) {
    if (JSON.stringify(said[key]) === JSON.stringify(meant[key])) continue;
    throw new RequestError(
      'INVALID_MANIFEST',
      `The component describes its ${key} as ${JSON.stringify(said[key])}, its manifest as ${JSON.stringify(meant[key])}.`,
      {
        remedy: 'Build the component and its manifest together with `datasources build DIR`.',
      },
    );
  }
}

function fileOf(folder: string, digest: string): string {
  return join(folder, `${digest.replace('sha256:', '')}.wasm`);
}

async function keepFile(folder: string, digest: string, component: Uint8Array): Promise<void> {
  await makeFolder(folder);
  const file = fileOf(folder, digest);
  const temporary = `${file}.${process.pid}.${Date.now()}`;
  await writeFile(temporary, component, { flush: true });
  await rename(temporary, file);
}

async function known(database: Database, name: string): Promise<RegisteredDatasource> {
  const found = await getDatasource(database, name);
  if (found === undefined) {
    throw new RequestError('UNKNOWN_DATASOURCE', `There is no datasource "${name.slice(0, 80)}".`, {
      remedy: 'Install it with `datasources install FILE`; `datasources list` shows what there is.',
    });
  }
  return found;
}

function limitsOf(grant: Grant): Limits {
  return { ...DEFAULT_LIMITS, ...grant.limits };
}

/** What the store holds was checked when it was written, by this host or an older one. */
/** Manifests that were stored before dependencies were looked at have none. */
type StoredManifest = Omit<Manifest, 'dependencies'> & Partial<Pick<Manifest, 'dependencies'>>;

function parseRegistered(found: RegisteredDatasource): { digest: string; manifest: Manifest; grant: Grant } {
  const stored = found.manifest as unknown as StoredManifest;
  return { digest: found.digest, manifest: { ...stored, dependencies: stored.dependencies ?? [] }, grant: parseGrant(found.grant) };
}

function toInstalled(found: RegisteredDatasource, flags: StoredFlag[]): InstalledDatasource {
  const { manifest, grant, digest } = parseRegistered(found);
  return {
    name: found.name,
    version: found.version,
    digest,
    manifest,
    grant,
    limits: limitsOf(grant),
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
      updatedAtMs: flag?.updatedAtMs,
    };
  });
}
