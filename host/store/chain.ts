import { createHash } from 'node:crypto';

/** What stands before the first entry of a chain: 32 zero bytes. */
export const CHAIN_START: Readonly<Uint8Array> = new Uint8Array(32);

/**
 * The hash of an entry: SHA-256 over the hash before it (32 bytes), its number (8 bytes, big-endian) and its text in UTF-8.
 * Whoever changes, drops or moves an entry changes every hash behind it.
 */
export function chainHash(previous: Readonly<Uint8Array>, sequence: number, entry: string): Uint8Array {
  const number = Buffer.alloc(8);
  number.writeBigUInt64BE(BigInt(sequence));
  return new Uint8Array(createHash('sha256').update(previous).update(number).update(entry, 'utf8').digest());
}

/** The chain of what concerns the whole host. */
export const HOST_CHAIN = '';
