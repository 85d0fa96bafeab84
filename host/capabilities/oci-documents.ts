import { createHash } from 'node:crypto';
import { parseJson } from '../domain/envelope.ts';
import { RequestError } from '../domain/errors.ts';
import { isJsonObject, type JsonObject } from '../domain/json.ts';

export interface OciDescriptor {
  mediaType: string;
  digest: string;
  size: number;
}

/** A manifest as it lies in a registry, with the digest of its own bytes. */
export interface OciManifest {
  digest: string;
  size: number;
  layers: OciDescriptor[];
}

/** What says of itself, in a list of its registry, that it belongs to another manifest. */
export interface OciReferrer extends OciDescriptor {
  /** Empty when the list does not say. */
  artifactType: string;
}

export const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
export const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json';
const MAX_DESCRIPTORS = 64;
/** A list may grow for years: what is on it is not read before it is chosen. */
const MAX_REFERRERS = 4_096;

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** SOURCE_UNUSABLE. */
export function parseManifest(bytes: Uint8Array, base: URL): OciManifest {
  const layers = parseList(bytes, 'layers', base);
  if (layers.length > MAX_DESCRIPTORS) throw unusable(base, 'its manifest is none of an artifact');
  return { digest: digestOf(bytes), size: bytes.byteLength, layers: layers.map((layer) => toDescriptor(layer, base)) };
}

/** What an image index lists. SOURCE_UNUSABLE. */
export function parseReferrers(bytes: Uint8Array, base: URL): OciReferrer[] {
  const manifests = parseList(bytes, 'manifests', base);
  if (manifests.length > MAX_REFERRERS) throw unusable(base, 'its list of what belongs to a manifest is too long');
  return manifests.map((entry) => {
    const { artifactType } = entry;
    return { ...toDescriptor(entry, base), artifactType: typeof artifactType === 'string' ? artifactType : '' };
  });
}

function parseList(bytes: Uint8Array, field: 'layers' | 'manifests', base: URL): JsonObject[] {
  const document = parseJson(Buffer.from(bytes).toString('utf8'));
  const list = isJsonObject(document) && document.schemaVersion === 2 ? document[field] : undefined;
  if (!Array.isArray(list)) throw unusable(base, 'its manifest is none of an artifact');
  return list.map((entry) => (isJsonObject(entry) ? entry : {}));
}

function toDescriptor({ mediaType, digest, size }: JsonObject, base: URL): OciDescriptor {
  if (typeof mediaType === 'string' && typeof digest === 'string' && /^sha256:[0-9a-f]{64}$/.test(digest) && typeof size === 'number') {
    if (Number.isSafeInteger(size) && size >= 0) return { mediaType, digest, size };
  }
  throw unusable(base, 'an entry of its manifest has no type, sha256 digest or size');
}

/** SOURCE_UNUSABLE. */
export function unusable({ host }: Pick<URL, 'host'>, reason: string): RequestError {
  return new RequestError('SOURCE_UNUSABLE', `What ${host} gave cannot be used: ${reason}.`, {
    remedy: 'Check the address; tell the publisher.',
  });
}
