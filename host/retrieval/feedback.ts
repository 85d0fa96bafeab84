import { foldWord } from '../domain/words.ts';
import { stem } from './stem.ts';
import { isStopWord } from './stop-words.ts';
import type { Term } from './terms.ts';

/** Passages that are taken for answers, and words that are taken from them. */
const PASSAGES = 5;
const WORDS = 20;
/** A word of one passage alone is a word of that passage, not of the subject. */
const MIN_PASSAGES = 2;

/**
 * Words that the best passages have in common, the question's own among them: the relevance model of Lavrenko and Croft, "Relevance-Based Language
 * Models" (2001), which weighs each word by its share of each passage and each passage by its score. `best` must be in order.
 */
export function expansionWords(best: readonly { text: string; score: number }[]): Term[] {
  const weights = new Map<string, { word: string; folded: string; weight: number; passages: number }>();
  for (const { text, score } of best.slice(0, PASSAGES)) {
    const words = text.match(/[\p{L}\p{N}]+/gu) ?? [];
    const seen = new Set<string>();
    for (const word of words) {
      const folded = foldWord(word);
      if (folded.length < 3 || isStopWord(folded) || /^\d+$/.test(folded)) continue;
      const stemmed = stem(folded);
      const known = weights.get(stemmed) ?? { word, folded, weight: 0, passages: 0 };
      known.weight += score / words.length;
      if (!seen.has(stemmed)) known.passages += 1;
      seen.add(stemmed);
      weights.set(stemmed, known);
    }
  }
  return [...weights]
    .filter(([, { passages }]) => passages >= Math.min(MIN_PASSAGES, best.length))
    .toSorted(([a, first], [b, second]) => second.weight - first.weight || (a < b ? -1 : 1))
    .slice(0, WORDS)
    .map(([stemmed, { word, folded }]) => ({ word, folded, stem: stemmed, times: 1 }));
}
