import type { WeighedQuestion } from './closeness.ts';
import { findWords, type FoundWord } from './find-words.ts';

/** Where something stands in a text: [start, end) in UTF-16 code units. */
type TextRange = [start: number, end: number];

/** The part of a passage that answers, with the places of the question's words in it. */
export interface Snippet {
  snippet: string;
  highlights: TextRange[];
}

/** The words that are marked, and how much each of them tells. */
export type SnippetWords = Pick<WeighedQuestion, 'terms' | 'wanted'>;

type Match = Pick<FoundWord, 'start' | 'end' | 'term'>;

/** About three lines on a screen. */
const MAX_SNIPPET_CHARACTERS = 320;

/** Passages are far shorter; this bounds the work for one that is not. */
const MAX_TEXT_CHARACTERS = 50_000;

/** How far before the first match a sentence may begin for the snippet to begin with it. */
const MAX_LEAD_CHARACTERS = 120;

const ELLIPSIS = '…';

/**
 * The stretch of a text that holds the most telling words, cut at words, with `…` where it was cut.
 * Without a match it is the beginning of the text.
 */
export function makeSnippet(text: string, words: SnippetWords): Snippet {
  const whole = text.slice(0, MAX_TEXT_CHARACTERS);
  const matches = findWords(whole, words.wanted).found;
  const [start, end] = bounds(whole, bestStretch(matches, words));
  const before = start > 0 ? ELLIPSIS : '';
  const after = end < text.length ? ELLIPSIS : '';
  const inside = matches.filter((match) => match.start >= start && match.end <= end);
  return {
    snippet: before + text.slice(start, end) + after,
    highlights: merged(inside.map((match) => [match.start - start + before.length, match.end - start + before.length])),
  };
}

/** From the first to the last match of the stretch whose distinct words tell the most; the earliest of equals. */
function bestStretch(matches: readonly Match[], { terms }: SnippetWords): TextRange {
  let best: TextRange = [0, 0];
  let bestWeight = 0;
  let last = 0;
  const inside = new Map<number, number>();
  for (const [first, match] of matches.entries()) {
    for (let next = matches[last]; next !== undefined && next.end - match.start <= MAX_SNIPPET_CHARACTERS; next = matches[last]) {
      inside.set(next.term, (inside.get(next.term) ?? 0) + 1);
      last += 1;
    }
    const weight = [...inside].reduce((sum, [term, count]) => (count > 0 ? sum + (terms[term]?.weight ?? 0) : sum), 0);
    const final = matches[last - 1];
    if (weight > bestWeight && final !== undefined && last > first) {
      bestWeight = weight;
      best = [match.start, final.end];
    }
    inside.set(match.term, Math.max(0, (inside.get(match.term) ?? 0) - 1));
    last = Math.max(last, first + 1);
  }
  return best;
}

/** Widens a stretch to the length of a snippet: from the beginning of its sentence where that is near, to the end of a word. */
function bounds(text: string, [first, last]: TextRange): TextRange {
  if (text.length <= MAX_SNIPPET_CHARACTERS) return [0, text.length];
  const room = Math.max(0, MAX_SNIPPET_CHARACTERS - (last - first));
  const lead = Math.min(first, room, MAX_LEAD_CHARACTERS);
  const start = startNear(text, first - lead, first);
  const end = endNear(text, last, Math.min(text.length, start + Math.max(MAX_SNIPPET_CHARACTERS, last - start)));
  return [start, end];
}

/** The first beginning of a sentence from `from` on, else of a word; `until` when there is none. */
function startNear(text: string, from: number, until: number): number {
  if (from <= 0) return 0;
  const lead = text.slice(from - 1, until);
  const sentence = /[.!?][)"'\]]?\s+(?=\S)/.exec(lead);
  if (sentence !== null) return from - 1 + sentence.index + sentence[0].length;
  const word = /\s(?=\S)/.exec(lead);
  return word === null ? until : from - 1 + word.index + word[0].length;
}

/** The last end of a word up to `to`, but never before `from`. */
function endNear(text: string, from: number, to: number): number {
  if (to >= text.length) return text.length;
  const tail = text.slice(from, to + 1);
  const cut = tail.search(/\s+\S*$/);
  if (cut >= 0) return from + cut;
  // One word without end: cut it, but not through a surrogate pair.
  return /[\ud800-\udbff]/.test(text[to - 1] ?? '') ? to - 1 : to;
}

/** Ranges in order, with those that touch or overlap made one. */
function merged(ranges: readonly TextRange[]): TextRange[] {
  const result: TextRange[] = [];
  for (const [start, end] of ranges.toSorted((a, b) => a[0] - b[0] || a[1] - b[1])) {
    const last = result.at(-1);
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end);
    else result.push([start, end]);
  }
  return result;
}
