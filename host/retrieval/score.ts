import type { CountedTerm } from './query.ts';

/** Of FTS5's bm25, which lets nobody change it. */
export const K1 = 1.2;

/** What FTS5 gives a word that stands in more than half of all passages. */
const MIN_IDF = 1e-6;

/**
 * How much a word tells, as FTS5 has it: Robertson and Zaragoza, "The Probabilistic Relevance
 * Framework: BM25 and Beyond" (2009), section 3.1.
 */
export function inverseDocumentFrequency(passages: number, withTerm: number): number {
  const idf = Math.log((passages - withTerm + 0.5) / (withTerm + 0.5));
  return idf > 0 ? idf : MIN_IDF;
}

/**
 * The relevance that no passage can exceed for these terms: each as often as can be, in a passage of
 * no length. Words that the index does not know are in it.
 */
export function relevanceBound(terms: readonly CountedTerm[], passages: number): number {
  return terms.reduce((sum, term) => sum + inverseDocumentFrequency(passages, term.passages) * (K1 + 1), 0);
}

/**
 * bm25 as a share of what was possible: 0 to 1, and comparable between questions. A passage of
 * average length that has every word once gets 0.45; one that has them in its title, about 0.7.
 */
export function toScore(relevance: number, bound: number): number {
  return bound > 0 ? Math.min(1, Math.max(0, relevance / bound)) : 0;
}
