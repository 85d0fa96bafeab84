import { sign, verify } from 'node:crypto';
import { isJsonObject } from './json.ts';
import type { PublicKey, SigningKey } from './signing-key.ts';

/**
 * Signed bytes in a DSSE envelope (https://github.com/secure-systems-lab/dsse, protocol v1): the signature covers the type
 * of what is signed too, so that a signature of one thing never passes for one of another.
 */
export interface Envelope {
  payloadType: string;
  payload: Uint8Array;
  signatures: { keyId: string; signature: Uint8Array }[];
}

/** More signatures are not looked at. */
const MAX_SIGNATURES = 16;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** The JSON text of an envelope with one signature. */
export function sealEnvelope(payloadType: string, payload: Uint8Array, { key, publicKey }: SigningKey): string {
  const sig = sign(null, preAuthentication(payloadType, payload), key).toString('base64');
  const envelope = { payloadType, payload: Buffer.from(payload).toString('base64'), signatures: [{ keyid: publicKey.id, sig }] };
  return `${JSON.stringify(envelope)}\n`;
}

/** Undefined for text that is no envelope. Nothing is verified. */
export function parseEnvelope(text: string): Envelope | undefined {
  const value = parseJson(text);
  if (!isJsonObject(value) || typeof value.payloadType !== 'string' || !Array.isArray(value.signatures)) return undefined;
  const payload = toBytes(value.payload);
  if (payload === undefined || value.signatures.length > MAX_SIGNATURES) return undefined;
  const signatures: Envelope['signatures'] = [];
  for (const one of value.signatures) {
    const signature = isJsonObject(one) ? toBytes(one.sig) : undefined;
    if (!isJsonObject(one) || typeof one.keyid !== 'string' || signature === undefined) return undefined;
    signatures.push({ keyId: one.keyid, signature });
  }
  return { payloadType: value.payloadType, payload, signatures };
}

/** Whether one of the signatures is by this key. Which key a signature names is only a hint. */
export function isSignedBy({ payloadType, payload, signatures }: Envelope, { key }: PublicKey): boolean {
  const signed = preAuthentication(payloadType, payload);
  return signatures.some(({ signature }) => signature.byteLength === 64 && verify(null, signed, key, signature));
}

/** DSSE's pre-authentication encoding. */
function preAuthentication(payloadType: string, payload: Uint8Array): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.byteLength} `;
  return Buffer.concat([Buffer.from(head), payload]);
}

function toBytes(value: unknown): Uint8Array | undefined {
  return typeof value === 'string' && value.length % 4 === 0 && BASE64.test(value)
    ? new Uint8Array(Buffer.from(value, 'base64'))
    : undefined;
}

/** Undefined for text that is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
