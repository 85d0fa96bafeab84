import { hash } from 'node:crypto';

/** What a passage says, with what it is said under: all that is searched and embedded of it. */
export interface HashedPassage {
  title: string;
  location: readonly string[];
  headings: readonly string[];
  text: string;
}

/** Half of a SHA-256: of passages that are told apart by it alone, 2^64 would have to be tried for two that are not. */
const HASH_BYTES = 16;

/** The same for two passages that say the same, wherever they are and whatever their place: what is made of one holds for the other. */
export function passageHash({ title, location, headings, text }: HashedPassage): Uint8Array {
  return new Uint8Array(hash('sha256', JSON.stringify([title, location, headings, text]), 'buffer').subarray(0, HASH_BYTES));
}
