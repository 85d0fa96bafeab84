import { compare } from 'semver';
import { COMMAND_LINE, isOnTheMachine, type Actor } from '../../domain/caller.ts';
import { parseGrant } from '../../domain/grant-parse.ts';
import { parseSourceLocation, type OciLocation } from '../../domain/source-location.ts';
import { RequestError } from '../../domain/errors.ts';
import type { Manifest } from '../../domain/manifest.ts';
import { pushComponent, pushSigned } from '../../capabilities/wasm-artifact.ts';
import type { Database } from '../../store/database.ts';
import { listAllVersions } from '../../store/versions.ts';
import type { Admission, RemoteComponent } from './admission.ts';
import { fetchComponent, hostOf, indexHost, openRepository, reachOf, type RemoteOptions } from './remote-components.ts';
import { askedGrant, parseStoredManifest, unknownVersion } from '../registry/registered.ts';
import type { GrantFor, MarketService, SourceService, TakenVersion, WantedVersion } from './source-services.ts';
import type { Incoming, VersionSwitch } from '../registry/version-switch.ts';

export interface SourceOptions extends RemoteOptions {
  database: Database;
  admission: Admission;
  markets: Pick<MarketService, 'find'>;
  versionSwitch: Pick<VersionSwitch, 'add' | 'bringIn' | 'switchTo'>;
}

/** Fetched for callers at one time: each may hold a whole component in memory. */
const MAX_FETCHES = 2;

export function createSources(options: SourceOptions): SourceService {
  const { admission, versionSwitch } = options;
  const inTurn = turns(MAX_FETCHES);
  const asked = (text: string, actor: Actor): Promise<RemoteComponent> => fetchOffered(options, text, actor);
  const bringIn = async (offered: Promise<RemoteComponent>, grantFor: GrantFor, actor: Actor): Promise<TakenVersion> => {
    const incoming = await admission.prove(await offered);
    const taken = arrived(incoming);
    await versionSwitch.bringIn(incoming, parseGrant(grantFor(taken.asked)), actor);
    return taken;
  };

  return {
    take: async (text, actor) =>
      inTurn(actor, async () => {
        const incoming = await admission.prove(await asked(text, actor));
        await versionSwitch.add(incoming, actor);
        return arrived(incoming);
      }),

    install: async (text, grantFor, actor) => inTurn(actor, () => bringIn(asked(text, actor), grantFor, actor)),

    async installSigned({ bytes, signature, bundle }, grantFor, actor) {
      const offered = { bytes, signature, bundles: bundle === undefined ? [] : [bundle], origin: 'file' };
      return bringIn(Promise.resolve(offered), grantFor, actor);
    },

    atHand: async (wanted) => atHand(options.database, wanted),

    async installFound(wanted, grantFor, actor) {
      const found = await atHand(options.database, wanted);
      const { name, version } = found.manifest;
      const grant = parseGrant(grantFor(found.asked));
      await versionSwitch.switchTo({ name, version, grant, states: 'go-on', actor, reason: `installed from ${found.origin}` });
      return found;
    },

    async publish(text, component) {
      const location = taggedLocation(text);
      return pushComponent(await openRepository(location, reachOf(location.host, COMMAND_LINE, options), options), location.tag, component);
    },

    async publishSigned(text, artifactType, envelope) {
      const location = taggedLocation(text);
      return pushSigned(
        await openRepository(location, reachOf(location.host, COMMAND_LINE, options), options),
        location.tag,
        artifactType,
        envelope,
      );
    },
  };
}

async function atHand(database: Database, { name, version, digest }: WantedVersion): Promise<TakenVersion> {
  const versions = (await listAllVersions(database)).filter((each) => each.name === name);
  const wanted = versions.filter((each) => version === undefined || each.version === version);
  const highest = wanted.toSorted((a, b) => compare(b.version, a.version))[0];
  if (highest === undefined) throw unknownVersion(name, version ?? '(any)');
  if (digest !== undefined && digest !== highest.digest) throw digestChanged(name, highest.version);
  return toTaken({ ...highest, manifest: parseStoredManifest(highest.manifest) });
}

function arrived({ admitted: { manifest, digest }, origin }: Incoming): TakenVersion {
  return toTaken({ manifest, digest, origin });
}

function toTaken({ manifest, digest, origin }: { manifest: Manifest; digest: string; origin: string }): TakenVersion {
  return { manifest, asked: askedGrant(manifest), digest, origin };
}

async function fetchOffered(options: SourceOptions, text: string, actor: Actor): Promise<RemoteComponent> {
  const location = parseSourceLocation(text);
  if (location.kind !== 'market') return fetchComponent(location, reachOf(hostOf(location), actor, options), options);
  const entry = await options.markets.find(location.name, location.version);
  const where = parseSourceLocation(entry.location);
  if (where.kind === 'market') throw new TypeError('an index that was believed names addresses');
  // What an index names is somebody else's word; the market's own host is the operator's.
  const component = await fetchComponent(where, reachOf(indexHost(entry.marketUrl), actor, options), options);
  return { ...component, digest: entry.digest, expected: { name: entry.name, version: entry.version } };
}

/** Lets callers have so much done at one time; HOST_BUSY for the next. Whoever is on the machine needs no turn. */
function turns(most: number): <T>(actor: Actor, work: () => Promise<T>) => Promise<T> {
  let working = 0;
  return async (actor, work) => {
    if (isOnTheMachine(actor)) return work();
    if (working >= most) {
      throw new RequestError('HOST_BUSY', `${most} datasources are being fetched already.`, { remedy: 'Try again in a moment.' });
    }
    working += 1;
    try {
      return await work();
    } finally {
      working -= 1;
    }
  };
}

function digestChanged(name: string, version: string): RequestError {
  return new RequestError('DIGEST_CHANGED', `${name} ${version} has other bytes than those that were looked at.`, {
    remedy: 'Look at what it asks for once more, and install that.',
  });
}

function taggedLocation(text: string): OciLocation & { tag: string } {
  const location = parseSourceLocation(text);
  if (location.kind === 'oci' && location.tag !== undefined && location.digest === undefined) return { ...location, tag: location.tag };
  throw new RequestError('INVALID_REQUEST', 'It is published under a tag of a registry.', {
    remedy: 'Write the address as in oci://HOST/REPOSITORY:1.2.0.',
  });
}
