import type { Database } from './database.ts';
import { toFound, type FoundPassage } from './found-passages.ts';
import type { Narrowed } from './narrowing.ts';
import { lengthsOfPassages, placeRanked } from './ranked-passages.ts';
import type { Computation, RowReader } from './computation.ts';
import { Columns } from './statement.ts';
import { readPlaces } from './word-places.ts';
import { WordRanking, type RankedIndex } from './word-ranking.ts';

/** What is wanted of a ranking by the places of words. */
export interface PassageRanking extends Narrowed {
  /** As the index has them. */
  words: readonly string[];
  index: RankedIndex;
  /** About so much of the index is inside of what is searched: above 0, 1 is all. */
  share: number;
  /** Passages that are ranked, more when they are of too few documents, up to `mostCandidates`. */
  candidates: number;
  mostCandidates: number;
  /** Documents wanted. */
  documents: number;
  /** The best of each document, so many. */
  perDocument: number;
  /** Passages that are given; more when they are of too few documents. */
  limit: number;
}

/**
 * Lengths that are looked up for each passage wanted: at 160,000 passages all of the first 30 of bm25 were among the best 300 by
 * average length, and 98 % of the first 200.
 */
const LOOKED_UP = 1.5;
/** Of the ranked passages twice as many as are given are placed by document at first, and then so many times as many. */
const PLACED = 2;
const DEEPER = 5;

/**
 * The best passages by the places of a question's words, best first: what FTS5's own bm25 gives, in half the time. What a search is
 * narrowed to is asked of the best, and of more behind them for as long as some are missing. Undefined when the index does not have
 * one of the words in that form, or has it so often that FTS5 is the quicker one.
 */
export async function searchByPlaces(database: Database, ranking: PassageRanking): Promise<FoundPassage[] | undefined> {
  const rows = await database.compute(RANK_PASSAGES, ranking);
  return rows?.map((row) => toFound(new Columns('passages.ranked', row)));
}

/** Gives rows of `toFound`. */
export const RANK_PASSAGES: Computation<PassageRanking> = { name: 'rank-passages', run: rankPassages };

function rankPassages(reader: RowReader, search: PassageRanking): unknown[] | undefined {
  const places = readPlaces(reader, search.organisation, search.words);
  if (places === undefined) return undefined;
  const lookUp = new LookUp(reader, search, new WordRanking(places, search.index));
  let { limit } = search;
  for (let wanted = limit * PLACED; ; wanted *= DEEPER) {
    lookUp.untilKnown(Math.max(search.candidates, wanted) * LOOKED_UP);
    const found = placeRanked(reader, search, lookUp.best(wanted), { perDocument: search.perDocument, limit });
    const isLast = wanted >= search.mostCandidates || wanted >= lookUp.most;
    if (isLast || isEnough(found, search, { limit, wanted })) return found;
    // A few long documents filled the list, or a connection that is being removed did: look further down.
    if (wanted >= search.candidates) limit *= 2;
  }
}

/** As many passages as may be given, or else all that is wanted of candidates; of enough documents. */
function isEnough(found: readonly unknown[], search: PassageRanking, { limit, wanted }: { limit: number; wanted: number }): boolean {
  const documents = new Set(found.map((row) => new Columns('passages.ranked', row).text('public_id'))).size;
  return documents >= search.documents && (found.length >= limit || wanted >= search.candidates);
}

/** The lengths of the best passages inside of what is searched, as many as it takes. */
class LookUp {
  readonly #reader: RowReader;
  readonly #search: PassageRanking;
  readonly #ranking: WordRanking;
  readonly #lengths = new Map<number, number>();
  #isDone = false;
  /** What is inside, of what is looked up. */
  #share: number;

  constructor(reader: RowReader, search: PassageRanking, ranking: WordRanking) {
    this.#reader = reader;
    this.#search = search;
    this.#ranking = ranking;
    this.#share = search.share;
  }

  /** How many passages can come of it at most. */
  get most(): number {
    return this.#isDone ? this.#lengths.size : Number.POSITIVE_INFINITY;
  }

  untilKnown(count: number): void {
    for (; this.#lengths.size < count && !this.#isDone; this.#share /= 4) {
      const passages = this.#ranking.take(Math.ceil((count - this.#lengths.size) / this.#share));
      this.#isDone = passages.length === 0;
      for (const [id, length] of lengthsOfPassages(this.#reader, this.#search, passages)) this.#lengths.set(id, length);
    }
  }

  best(count: number): { id: number; relevance: number }[] {
    return this.#ranking.rank(this.#lengths).slice(0, count);
  }
}
