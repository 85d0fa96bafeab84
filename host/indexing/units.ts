import { estimateTokens } from './tokens.ts';

/** A stretch of text that is not cut any more, and what stands between it and the one before. */
export interface Unit {
  text: string;
  /** Between it and the one before it in the same passage. Empty: it goes on in the middle of a paragraph. */
  gap: '' | '\n' | '\n\n';
  tokens: number;
}

/** Ends of sentences: behind a full stop and white space; behind the full stops of scripts that need no space. */
const SENTENCE_END = /[.!?…]["'”’)\]]{0,3}\s+|[。！？｡]["'”’」』）]{0,3}/g;
/** Words in one unit, of text without sentences: about this share of a passage. */
const WORDS_SHARE = 16;

/** A block as units of at most `target` tokens: itself; else its sentences; its lines; its words; any so many characters. */
export function toUnits(block: string, target: number, gap: Unit['gap']): Unit[] {
  const tokens = estimateWithin(block, target);
  if (tokens <= target) return [{ text: block, gap, tokens }];
  const parts = bySentences(block).flatMap((sentence) =>
    fits(sentence, target) ? [sentence] : byLines(sentence).flatMap((line) => (fits(line, target) ? [line] : byWords(line, target))),
  );
  return parts.map((text, index) => ({ text, gap: index === 0 ? gap : '', tokens: estimateTokens(text) }));
}

/** Lines that stay whole where they can: rows, code. */
export function toLines(lines: readonly string[], target: number, gap: Unit['gap']): Unit[] {
  return lines.flatMap((line, index) => toUnits(line, target, index === 0 ? gap : '\n'));
}

function fits(text: string, target: number): boolean {
  return estimateWithin(text, target) <= target;
}

/** Text shorter than its bound in characters is not counted exactly: a token has hardly ever less than one. */
function estimateWithin(text: string, target: number): number {
  return text.length <= target / 4 ? Math.ceil(text.length / 3) : estimateTokens(text);
}

/** Slices that make up the text. */
function bySentences(text: string): string[] {
  const slices: string[] = [];
  let from = 0;
  for (const match of text.matchAll(SENTENCE_END)) {
    const to = match.index + match[0].length;
    slices.push(text.slice(from, to));
    from = to;
  }
  if (from < text.length) slices.push(text.slice(from));
  return slices;
}

function byLines(text: string): string[] {
  return text.split(/(?<=\n)/);
}

function byWords(text: string, target: number): string[] {
  const slices: string[] = [];
  const enough = Math.max(1, target / WORDS_SHARE);
  let from = 0;
  let tokens = 0;
  for (const match of text.matchAll(/\S+\s*|\s+/g)) {
    const [word] = match;
    const more = estimateTokens(word);
    if (more > enough) {
      if (match.index > from) slices.push(text.slice(from, match.index));
      // A word without end: encoded bytes, or a script without spaces.
      if (more > target) for (const slice of byCharacters(word, target)) slices.push(slice);
      else slices.push(word);
      from = match.index + word.length;
      tokens = 0;
      continue;
    }
    tokens += more;
    if (tokens < enough) continue;
    slices.push(text.slice(from, match.index + word.length));
    from = match.index + word.length;
    tokens = 0;
  }
  if (from < text.length) slices.push(text.slice(from));
  return slices;
}

/** At what ends a word where there is any, and never between the halves of a surrogate pair. */
function byCharacters(text: string, target: number): string[] {
  const most = Math.max(2, Math.floor(target / 2));
  const slices: string[] = [];
  let from = 0;
  while (text.length - from > most) {
    let to = from + most;
    for (let at = to; at > from + most / 2; at -= 1) {
      if (!/[\p{L}\p{N}\p{Cs}]/u.test(text[at] ?? '')) {
        to = at;
        break;
      }
    }
    if (/[\uDC00-\uDFFF]/.test(text[to] ?? '')) to -= 1;
    slices.push(text.slice(from, to));
    from = to;
  }
  slices.push(text.slice(from));
  return slices;
}
