import { isSignedBy, parseEnvelope, parseJson, sealEnvelope, type Envelope } from './envelope.ts';
import { isJsonObject } from './json.ts';
import type { PublicKey, SigningKey } from './signing-key.ts';

/** What the envelope of a component's signature holds: JSON with `digest` and `signedAt`. */
const SIGNATURE_TYPE = 'application/vnd.lorelai.datasource.signature.v1+json';

/** `sha256:` and 64 hexadecimal digits. */
const DIGEST = /^sha256:[0-9a-f]{64}$/;

export function isDigest(text: string): boolean {
  return DIGEST.test(text);
}

/** A detached signature of the component with this digest, as JSON text. */
export function signDigest(digest: string, key: SigningKey, nowMs: number): string {
  const payload = JSON.stringify({ digest, signedAt: new Date(nowMs).toISOString() });
  return sealEnvelope(SIGNATURE_TYPE, Buffer.from(payload), key);
}

/** A signature that was read and not yet believed. */
export interface ComponentSignature {
  envelope: Envelope;
  /** What it says that it signs. */
  digest: string;
}

/** Undefined for text that is no signature of a component. */
export function parseComponentSignature(text: string): ComponentSignature | undefined {
  const envelope = parseEnvelope(text);
  if (envelope?.payloadType !== SIGNATURE_TYPE) return undefined;
  const payload = parseJson(Buffer.from(envelope.payload).toString('utf8'));
  if (!isJsonObject(payload) || typeof payload.digest !== 'string' || !isDigest(payload.digest)) return undefined;
  return { envelope, digest: payload.digest };
}

/** The first of the keys that signed it. */
export function signerOf<K extends { publicKey: PublicKey }>({ envelope }: ComponentSignature, keys: readonly K[]): K | undefined {
  return keys.find(({ publicKey }) => isSignedBy(envelope, publicKey));
}
