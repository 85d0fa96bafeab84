/** Of FTS5's bm25, which lets nobody change it. */
export const K1 = 1.2;

/** The share of its length normalisation (`b`). */
export const LENGTH_SHARE = 0.75;

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
