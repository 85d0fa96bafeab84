import type { Actor } from '../domain/caller.ts';
import type { Grant } from '../domain/grant.ts';
import { parseGrant } from '../domain/grant-parse.ts';
import type { Manifest } from '../domain/manifest.ts';
import { parseSourceLocation, type OciLocation } from '../domain/source-location.ts';
import { RequestError } from '../domain/errors.ts';
import { pushComponent, pushSigned, type PublishedComponent } from '../capabilities/wasm-artifact.ts';
import type { Admission, RemoteComponent } from './admission.ts';
import type { MarketService } from './markets.ts';
import { fetchComponent, hostOf, openRepository, type RemoteOptions } from './remote-components.ts';
import type { VersionSwitch } from './version-switch.ts';

/** What came in from elsewhere. */
export interface TakenVersion {
  manifest: Manifest;
  digest: string;
  origin: string;
}

/** Where datasources come from when they are no files of this machine. */
export interface SourceService {
  /**
   * Gets a component by `oci://…`, `https://…#sha256:…` or its name in a market, proves it and keeps it beside the version that runs.
   * INVALID_REQUEST, NOT_IN_MARKET, INDEX_EXPIRED, SOURCE_UNREACHABLE, SOURCE_DENIED, SOURCE_UNUSABLE, the codes of `Admission.take`.
   */
  take(location: string, actor: Actor): Promise<TakenVersion>;
  /** Runs it with this grant, whatever ran before. The codes of `VersionSwitch.switchTo`, INVALID_GRANT. */
  install(taken: TakenVersion, grant: Grant, actor: Actor): Promise<void>;
  /** Puts a component and its signature into a registry, under a tag. Gives the digest of the artifact. INVALID_REQUEST, SOURCE_UNREACHABLE, SOURCE_DENIED. */
  publish(location: string, component: PublishedComponent): Promise<string>;
  /** The same for something signed that is no component. */
  publishSigned(location: string, artifactType: string, envelope: string): Promise<string>;
}

export interface SourceOptions extends RemoteOptions {
  admission: Admission;
  markets: Pick<MarketService, 'find'>;
  versionSwitch: Pick<VersionSwitch, 'switchTo'>;
}

export function createSources(options: SourceOptions): SourceService {
  const { admission, versionSwitch } = options;
  return {
    async take(text, actor) {
      const offered = await fetchOffered(options, text);
      const { manifest, digest } = await admission.take(offered, actor);
      return { manifest, digest, origin: offered.origin };
    },

    async install({ manifest: { name, version }, origin }, grant, actor) {
      await versionSwitch.switchTo({ name, version, grant: parseGrant(grant), states: 'go-on', actor, reason: `installed from ${origin}` });
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
