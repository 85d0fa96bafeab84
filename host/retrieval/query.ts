import type { Term } from './terms.ts';

/** A term with the number of the organisation's passages that hold it. */
export interface CountedTerm extends Term {
  passages: number;
}

/** What of the index may be looked at: passages that have one word of each set. */
export interface SearchScope {
  anyOf: readonly (readonly string[])[];
}

/** More make a query slower without making it better: the rarest say the most. */
const MAX_QUERY_TERMS = 32;

/**
 * Passages that a query may score: FTS5 scores every one that matches, which takes about half a
 * microsecond each. In a small index a frequent term costs little, and tells something.
 */
const MIN_BUDGET = 16_000;

/** In a large index a query may score this share of it: with fewer, what is found depends on the rarest word alone. */
const BUDGET_SHARE = 0.03;

/** Which of a question's terms are looked up in the index. */
export interface TermSelection {
  /** Rarest first; those that no passage has come last. */
  searched: CountedTerm[];
  /** Too frequent to be worth what they cost: they count where something else has found a passage. */
  leftOut: CountedTerm[];
  /** The part of the index, from its newest passages on, that is within the budget even so: 1 but for a question of frequent words alone. */
  share: number;
}

/** What a passage costs that matches and lies outside of what is looked at, beside one that is scored. */
const PASSED_OVER = 0.1;

/** Of the index that terms are selected for. */
export interface IndexSize {
  passages: number;
  /** The share of them that scope and access leave over, at most: 1 is all. */
  narrowing?: number;
}

/**
 * The terms that are searched with: from the rarest on, as many as the budget allows, and at least
 * one. A word that stands in a large part of all passages costs more than all the others and hardly moves
 * anything; where few passages are looked at, it costs little and stays.
 */
export function selectTerms(terms: readonly CountedTerm[], { passages, narrowing = 1 }: IndexSize): TermSelection {
  const budget = Math.max(MIN_BUDGET, passages * BUDGET_SHARE);
  const costOf = (term: CountedTerm): number => term.passages * (PASSED_OVER + (1 - PASSED_OVER) * narrowing);
  const known = terms.filter((term) => term.passages > 0).toSorted((a, b) => a.passages - b.passages);
  let cost = 0;
  const chosen = known.slice(0, MAX_QUERY_TERMS).filter((term, index) => {
    cost += costOf(term);
    return index === 0 || cost <= budget;
  });
  // Unknown words match nothing but tell how much of the question can be answered at all.
  const unknown = terms.filter((term) => term.passages === 0).slice(0, MAX_QUERY_TERMS - chosen.length);
  const [rarest] = chosen;
  return {
    searched: [...chosen, ...unknown],
    leftOut: known.slice(chosen.length),
    share: rarest === undefined ? 1 : Math.min(1, budget / costOf(rarest)),
  };
}

/**
 * About how many places the terms have in each passage that holds any of them, if words were strewn over passages by chance: a word that half of the
 * passages hold then stands there 1.4 times, and one that all hold many times. 0 for terms that no passage has.
 */
export function placesPerMatch(terms: readonly Pick<CountedTerm, 'passages'>[], passages: number): number {
  let places = 0;
  let without = 1;
  for (const term of terms) {
    // Of a word that every passage holds nobody knows how often: as if half a passage were without.
    const missing = Math.max(0.5, passages - term.passages) / Math.max(1, passages);
    places -= Math.log(Math.min(1, missing));
    without *= Math.min(1, missing);
  }
  return places === 0 ? 0 : places / (1 - without);
}

/**
 * The FTS5 expression for passages that hold any of the terms, in a scope. Terms are joined by OR,
 * because FTS5 takes bare words for an AND that hardly any passage satisfies; each is quoted, so that
 * none can be read as an operator. `terms` must not be empty.
 */
export function matchExpression(terms: readonly Pick<Term, 'word'>[], scope: SearchScope): string {
  const words = anyOf(terms.map((term) => term.word));
  const scopes = scope.anyOf.map((set) => `scope : ${anyOf(set)}`);
  return [`{title headings text identifiers} : ${words}`, ...scopes].join(' AND ');
}

function anyOf(words: readonly string[]): string {
  return `(${words.map((word) => `"${word.replaceAll('"', '""')}"`).join(' OR ')})`;
}
