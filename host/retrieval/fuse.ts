import type { ArmResult, ArmShare, Candidate, Scored } from './candidate.ts';

/**
 * One list of what several ways of searching found in the same index, best first. A single arm's
 * scores stay as they are. Of several, each is stretched between the arm's floor and its best and weighed, what an arm did not
 * find gets nothing from it, and all are brought back to the scale of the first arm: convex combination with a theoretical minimum of 0, after Bruch, Gai and Ingber, "An Analysis of
 * Fusion Functions for Hybrid Retrieval" (2023).
 */
export function fuse<C extends Candidate>(arms: readonly ArmResult<C>[]): Scored<C>[] {
  const filled = arms.filter(({ found }) => found.length > 0);
  const scale = filled[0]?.found.reduce((most, { score }) => Math.max(most, score), 0) ?? 0;
  const totalWeight = filled.reduce((sum, { weight }) => sum + weight, 0);
  const byKey = new Map<string, { candidate: C; shares: ArmShare[] }>();
  for (const { arm, weight, floor = 0, found } of filled) {
    const best = found.reduce((most, { score }) => Math.max(most, score), 0);
    // What is the only one, or as good as all others, is as good as can be.
    const partOf = (score: number): number => (best > floor ? Math.max(0, score - floor) / (best - floor) : best > 0 ? 1 : 0);
    for (const { candidate, score } of found) {
      const share = filled.length === 1 ? score : scale * partOf(score) * (weight / totalWeight);
      const entry = byKey.get(candidate.key) ?? { candidate, shares: [] };
      entry.shares.push({ arm, score, added: share });
      byKey.set(candidate.key, entry);
    }
  }
  const scored = [...byKey.values()].map(({ candidate, shares }) => ({
    candidate,
    shares,
    score: Math.min(
      1,
      shares.reduce((sum, { added }) => sum + added, 0),
    ),
  }));
  return scored.toSorted(byScore);
}

/** Best first; equal ones by document and place in it, so that the same question always gives the same answer. */
export function byScore<C extends Candidate>(a: Scored<C>, b: Scored<C>): number {
  if (a.score !== b.score) return b.score - a.score;
  if (a.candidate.document !== b.candidate.document) return a.candidate.document < b.candidate.document ? -1 : 1;
  return (a.candidate.position ?? 0) - (b.candidate.position ?? 0);
}
