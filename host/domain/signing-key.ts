import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';

/** A key that signatures are checked with. */
export interface PublicKey {
  /** 32 hexadecimal digits: the first half of the SHA-256 of the key's 32 bytes. */
  id: string;
  /** One line: `lorelai-ed25519` and the key's 32 bytes in base64. */
  text: string;
  key: KeyObject;
}

/** A key that signs, with its public half. */
export interface SigningKey {
  publicKey: PublicKey;
  key: KeyObject;
}

const SCHEME = 'lorelai-ed25519';
/** An Ed25519 key in SPKI is these bytes and then its own 32 (RFC 8410, section 10.1). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const LINE = /^lorelai-ed25519 ([A-Za-z0-9+/]{43}=)$/;

/** A new Ed25519 pair: the private half as PEM in PKCS #8, the public one as a line of text. */
export function makeSigningKey(): { privatePem: string; publicKey: PublicKey } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return { privatePem: String(privateKey.export({ type: 'pkcs8', format: 'pem' })), publicKey: describeKey(publicKey) };
}

/** Reads `lorelai-ed25519 BASE64`; undefined for text that is none. */
export function parsePublicKey(text: string): PublicKey | undefined {
  const [, written = ''] = LINE.exec(text.trim()) ?? [];
  const raw = Buffer.from(written, 'base64');
  // Base64 with bits beyond the last byte would give one key two spellings.
  if (raw.byteLength !== 32 || raw.toString('base64') !== written) return undefined;
  return describeKey(createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), type: 'spki', format: 'der' }));
}

/** Reads a PEM that `makeSigningKey` or `openssl genpkey -algorithm ed25519` wrote; undefined for any other. */
export function parseSigningKey(pem: string): SigningKey | undefined {
  try {
    const key = createPrivateKey(pem);
    return key.asymmetricKeyType === 'ed25519' ? { key, publicKey: describeKey(createPublicKey(key)) } : undefined;
  } catch {
    return undefined;
  }
}

function describeKey(key: KeyObject): PublicKey {
  const raw = key.export({ type: 'spki', format: 'der' }).subarray(SPKI_PREFIX.byteLength);
  return { id: createHash('sha256').update(raw).digest('hex').slice(0, 32), text: `${SCHEME} ${raw.toString('base64')}`, key };
}
