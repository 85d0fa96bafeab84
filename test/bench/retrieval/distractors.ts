import type { CollectionDocument } from './collection.ts';

/** The words of a collection as they come, to make documents of that read alike and answer nothing. */
export class WordPool {
  readonly #texts: string[] = [];
  readonly #titles: string[] = [];
  readonly #textLengths: number[] = [];
  readonly #titleLengths: number[] = [];

  add({ title, text }: Pick<CollectionDocument, 'title' | 'text'>): void {
    // Collections may be large: a million words say how often each of them comes.
    if (this.#texts.length > MAX_POOL_WORDS) return;
    append(this.#texts, this.#textLengths, text);
    append(this.#titles, this.#titleLengths, title);
  }

  /** As many documents as asked for; the same seed gives the same ones. Whoever may see them is taken in turn from `access`. */
  *documents(count: number, access: readonly CollectionDocument['access'][], seed = 1): Generator<CollectionDocument> {
    const random = xorshift(seed);
    for (let index = 0; index < count; index += 1) {
      yield {
        id: `distractor-${index}`,
        title: sample(this.#titles, this.#titleLengths, random),
        text: sample(this.#texts, this.#textLengths, random),
        updatedAtMs: undefined,
        access: access[Math.floor(random() * access.length)],
      };
    }
  }
}

const MAX_POOL_WORDS = 1_000_000;
/** Words that stay together: as in a language some follow each other, and no sentence of a real document comes back. */
const MAX_RUN_WORDS = 3;

function append(words: string[], lengths: number[], text: string): void {
  const found = text.split(/\s+/).filter((word) => word !== '');
  lengths.push(found.length);
  for (const word of found) words.push(word);
}

/** Runs of one to three words from any place, up to the length of some document. */
function sample(words: readonly string[], lengths: readonly number[], random: () => number): string {
  const length = lengths[Math.floor(random() * lengths.length)] ?? 0;
  const chosen: string[] = [];
  while (chosen.length < length && words.length > 0) {
    const from = Math.floor(random() * words.length);
    const run = Math.min(length - chosen.length, 1 + Math.floor(random() * MAX_RUN_WORDS));
    for (const word of words.slice(from, from + run)) chosen.push(word);
  }
  return chosen.join(' ');
}

/** Marsaglia, "Xorshift RNGs" (2003): numbers from 0 to below 1. */
function xorshift(seed: number): () => number {
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4_294_967_296;
  };
}
