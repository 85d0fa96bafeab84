import { inverseDocumentFrequency, K1, LENGTH_SHARE } from '../domain/bm25.ts';
import { nthGreatest } from './nth-greatest.ts';

/** Where one word of a question stands: an entry for each place, in ascending order of passages. */
export interface WordPlaces {
  /** Ids. */
  passages: Float64Array;
  /** The number of the column that each place is in. */
  columns: Uint8Array;
}

/** The index that the places are of. */
export interface RankedIndex {
  passages: number;
  /** Words of an entry on average, all columns together. */
  averageLength: number;
  /** What a word counts by the number of its column. */
  weights: readonly number[];
}

/** A passage with its relevance: greater is better, 0 at least. */
export interface RankedPassage {
  id: number;
  relevance: number;
}

/** Passages that look alike until their lengths are known are taken together, up to so many: looking up as many lengths takes 2.5 ms. */
const MOST_TAKEN = 2_000;

/**
 * BM25 as FTS5 has it (Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009), from the places of words. The
 * lengths of passages are not among these, so that it is done twice: all passages as if each were of average length, and
 * the best of them, whose lengths somebody has looked up, as they are.
 */
export class WordRanking {
  /** By place in `#rough`: the id. */
  readonly #ids: Float64Array;
  /** By place: the relevance at average length. */
  readonly #rough: Float64Array;
  /** The same in any order. */
  readonly #scratch: Float64Array;
  readonly #taken: Uint8Array;
  #takenCount = 0;
  readonly #words: WeighedWord[];
  readonly #averageLength: number;

  constructor(words: readonly WordPlaces[], index: RankedIndex) {
    this.#averageLength = Math.max(1, index.averageLength);
    const table = new PassageTable(words.reduce((sum, word) => sum + word.passages.length, 0));
    this.#words = words.map((word) => weigh(word, index, table));
    this.#ids = table.ids();
    this.#rough = new Float64Array(this.#ids.length);
    for (const { weight, places: at, counts } of this.#words) {
      for (let entry = 0; entry < at.length; entry += 1) {
        const count = counts[entry] ?? 0;
        const place = at[entry] ?? 0;
        this.#rough[place] = (this.#rough[place] ?? 0) + (weight * count * (K1 + 1)) / (count + K1);
      }
    }
    this.#scratch = this.#rough.slice();
    this.#taken = new Uint8Array(this.#rough.length);
  }

  /** Passages that hold any of the words. */
  get size(): number {
    return this.#ids.length;
  }

  /** Ids of the best that were not taken before, by what they would have at average length; none when all were. */
  take(count: number): number[] {
    const before = this.#takenCount + count;
    const threshold = before >= this.#scratch.length ? 0 : nthGreatest(this.#scratch, before - 1);
    const chosen: number[] = [];
    const alike: number[] = [];
    const most = Math.max(count, MOST_TAKEN);
    for (let place = 0; place < this.#rough.length; place += 1) {
      const rough = this.#rough[place] ?? 0;
      if (rough < threshold || this.#taken[place] === 1) continue;
      if (rough > threshold) chosen.push(place);
      else if (alike.length < most) alike.push(place);
    }
    // Of a great many that are alike at the end some are as good as others.
    chosen.push(...alike.slice(0, most - chosen.length));
    for (const place of chosen) this.#taken[place] = 1;
    this.#takenCount += chosen.length;
    return chosen.map((place) => this.#ids[place] ?? 0);
  }

  /** `lengths`: words of each passage by its id; passages that are not in it are left out. Best first. */
  rank(lengths: ReadonlyMap<number, number>): RankedPassage[] {
    const norms = new Float64Array(this.#ids.length);
    const known: number[] = [];
    for (let place = 0; place < norms.length; place += 1) {
      const length = this.#taken[place] === 1 ? lengths.get(this.#ids[place] ?? 0) : undefined;
      if (length === undefined) continue;
      norms[place] = K1 * (1 - LENGTH_SHARE + (LENGTH_SHARE * length) / this.#averageLength);
      known.push(place);
    }
    const relevance = new Float64Array(norms.length);
    for (const { weight, places, counts } of this.#words) {
      for (let entry = 0; entry < places.length; entry += 1) {
        const place = places[entry] ?? 0;
        const norm = norms[place] ?? 0;
        if (norm === 0) continue;
        const count = counts[entry] ?? 0;
        relevance[place] = (relevance[place] ?? 0) + (weight * count * (K1 + 1)) / (count + norm);
      }
    }
    const ranked = known.map((place) => ({ id: this.#ids[place] ?? 0, relevance: relevance[place] ?? 0 }));
    return ranked.sort((a, b) => b.relevance - a.relevance || a.id - b.id);
  }
}

/** A word with the passages that hold it: their places in the ranking, and how much of it each has. */
interface WeighedWord {
  /** Its inverse document frequency. */
  weight: number;
  places: Int32Array;
  counts: Float64Array;
}

function weigh(word: WordPlaces, { passages, weights }: RankedIndex, table: PassageTable): WeighedWord {
  const places = new Int32Array(word.passages.length);
  const counts = new Float64Array(word.passages.length);
  let last = -1;
  let lastId = Number.NaN;
  for (let entry = 0; entry < word.passages.length; entry += 1) {
    const weight = weights[word.columns[entry] ?? 0] ?? 0;
    if (weight === 0) continue;
    const id = word.passages[entry] ?? 0;
    if (id !== lastId) {
      lastId = id;
      last += 1;
      places[last] = table.placeOf(id);
    }
    counts[last] = (counts[last] ?? 0) + weight;
  }
  const count = last + 1;
  return { weight: inverseDocumentFrequency(passages, count), places: places.subarray(0, count), counts: counts.subarray(0, count) };
}

/** Gives each id a place, from 0 on: a hash table with open addressing, three times as fast as a `Map` for some ten thousand numbers. */
class PassageTable {
  /** A place and one more, by slot; 0 is free. */
  readonly #slots: Int32Array;
  readonly #ids: Float64Array;
  #count = 0;

  /** `most`: ids that there can be. */
  constructor(most: number) {
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(Math.max(2, most * 2))));
    this.#ids = new Float64Array(most);
  }

  placeOf(id: number): number {
    const mask = this.#slots.length - 1;
    // Knuth's multiplicative hash: ids that follow each other lie far apart.
    for (let slot = (Math.imul(id, 2_654_435_761) >>> 7) & mask; ; slot = (slot + 1) & mask) {
      const place = (this.#slots[slot] ?? 0) - 1;
      if (place >= 0 && this.#ids[place] === id) return place;
      if (place >= 0) continue;
      this.#ids[this.#count] = id;
      this.#count += 1;
      this.#slots[slot] = this.#count;
      return this.#count - 1;
    }
  }

  /** By place. */
  ids(): Float64Array {
    return this.#ids.subarray(0, this.#count);
  }
}
