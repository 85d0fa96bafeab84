import { joinedNames, locatedWords } from '../domain/words.ts';
import { stem } from './stem.ts';
import { isStopWord } from './stop-words.ts';

/** One word of a question, ready to be looked for. */
export interface Term {
  /** Letters and digits only, folded as the index folds them. */
  word: string;
  /** As the index holds it. */
  stem: string;
}

/** Far more than a question has; a pasted page is cut here. */
const MAX_QUESTION_CHARACTERS = 10_000;

/** Words of a question that are looked up at all, from its beginning. */
const MAX_TERMS = 256;

/**
 * The words of any text that are worth looking for, each once by its stem, in their order. Words that
 * say nothing are left out unless the text has no others. Empty for a text without letters and digits.
 */
export function questionTerms(question: string): Term[] {
  const text = question.slice(0, MAX_QUESTION_CHARACTERS);
  const words = [...locatedWords(text).map(({ word }) => word), ...joinedNames(text)];
  const telling = distinct(words.filter((word) => !isStopWord(word)));
  return (telling.length > 0 ? telling : distinct(words)).slice(0, MAX_TERMS);
}

function distinct(words: readonly string[]): Term[] {
  const terms = new Map<string, Term>();
  for (const word of words) {
    const term = { word, stem: stem(word) };
    if (!terms.has(term.stem)) terms.set(term.stem, term);
  }
  return [...terms.values()];
}
