import type { WeighedQuestion } from '../../retrieval/closeness.ts';
import { wantedWords } from '../../retrieval/find-words.ts';
import {
  matchExpression,
  placesPerMatch,
  selectTerms,
  type CountedTerm,
  type IndexSize,
  type SearchScope,
  type TermSelection,
} from '../../retrieval/query.ts';
import { inverseDocumentFrequency } from '../../domain/bm25.ts';
import { relevanceBound } from '../../retrieval/score.ts';
import { questionTerms, type Term } from '../../retrieval/terms.ts';
import type { Database } from '../../store/database.ts';
import { KnownFrequencies, passageFrequencies, searchTotals, type Counted, type SearchTotals } from '../../store/search-statistics.ts';
import { visibilityFilter, type Visibility } from '../../store/visibility.ts';

/** What of an organisation's index a question is asked of. */
export interface AskedIndex {
  organisation: string;
  visibility: Visibility;
  scope: SearchScope;
  /** What was counted before; left out: every word is counted. */
  frequencies?: KnownFrequencies;
}

/** What a question's words are worth in an organisation's index, and which of them are looked up. */
export interface QuestionPlan {
  selection: TermSelection;
  size: Required<IndexSize>;
  /** All of them, to compare texts with. */
  weighed: WeighedQuestion;
  /** The most that a passage could score. */
  bound: number;
  /** What bm25 holds the length of a passage against. */
  averageLength: number;
  /** Whether the places of words are read and ranked here; else FTS5 ranks what matches. */
  byPlaces: boolean;
}

/**
 * Where scope and access leave less over than this, FTS5 passes over the rest at little cost, and all words can be looked up. Where they leave
 * more, it is quicker to read the places of words and to ask only of the best passages whether they may be shown.
 */
const LEAST_SHARE_BY_PLACES = 0.05;

/**
 * To read and rank a place takes 0.27 µs, and FTS5 about 1 µs for a passage that matches, however often: in a small index of few words, where each
 * passage has most of a question's time and again, FTS5 is the quicker one.
 */
const MOST_PLACES_PER_MATCH = 4;

/** Words are weighed over the whole organisation; what may be seen decides only how many of them can be looked up. */
export async function planQuestion(database: Database, question: string, asked: AskedIndex): Promise<QuestionPlan> {
  return planTerms(database, questionTerms(question), asked);
}

/** The same for words from elsewhere. */
export async function planTerms(database: Database, terms: readonly Term[], asked: AskedIndex): Promise<QuestionPlan> {
  const narrowingSets = [...asked.scope.anyOf, visibilityFilter(asked.visibility)?.words].filter((set) => set !== undefined);
  const counted = [
    ...terms.map((term): Counted => [term.stem, matchExpression([term], { anyOf: [] })]),
    ...narrowingSets.flat().map((word): Counted => [word, `scope : "${word}"`]),
  ];
  const totals = await searchTotals(database, asked.organisation);
  const frequencies = await countedBy(database, asked, totals.generation, counted);
  const countedTerms = terms.map((term) => ({ ...term, passages: Math.min(totals.passages, frequencies.get(term.stem) ?? 0) }));
  const shares = narrowingSets.map(
    (set) => set.reduce((sum, word) => sum + (frequencies.get(word) ?? 0), 0) / Math.max(1, totals.passages),
  );
  const size = { passages: totals.passages, narrowing: Math.min(1, ...shares) };
  const open = selectTerms(countedTerms, { passages: totals.passages });
  const isOpen = size.narrowing >= LEAST_SHARE_BY_PLACES && open.share === 1;
  const selection = isOpen ? open : selectTerms(countedTerms, size);
  return {
    selection,
    size,
    weighed: weigh(countedTerms, selection, totals),
    bound: relevanceBound(countedTerms, totals.passages),
    averageLength: totals.averageLength,
    byPlaces: isOpen && placesPerMatch(selection.searched, totals.passages) <= MOST_PLACES_PER_MATCH,
  };
}

/** By name. */
async function countedBy(
  database: Database,
  { organisation, frequencies = new KnownFrequencies() }: AskedIndex,
  generation: string,
  counted: readonly Counted[],
): Promise<Map<string, number>> {
  const known = frequencies.of(organisation, generation);
  const missing = counted.filter(([, expression]) => !known.has(expression));
  const found = await passageFrequencies(database, organisation, missing);
  for (const [name, expression] of missing) known.set(expression, found.get(name) ?? 0);
  return new Map(counted.map(([name, expression]) => [name, known.get(expression) ?? 0]));
}

function weigh(terms: readonly CountedTerm[], { leftOut }: TermSelection, { passages, averageWords }: SearchTotals): WeighedQuestion {
  const unasked = new Set(leftOut.map((term) => term.stem));
  return {
    terms: terms.map((term) => ({
      weight: inverseDocumentFrequency(passages, term.passages),
      times: term.times,
      searched: !unasked.has(term.stem),
    })),
    wanted: wantedWords(terms),
    averageWords,
  };
}
