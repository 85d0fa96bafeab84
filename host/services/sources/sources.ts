import { compare } from 'semver';
import type { Actor } from '../../domain/caller.ts';
import { parseGrant } from '../../domain/grant-parse.ts';
import { parseSourceLocation, type OciLocation } from '../../domain/source-location.ts';
import { RequestError } from '../../domain/errors.ts';
import { pushComponent, pushSigned } from '../../capabilities/wasm-artifact.ts';
import type { Database } from '../../store/database.ts';
import { listAllVersions } from '../../store/versions.ts';
import type { Admission, RemoteComponent } from './admission.ts';
import { fetchComponent, hostOf, openRepository, type RemoteOptions } from './remote-components.ts';
import { parseStoredManifest } from '../registry/registered.ts';
import type { GrantFor, MarketService, SourceService, TakenVersion } from './source-services.ts';
import { unknownVersion, type Incoming, type VersionSwitch } from '../registry/version-switch.ts';

export interface SourceOptions extends RemoteOptions {
  database: Database;
  admission: Admission;
  markets: Pick<MarketService, 'find'>;
  versionSwitch: Pick<VersionSwitch, 'add' | 'bringIn' | 'switchTo'>;
}

export function createSources(options: SourceOptions): SourceService {
  const { admission, versionSwitch } = options;
  async function bringIn(offered: RemoteComponent, grantFor: GrantFor, actor: Actor): Promise<TakenVersion> {
    const incoming = await admission.prove(offered);
    await versionSwitch.bringIn(incoming, parseGrant(grantFor(incoming.admitted.manifest)), actor);
    return toTaken(incoming);
  }

  return {
    async take(text, actor) {
      const incoming = await admission.prove(await fetchOffered(options, text));
      await versionSwitch.add(incoming, actor);
      return toTaken(incoming);
    },

    install: async (text, grantFor, actor) => bringIn(await fetchOffered(options, text), grantFor, actor),

    installSigned: ({ bytes, signature, bundle }, grantFor, actor) =>
      bringIn({ bytes, signature, bundles: bundle === undefined ? [] : [bundle], origin: 'file' }, grantFor, actor),

    async installFound(name, grantFor, actor) {
      const versions = (await listAllVersions(options.database)).filter((version) => version.name === name);
      const highest = versions.toSorted((a, b) => compare(b.version, a.version))[0];
      if (highest === undefined) throw unknownVersion(name, '(any)');
      const { version, digest, origin } = highest;
      const manifest = parseStoredManifest(highest.manifest);
      const grant = parseGrant(grantFor(manifest));
      await versionSwitch.switchTo({ name, version, grant, states: 'go-on', actor, reason: `installed from ${origin}` });
      return { manifest, digest, origin };
    },

    async publish(text, component) {
      const location = taggedLocation(text);
      return pushComponent(await openRepository(location, [location.host], options), location.tag, component);
    },

    async publishSigned(text, artifactType, envelope) {
      const location = taggedLocation(text);
      return pushSigned(await openRepository(location, [location.host], options), location.tag, artifactType, envelope);
    },
  };
}

function toTaken({ admitted: { manifest, digest }, origin }: Incoming): TakenVersion {
  return { manifest, digest, origin };
}

async function fetchOffered(options: SourceOptions, text: string): Promise<RemoteComponent> {
  const location = parseSourceLocation(text);
  if (location.kind !== 'market') return fetchComponent(location, [hostOf(location)], options);
  const entry = await options.markets.find(location.name, location.version);
  const where = parseSourceLocation(entry.location);
  if (where.kind === 'market') throw new TypeError('an index that was believed names addresses');
  // What an index names is somebody else's word; the market's own host is the operator's.
  const component = await fetchComponent(where, [indexHost(entry.marketUrl)], options);
  return { ...component, digest: entry.digest, expected: { name: entry.name, version: entry.version } };
}

function indexHost(address: string): string {
  if (!address.startsWith('oci://')) return new URL(address).host;
  const location = parseSourceLocation(address);
  return location.kind === 'oci' ? location.host : '';
}

function taggedLocation(text: string): OciLocation & { tag: string } {
  const location = parseSourceLocation(text);
  if (location.kind === 'oci' && location.tag !== undefined && location.digest === undefined) return { ...location, tag: location.tag };
  throw new RequestError('INVALID_REQUEST', 'It is published under a tag of a registry.', {
    remedy: 'Write the address as in oci://HOST/REPOSITORY:1.2.0.',
  });
}
