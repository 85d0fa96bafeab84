import { RequestError } from '../domain/errors.ts';
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

/** A text file of few bytes, or undefined when there is none. */
export async function readSignatureFile(file: string): Promise<string | undefined> {
  try {
    return Buffer.from(await readNamedFile(file, { maxBytes: MAX_SIGNATURE_BYTES })).toString('utf8');
  } catch (error) {
    const missing = error instanceof RequestError && error.cause instanceof Error && 'code' in error.cause && error.cause.code === 'ENOENT';
    if (missing) return undefined;
    throw error;
  }
}
