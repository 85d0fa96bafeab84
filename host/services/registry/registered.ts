import { askedAuthorisationOrigins } from '../../domain/authorisation.ts';
import { RequestError } from '../../domain/errors.ts';
import type { Grant } from '../../domain/grant.ts';
import { parseGrant } from '../../domain/grant-parse.ts';
import type { Json } from '../../domain/json.ts';
import { isLimitName, isLimitValue } from '../../domain/limits.ts';
import type { Manifest } from '../../domain/manifest.ts';
import type { Database } from '../../store/database.ts';
import { getDatasource, type RegisteredDatasource } from '../../store/registry.ts';
import { getVersion, type StoredVersion } from '../../store/versions.ts';

/** UNKNOWN_DATASOURCE. */
export async function known(database: Database, name: string): Promise<RegisteredDatasource> {
  const found = await getDatasource(database, name);
  if (found === undefined) {
    throw new RequestError('UNKNOWN_DATASOURCE', `There is no datasource "${name.slice(0, 80)}".`, {
      remedy: 'Install it with `datasources install FILE`; `datasources list` shows what there is.',
    });
  }
  return found;
}

/** A version that is kept. UNKNOWN_VERSION. */
export async function versionOf(database: Database, name: string, version: string): Promise<StoredVersion> {
  const found = await getVersion(database, name, version);
  if (found === undefined || found.state === 'removed') throw unknownVersion(name, version);
  return found;
}

/** UNKNOWN_VERSION. */
export function unknownVersion(name: string, version: string): RequestError {
  return new RequestError('UNKNOWN_VERSION', `There is no version ${version.slice(0, 80)} of ${name.slice(0, 80)} on this host.`, {
    remedy: 'See those that are at hand with `datasources versions`; get another with `datasources install` or `datasources upgrade`.',
  });
}

/** Manifests that were stored before dependencies, or asks for limits, were looked at have none. */
type StoredManifest = Omit<Manifest, 'dependencies' | 'capabilities'> &
  Partial<Pick<Manifest, 'dependencies'>> & { capabilities: Omit<Manifest['capabilities'], 'limits'> & Partial<Manifest['capabilities']> };

/** A manifest as the store holds it: it was checked when it was written, by this host or an older one. */
export function parseStoredManifest(json: Json): Manifest {
  const stored = json as unknown as StoredManifest;
  // A host of another age may have had other limits: what this one would not let a grant set is not asked for.
  const limits = (stored.capabilities.limits ?? []).filter(({ limit, value }) => isLimitName(limit) && isLimitValue(limit, value));
  return { ...stored, dependencies: stored.dependencies ?? [], capabilities: { ...stored.capabilities, limits } };
}

export function parseRegistered(found: RegisteredDatasource): { digest: string; manifest: Manifest; grant: Grant } {
  return { digest: found.digest, manifest: parseStoredManifest(found.manifest), grant: parseGrant(found.grant) };
}

/** What a manifest asks for by fixed origin, and its limits; origins that a connection's config names are the operator's to add. */
export function askedGrant(manifest: Manifest): Grant {
  const origins = manifest.capabilities.http.flatMap((ask) => (ask.kind === 'origin' ? [ask.origin] : []));
  const secretsTo = askedAuthorisationOrigins(manifest.auth.oauth);
  const authorisation = secretsTo.length === 0 ? {} : { authorisation: { origins: secretsTo } };
  const limits = Object.fromEntries(manifest.capabilities.limits.map(({ limit, value }) => [limit, value]));
  return { http: { origins, privateNetworks: [] }, ...authorisation, storage: manifest.capabilities.storage, limits };
}
