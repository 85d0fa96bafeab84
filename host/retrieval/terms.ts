import { joinedNames, locatedWords } from '../domain/words.ts';
import { stem } from './stem.ts';
import { isStopWord } from './stop-words.ts';

/** One word of a question, ready to be looked for. */
export interface Term {
  /** As the question has it; letters, digits and marks only. */
  word: string;
  /** The same as words are compared: lower-case, without marks. */
  folded: string;
  /** As the index holds it. */
  stem: string;
  /** How often the question has it, in any form. */
  times: number;
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
  const words = [
    // The index folds and stems by itself what it is asked for.
    ...[...locatedWords(text)].map(({ start, end, word }) => ({ word: text.slice(start, end), folded: word })),
    ...[...joinedNames(text)].map((name) => ({ word: name, folded: name })),
  ];
  const telling = distinct(words.filter(({ folded }) => !isStopWord(folded)));
  return (telling.length > 0 ? telling : distinct(words)).slice(0, MAX_TERMS);
}

function distinct(words: readonly { word: string; folded: string }[]): Term[] {
  const terms = new Map<string, Term>();
  for (const { word, folded } of words) {
    const stemmed = stem(folded);
    const known = terms.get(stemmed);
    if (known === undefined) terms.set(stemmed, { word, folded, stem: stemmed, times: 1 });
    else known.times += 1;
  }
  return [...terms.values()];
}
