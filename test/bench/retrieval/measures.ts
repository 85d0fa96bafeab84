/** How good one ranking is: documents by id, best first, against grades; 0 and below is not relevant. */
export interface Quality {
  ndcgAt10: number;
  recallAt10: number;
  recallAt100: number;
  mrrAt10: number;
}

/**
 * By trec_eval's definitions: the gain of nDCG is the grade itself, the discount log2(rank + 1), and
 * the ideal ranking is that of all judged documents. Undefined when nothing is relevant.
 */
export function qualityOf(ranking: readonly string[], grades: ReadonlyMap<string, number>): Quality | undefined {
  const relevant = [...grades.values()].filter((grade) => grade > 0).toSorted((a, b) => b - a);
  if (relevant.length === 0) return undefined;
  const gains = ranking.map((document) => Math.max(0, grades.get(document) ?? 0));
  const first = gains.slice(0, 10).findIndex((gain) => gain > 0);
  const found = (depth: number): number => gains.slice(0, depth).filter((gain) => gain > 0).length / relevant.length;
  return {
    ndcgAt10: discounted(gains, 10) / discounted(relevant, 10),
    recallAt10: found(10),
    recallAt100: found(100),
    mrrAt10: first < 0 ? 0 : 1 / (first + 1),
  };
}

function discounted(gains: readonly number[], depth: number): number {
  return gains.slice(0, depth).reduce((sum, gain, index) => sum + gain / Math.log2(index + 2), 0);
}

/** The mean over queries. */
export function meanQuality(qualities: readonly Quality[]): Quality {
  const mean = (field: keyof Quality): number =>
    qualities.reduce((sum, quality) => sum + quality[field], 0) / Math.max(1, qualities.length);
  return { ndcgAt10: mean('ndcgAt10'), recallAt10: mean('recallAt10'), recallAt100: mean('recallAt100'), mrrAt10: mean('mrrAt10') };
}
