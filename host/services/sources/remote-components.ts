import { isOnTheMachine, type Actor } from '../../domain/caller.ts';
import { openOciRepository, type OciRepository } from '../../capabilities/oci-registry.ts';
import { registryCredentials } from '../../capabilities/registry-credentials.ts';
import { createRemoteFetch, unreachable, type RemoteFetch } from '../../capabilities/remote-fetch.ts';
import { pullComponent, pullSigned } from '../../capabilities/wasm-artifact.ts';
import { parseSourceLocation, type OciLocation, type WebLocation } from '../../domain/source-location.ts';
import { RequestError } from '../../domain/errors.ts';
import { BUNDLE_SUFFIX, MAX_BUNDLE_BYTES } from '../../domain/sigstore.ts';
import type { RemoteComponent } from './admission.ts';

export interface RemoteOptions {
  /** A file in the form of Docker's `config.json`. */
  registryConfig: string | undefined;
  /** Hosts, with their ports, that callers of the API may name as if they were on the machine. */
  sourceHosts: readonly string[];
}

/** How far a fetch may go. */
export interface Reach {
  /** Hosts that may lie in a private network, and get the password that there is for them. */
  named: readonly string[];
  /** For all of it. */
  wholeMs: number;
}

const WHOLE_MS = 600_000;
/** Who calls the API waits for an answer. */
const CALLERS_WHOLE_MS = 120_000;

/** Somewhat more than the largest component, so that it can be said that it is too large. */
const MAX_COMPONENT_BYTES = 256 * 1024 * 1024;
const MAX_SIGNATURE_BYTES = 64 * 1024;
/** Stores of files that may not be listed say 403 of what they do not have. */
const NOT_THERE: ReadonlySet<number> = new Set([403, 404, 410]);
const MAX_INDEX_BYTES = 16 * 1024 * 1024;

/**
 * What somebody reaches who writes the name of this host. On the machine every network is theirs already; from elsewhere it must be a
 * public address, or one that the machine's operator has listed, so that no caller looks around in networks through this host.
 */
export function reachOf(host: string, actor: Actor, { sourceHosts }: RemoteOptions): Reach {
  if (isOnTheMachine(actor)) return { named: [host], wholeMs: WHOLE_MS };
  return { named: sourceHosts.includes(host) ? [host] : [], wholeMs: CALLERS_WHOLE_MS };
}

export async function openRepository(
  location: OciLocation,
  { named, wholeMs }: Reach,
  { registryConfig }: RemoteOptions,
): Promise<OciRepository> {
  const { host, repository } = location;
  const credentials = named.includes(host) ? await registryCredentials(registryConfig, host) : undefined;
  return openOciRepository({ host, repository, fetch: createRemoteFetch(named, wholeMs), credentials });
}

/** A component and what came with it; nothing is believed yet. SOURCE_UNREACHABLE, SOURCE_DENIED, SOURCE_UNUSABLE, DIGEST_MISMATCH. */
export async function fetchComponent(location: OciLocation | WebLocation, reach: Reach, options: RemoteOptions): Promise<RemoteComponent> {
  if (location.kind === 'web') return fetchFile(location, createRemoteFetch(reach.named, reach.wholeMs));
  const reference = location.digest ?? location.tag ?? '';
  const { bytes, signature, bundles, manifestDigest, digest } = await pullComponent(
    await openRepository(location, reach, options),
    reference,
  );
  const origin = `oci://${location.host}/${location.repository}@${manifestDigest}`;
  return { bytes, signature, bundles, digest, artifactDigest: manifestDigest, origin };
}

/** The text of a signed index, got for whoever asks for it. The codes of `fetchComponent`, INVALID_REQUEST. */
export async function fetchIndex(address: string, actor: Actor, options: RemoteOptions): Promise<string> {
  const reach = reachOf(indexHost(address), actor, options);
  if (address.startsWith('oci://')) {
    const location = ociLocation(address);
    return pullSigned(await openRepository(location, reach, options), location.digest ?? location.tag ?? '');
  }
  const url = new URL(address);
  const { status, body } = await createRemoteFetch(reach.named, reach.wholeMs)(url, { method: 'GET', maxBytes: MAX_INDEX_BYTES });
  if (status !== 200) throw unreachable(url, `it answered ${status}`);
  return Buffer.from(body).toString('utf8');
}

/** Where an index lies, as `hostOf`. */
export function indexHost(address: string): string {
  return address.startsWith('oci://') ? ociLocation(address).host : new URL(address).host;
}

function ociLocation(address: string): OciLocation {
  const location = parseSourceLocation(address);
  if (location.kind !== 'oci') throw new TypeError('an address that begins so is one of a registry');
  return location;
}

/** Hosts of an address, as they are compared: with the port, unless it is the scheme's own. */
export function hostOf(location: OciLocation | WebLocation): string {
  return location.kind === 'oci' ? location.host : new URL(location.url).host;
}

async function fetchFile({ url: address, digest }: WebLocation, fetch: RemoteFetch): Promise<RemoteComponent> {
  const url = new URL(address);
  const { status, body } = await fetch(url, { method: 'GET', maxBytes: MAX_COMPONENT_BYTES });
  if (status !== 200) throw unreachable(url, `it answered ${status}`);
  const signature = await fetchBeside(url, { suffix: '.sig', maxBytes: MAX_SIGNATURE_BYTES, fetch });
  const bundle = await fetchBeside(url, { suffix: BUNDLE_SUFFIX, maxBytes: MAX_BUNDLE_BYTES, fetch });
  return { bytes: body, signature, bundles: bundle === undefined ? [] : [bundle], digest, origin: `${url.origin}${url.pathname}` };
}

/** The text of a file whose name is that of the component and more; undefined when there is none. */
async function fetchBeside(
  url: URL,
  { suffix, maxBytes, fetch }: { suffix: string; maxBytes: number; fetch: RemoteFetch },
): Promise<string | undefined> {
  const beside = new URL(url);
  beside.pathname += suffix;
  const { status, body } = await fetch(beside, { method: 'GET', maxBytes });
  if (status === 200) return Buffer.from(body).toString('utf8');
  if (NOT_THERE.has(status)) return undefined;
  throw unreachable(beside, `it answered ${status} for the signature`);
}

/** The address of an index: https without a user, or an artifact of a registry. INVALID_REQUEST. */
export function checkIndexAddress(address: string): string {
  const isWeb = URL.canParse(address) && parsesAsWeb(address);
  if (isWeb || (address.startsWith('oci://') && parseSourceLocation(address).kind === 'oci')) return address;
  throw new RequestError('INVALID_REQUEST', 'The address of the index is neither https://… nor oci://HOST/REPOSITORY:TAG.', {
    remedy: 'Take it from who publishes the market.',
  });
}

/** As for a component, whose digest is not known before. */
function parsesAsWeb(address: string): boolean {
  const url = new URL(address);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return false;
  url.hash = `sha256:${'0'.repeat(64)}`;
  return parseSourceLocation(url.href).kind === 'web';
}
