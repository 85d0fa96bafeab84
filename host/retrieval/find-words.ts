import { DIGIT, GAP, kindAt, LOWER, OTHER, UPPER } from '../domain/character-kind.ts';
import { foldWord, locatedWords } from '../domain/words.ts';
import { stem } from './stem.ts';

/** A word of the question where a text has it. */
export interface FoundWord {
  /** Place of the word among those looked for. */
  term: number;
  /** How many words of the text stand before it. */
  place: number;
  /** [start, end) in UTF-16 code units. */
  start: number;
  end: number;
  /** In the very form of the question, not in another one of the same stem. */
  exact: boolean;
}

/** Words to look for, made once for all texts. */
export interface WantedWords {
  readonly terms: ReadonlyMap<string, number>;
  readonly forms: readonly string[];
  /** The first two letters of each: hardly any other word begins like one of them. */
  readonly beginnings: ReadonlySet<number>;
  /** What words of texts that were looked at before are, -1 for none of these: texts that answer a question share their words, and stemming one is most of the work. */
  readonly met: Map<string, number>;
}

/** In `WantedWords.met`. */
const NONE = -1;

/** `terms` by their stem; `folded` is the form in the question, as `foldWord` gives it. */
export function wantedWords(terms: readonly { stem: string; folded: string }[]): WantedWords {
  return {
    terms: new Map(terms.map((term, index) => [term.stem, index])),
    forms: terms.map((term) => term.folded),
    beginnings: new Set(terms.map((term) => beginningOf(term.stem.charCodeAt(0), term.stem.length > 1 ? term.stem.charCodeAt(1) : 0))),
    met: new Map(),
  };
}

/**
 * Every place where a text has one of the words, in order, and how many words the text has. Steps
 * through the characters of plain words, which is most of the work of a retrieval: a regular expression takes three
 * times as long. Words with other letters go the way of `locatedWords`.
 */
export function findWords(text: string, wanted: WantedWords): { found: FoundWord[]; words: number } {
  const found: FoundWord[] = [];
  let words = 0;
  let at = 0;
  const add = (start: number, end: number, folded: string): void => {
    const term = termOf(folded, wanted);
    if (term !== NONE) found.push({ term, place: words, start, end, exact: wanted.forms[term] === folded });
  };
  while (at < text.length) {
    const start = at;
    let kind = kindAt(text, at);
    if (kind === GAP) {
      at += 1;
      continue;
    }
    // Where parts of the word begin: behind a small letter or a digit, and before the last capital of several.
    let parts: number[] | undefined;
    let special = false;
    let before: number = GAP;
    for (; at < text.length; at += 1) {
      kind = kindAt(text, at);
      if (kind === GAP) break;
      if (kind === OTHER) special = true;
      else if (kind === UPPER && (before === LOWER || before === DIGIT)) (parts ??= []).push(at);
      else if (kind === LOWER && before === UPPER && at - start > 1 && kindAt(text, at - 2) === UPPER) (parts ??= []).push(at - 1);
      before = kind;
    }
    if (special) {
      words += addSpecial(text.slice(start, at), start, add);
      continue;
    }
    if (mayBegin(text, start, at, wanted)) add(start, at, text.slice(start, at).toLowerCase());
    if (parts !== undefined && at - start <= MAX_NAME_CHARACTERS) {
      for (const [index, from] of [start, ...parts].entries()) {
        const end = parts[index] ?? at;
        if (mayBegin(text, from, end, wanted)) add(from, end, text.slice(from, end).toLowerCase());
        words += 1;
      }
    } else words += 1;
  }
  return { found, words };
}

function termOf(folded: string, { met, terms }: WantedWords): number {
  const known = met.get(folded);
  if (known !== undefined) return known;
  const term = terms.get(stem(folded)) ?? NONE;
  met.set(folded, term);
  return term;
}

/** As in domain/words.ts: longer runs are no names. */
const MAX_NAME_CHARACTERS = 100;

/** Every word of a run that holds more than ASCII; gives how many words it has. */
function addSpecial(run: string, offset: number, add: (start: number, end: number, folded: string) => void): number {
  let count = 0;
  for (const { start, end, word } of locatedWords(run)) {
    add(offset + start, offset + end, word);
    count += 1;
  }
  return count;
}

function mayBegin(text: string, start: number, end: number, { beginnings }: WantedWords): boolean {
  return beginnings.has(beginningOf(lower(text.charCodeAt(start)), end - start > 1 ? lower(text.charCodeAt(start + 1)) : 0));
}

function lower(code: number): number {
  return code >= 65 && code <= 90 ? code + 32 : code;
}

const [LETTER_I, LETTER_Y] = [105, 121];

/** What stemming never changes of a word: its first two characters, but for a `y` that becomes `i`; a single one stands alone. */
function beginningOf(first: number, second: number): number {
  return first * 65_536 + (second === LETTER_Y ? LETTER_I : second);
}

/** The words of a text, folded, with every part of a name: for comparing texts with each other. */
export function foldedWords(text: string): string[] {
  return foldWord(text).match(/[\p{L}\p{N}]+/gu) ?? [];
}
