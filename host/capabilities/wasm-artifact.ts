import { RequestError } from '../domain/errors.ts';
import { BUNDLE_TYPE, MAX_BUNDLE_BYTES, MAX_BUNDLES } from '../domain/sigstore.ts';
import { digestOf, MANIFEST_TYPE, type OciManifest } from './oci-documents.ts';
import type { OciRepository } from './oci-registry.ts';

/** The CNCF's layout of WebAssembly in registries (https://tag-runtime.cncf.io/wgs/wasm/deliverables/wasm-oci-artifact/). */
const WASM_CONFIG_TYPE = 'application/vnd.wasm.config.v0+json';
const WASM_LAYER_TYPE = 'application/wasm';
const SIGNATURE_ARTIFACT_TYPE = 'application/vnd.lorelai.datasource.signature.v1+json';
/** Of whatever is signed: an envelope of DSSE. */
export const ENVELOPE_TYPE = 'application/vnd.dsse.envelope.v1+json';
const EMPTY_TYPE = 'application/vnd.oci.empty.v1+json';
/** Of whichever version. */
const ANY_BUNDLE = /^application\/vnd\.dev\.sigstore\.bundle[.+]/;
/** Versions of cosign list the type of the empty config instead: https://github.com/sigstore/cosign/issues/4422 */
const MAY_BE_BUNDLE = /^(?:application\/vnd\.dev\.sigstore\.bundle[.+].*|application\/vnd\.oci\.empty\.v1\+json|)$/;
const MAX_ENVELOPE_BYTES = 16 * 1024 * 1024;

export interface PulledComponent {
  bytes: Uint8Array;
  /** Of the artifact's manifest, and of the component. */
  manifestDigest: string;
  digest: string;
  signature: string | undefined;
  /** Texts of sigstore bundles. */
  bundles: string[];
}

export interface PublishedComponent {
  bytes: Uint8Array;
  imports: readonly string[];
  exports: readonly string[];
  /** For people who look at the registry. */
  annotations: Readonly<Record<string, string>>;
  /** At least one of the two. */
  signature?: string | undefined;
  bundle?: string | undefined;
}

/** A component and the signatures that lie beside it. SOURCE_UNUSABLE when there is none, DIGEST_MISMATCH, and the codes of `OciRepository`. */
export async function pullComponent(repository: OciRepository, reference: string): Promise<PulledComponent> {
  const manifest = await found(repository, reference);
  const [layer, ...more] = manifest.layers.filter(({ mediaType }) => mediaType === WASM_LAYER_TYPE);
  if (layer === undefined || more.length > 0) throw unusable(reference, 'it has not exactly one layer of application/wasm');
  const bytes = await repository.blob(layer);
  const signatures = await repository.manifest(signatureTag(manifest.digest));
  const signature =
    signatures === undefined || !hasEnvelope(signatures) ? undefined : await pullEnvelope(repository, signatures, reference);
  return {
    bytes,
    manifestDigest: manifest.digest,
    digest: layer.digest,
    signature,
    bundles: await pullBundles(repository, manifest.digest),
  };
}

/** As cosign attaches them: each the one layer of a manifest that the registry lists. The newest few; what is too large is none. */
async function pullBundles(repository: OciRepository, manifestDigest: string): Promise<string[]> {
  const listed = (await repository.referrers(manifestDigest)).filter(({ artifactType }) => MAY_BE_BUNDLE.test(artifactType));
  const bundles: string[] = [];
  for (const { digest } of listed.slice(-MAX_BUNDLES)) {
    const layer = (await repository.manifest(digest))?.layers.find(
      ({ mediaType, size }) => ANY_BUNDLE.test(mediaType) && size <= MAX_BUNDLE_BYTES,
    );
    if (layer !== undefined) bundles.push(Buffer.from(await repository.blob(layer)).toString('utf8'));
  }
  return bundles;
}

/** What is signed and is no component: an index of a market. The codes of `pullComponent`. */
export async function pullSigned(repository: OciRepository, reference: string): Promise<string> {
  return pullEnvelope(repository, await found(repository, reference), reference);
}

/** Puts a component and its signature there. Gives the digest of the artifact's manifest, which is the same for the same bytes. */
export async function pushComponent(repository: OciRepository, tag: string, component: PublishedComponent): Promise<string> {
  const layer = await repository.putBlob(WASM_LAYER_TYPE, component.bytes);
  const config = {
    architecture: 'wasm',
    os: 'wasip2',
    layerDigests: [layer.digest],
    component: { imports: component.imports, exports: component.exports },
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: await repository.putBlob(WASM_CONFIG_TYPE, toBytes(JSON.stringify(config))),
    layers: [layer],
    annotations: component.annotations,
  };
  // The signature first: nobody who pulls by the tag finds a component without it.
  const body = toBytes(JSON.stringify(manifest));
  const subject = { mediaType: MANIFEST_TYPE, digest: digestOf(body), size: body.byteLength };
  const { signature, bundle } = component;
  if (signature !== undefined)
    await repository.putManifest(signatureTag(subject.digest), await envelopeManifest(repository, SIGNATURE_ARTIFACT_TYPE, signature));
  if (bundle !== undefined) {
    const layers = [await repository.putBlob(BUNDLE_TYPE, toBytes(bundle))];
    await repository.putReferrer(subject, BUNDLE_TYPE, { ...(await bareManifest(repository)), layers });
  }
  return (await repository.putManifest(tag, manifest)).digest;
}

/** Puts an envelope of its own there. */
export async function pushSigned(repository: OciRepository, tag: string, artifactType: string, envelope: string): Promise<string> {
  return (await repository.putManifest(tag, await envelopeManifest(repository, artifactType, envelope))).digest;
}

/** Registries without the referrers API have tags: `sha256-` and the digits of what is signed. */
function signatureTag(manifestDigest: string): string {
  return `${manifestDigest.replace(':', '-')}.sig`;
}

async function envelopeManifest(repository: OciRepository, artifactType: string, envelope: string): Promise<object> {
  return { ...(await bareManifest(repository)), artifactType, layers: [await repository.putBlob(ENVELOPE_TYPE, toBytes(envelope))] };
}

async function bareManifest(repository: OciRepository): Promise<object> {
  return { schemaVersion: 2, mediaType: MANIFEST_TYPE, config: await repository.putBlob(EMPTY_TYPE, toBytes('{}')) };
}

async function found(repository: OciRepository, reference: string): Promise<OciManifest> {
  const manifest = await repository.manifest(reference);
  if (manifest !== undefined) return manifest;
  throw unusable(reference, 'the registry has nothing of this name');
}

/** Other tools put signatures of theirs under the same tag. */
function hasEnvelope({ layers }: OciManifest): boolean {
  return layers.some(({ mediaType }) => mediaType === ENVELOPE_TYPE);
}

async function pullEnvelope(repository: OciRepository, { layers }: OciManifest, reference: string): Promise<string> {
  const layer = layers.find(({ mediaType }) => mediaType === ENVELOPE_TYPE);
  if (layer === undefined || layer.size > MAX_ENVELOPE_BYTES)
    throw unusable(reference, 'it has no layer that is signed, or one that is too large');
  return Buffer.from(await repository.blob(layer)).toString('utf8');
}

function toBytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text));
}

function unusable(reference: string, reason: string): RequestError {
  return new RequestError('SOURCE_UNUSABLE', `${reference} cannot be used: ${reason}.`, {
    remedy: 'Check the address; tell the publisher.',
  });
}
