import { RequestError } from '../domain/errors.ts';
import { BUNDLE_SUFFIX, MAX_BUNDLE_BYTES } from '../domain/sigstore.ts';
import { parseSigningKey, type SigningKey } from '../domain/signing-key.ts';
import { readNamedFile } from './files.ts';

const MAX_KEY_BYTES = 16 * 1024;
/** An envelope takes half a kilobyte. */
export const MAX_SIGNATURE_BYTES = 64 * 1024;

/** The private key that a file holds. FILE_NOT_READABLE, INVALID_SIGNING_KEY. */
export async function readSigningKey(file: string): Promise<SigningKey> {
  const key = parseSigningKey(Buffer.from(await readNamedFile(file, { maxBytes: MAX_KEY_BYTES })).toString('utf8'));
  if (key !== undefined) return key;
  throw new RequestError('INVALID_SIGNING_KEY', `${file} holds no Ed25519 key that signs.`, {
    remedy: 'Make one with: datasources keygen NAME',
  });
}

/** What lies beside a component and says who vouches for it: `FILE.sig`, and `FILE.sigstore.json`. FILE_NOT_READABLE, FILE_TOO_LARGE. */
export async function readSignatures(file: string): Promise<{ signature: string | undefined; bundle: string | undefined }> {
  return {
    signature: await readIfThere(`${file}.sig`, MAX_SIGNATURE_BYTES),
    bundle: await readIfThere(`${file}${BUNDLE_SUFFIX}`, MAX_BUNDLE_BYTES),
  };
}

/** The text of a file, or undefined when there is none. */
async function readIfThere(file: string, maxBytes: number): Promise<string | undefined> {
  try {
    return Buffer.from(await readNamedFile(file, { maxBytes })).toString('utf8');
  } catch (error) {
    const missing = error instanceof RequestError && error.cause instanceof Error && 'code' in error.cause && error.cause.code === 'ENOENT';
    if (missing) return undefined;
    throw error;
  }
}
