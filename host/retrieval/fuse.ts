import type { ArmResult, ArmShare, Candidate, Scored } from './candidate.ts';

/** Passages of each arm whose scores say what is usual in it. */
const USUAL = 100;

/**
 * So many deviations below the mean a passage counts for nothing: among the best hundred of an arm that is about where the
 * lesser half of them ends.
 */
const BELOW_MEAN = 1;

/**
 * One list of what several ways of searching found in the same index, best first. A single arm's scores stay as they are.
 *
 * Of several, each is measured by how far its scores stand out from those that are usual in its own answer: in standard
 * deviations over the mean of its best hundred, where places that it did not fill have its floor. An arm whose passages are all
 * about as good thus says little, and one with a single clear answer says much, whatever the scale of its scores: fusion by
 * the distribution of scores, after Mazzeschi, "Distribution-Based Score Fusion" (2023), and the standard scores of Wu,
 * Crestani and Bi, "Evaluating Score Normalization Methods in Data Fusion" (2006); weighed and added, after Bruch, Gai and
 * Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval" (2023). What an arm did not find gets nothing from it. All are
 * brought back to the scale of the first arm.
 */
export function fuse<C extends Candidate>(arms: readonly ArmResult<C>[]): Scored<C>[] {
  const filled = arms.filter(({ found }) => found.length > 0);
  const measured = filled.map((arm) => ({ ...arm, standing: standingOf(arm) }));
  const most = measured.reduce((sum, { standing, weight, found }) => sum + weight * standing(bestOf(found)), 0);
  const scale = bestOf(filled[0]?.found ?? []);
  const byKey = new Map<string, { candidate: C; shares: ArmShare[] }>();
  for (const { arm, weight, standing, found } of measured) {
    for (const { candidate, score } of found) {
      const share = filled.length === 1 ? score : most === 0 ? 0 : (scale * weight * standing(score)) / most;
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

/** How far a score stands out in an arm: 0 or more. */
function standingOf<C extends Candidate>({ found, floor = 0 }: ArmResult<C>): (score: number) => number {
  const scores = found.map(({ score }) => score).toSorted((a, b) => b - a);
  const usual = Array.from({ length: USUAL }, (_, place) => Math.max(floor, scores[place] ?? floor));
  const mean = usual.reduce((sum, score) => sum + score, 0) / USUAL;
  const deviation = Math.sqrt(usual.reduce((sum, score) => sum + (score - mean) ** 2, 0) / USUAL);
  // Where all are as good, none stands out, and all count as what is usual does elsewhere.
  return (score) => Math.max(0, (deviation > 1e-9 ? (score - mean) / deviation : 0) + BELOW_MEAN);
}

function bestOf<C extends Candidate>(found: ArmResult<C>['found']): number {
  return found.reduce((most, { score }) => Math.max(most, score), 0);
}

/** Best first; equal ones by document and place in it, so that the same question always gives the same answer. */
export function byScore<C extends Candidate>(a: Scored<C>, b: Scored<C>): number {
  if (a.score !== b.score) return b.score - a.score;
  if (a.candidate.document !== b.candidate.document) return a.candidate.document < b.candidate.document ? -1 : 1;
  return (a.candidate.position ?? 0) - (b.candidate.position ?? 0);
}
