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

/** Terms in more than this share of all passages are left out while rarer ones remain. */
const FREQUENT_SHARE = 0.05;

/**
 * Below this many passages a frequent term costs little, and in a small index it tells something:
 * leaving out by share alone takes Cranfield (1,400 documents) from .389 to .287 nDCG@10.
 */
const FREQUENT_PASSAGES = 5_000;

/** A frequent term goes only when this many rarer ones stay. */
const MIN_RARER_TERMS = 3;

/**
 * The terms that are searched with, rarest first. FTS5 scores every passage that matches, so one word
 * that stands in half of them costs more than all the others, and moves nothing.
 */
export function selectTerms(terms: readonly CountedTerm[], passages: number): CountedTerm[] {
  const known = terms.filter((term) => term.passages > 0).toSorted((a, b) => a.passages - b.passages);
  const limit = Math.max(passages * FREQUENT_SHARE, FREQUENT_PASSAGES);
  const chosen = known.filter((term, index) => index < MIN_RARER_TERMS || term.passages <= limit);
  // Unknown words match nothing but tell how much of the question can be answered at all.
  const unknown = terms.filter((term) => term.passages === 0);
  return [...chosen, ...unknown].slice(0, MAX_QUERY_TERMS);
}

/**
 * The FTS5 expression for passages that hold any of the terms, in a scope. Terms are joined by OR,
 * because FTS5 takes bare words for an AND that hardly any passage satisfies; each is quoted, so that
 * none can be read as an operator. `terms` must not be empty.
 */
export function matchExpression(terms: readonly Term[], scope: SearchScope): string {
  const words = anyOf(terms.map((term) => term.word));
  const scopes = scope.anyOf.map((set) => `scope : ${anyOf(set)}`);
  return [`{title headings text identifiers} : ${words}`, ...scopes].join(' AND ');
}

function anyOf(words: readonly string[]): string {
  return `(${words.map((word) => `"${word.replaceAll('"', '""')}"`).join(' OR ')})`;
}
