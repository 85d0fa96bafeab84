import { inverseDocumentFrequency, K1 } from '../domain/bm25.ts';
import type { CountedTerm } from './query.ts';

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
