import type { ArmResult } from '../../retrieval/candidate.ts';
import { expansionWords } from '../../retrieval/feedback.ts';
import type { Database } from '../../store/database.ts';
import { searchKeywords, type HitCandidate, type KeywordSearch } from './keyword-arm.ts';
import { planTerms } from './question-plan.ts';

/** Of what the question's own words count. */
const WEIGHT = 0.4;

/** Searches once more, for words that the best passages share and the question does not have. */
export async function searchFeedback(
  database: Database,
  search: KeywordSearch,
  keyword: ArmResult<HitCandidate>,
): Promise<ArmResult<HitCandidate>> {
  const best = keyword.found.toSorted((a, b) => b.score - a.score);
  const words = expansionWords(best.map(({ candidate, score }) => ({ text: candidate.text, score })));
  const plan = await planTerms(database, words, search);
  const { found: more } = await searchKeywords(database, search, plan);
  // What the arm itself says of a passage is of no interest to anybody who asks why it was found.
  return {
    arm: 'feedback',
    weight: WEIGHT * keyword.weight,
    found: more.map(({ candidate: { keyword, ...candidate }, score }) => ({ candidate, score })),
  };
}
