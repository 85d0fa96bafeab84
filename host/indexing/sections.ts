import { estimateTokens } from './tokens.ts';

/** Text under its headings, outermost first. */
export interface Section {
  headings: string[];
  lines: string[];
}

/** What a question can find. */
const WORD = /[\p{L}\p{N}]/u;
/** A heading's own text below this joins what follows it; sections below this one after the other are one. */
const SMALL_SHARE = 4;

export function hasWord(text: string): boolean {
  return WORD.test(text);
}

/** ATX and setext headings outside fenced code (CommonMark 0.31, sections 4.2, 4.3 and 4.5), of one text in stretches. */
export class Outline {
  /** What the next line stands under. Levels may be left out: two headings of the third are never one below the other. */
  #path: Heading[] = [];
  #fence: string | undefined;

  sections(chunk: string): Section[] {
    const sections: Section[] = [{ headings: this.#headings(), lines: [] }];
    for (const line of chunk.split('\n')) {
      this.#fence = fenceAfter(line, this.#fence);
      const lines = sections.at(-1)?.lines ?? [];
      const heading = this.#fence === undefined ? (headingOf(line) ?? underlined(line, lines)) : undefined;
      if (heading === undefined) {
        lines.push(line);
        continue;
      }
      if (heading.isAbove) lines.pop();
      this.#path = [...this.#path.filter(({ depth }) => depth < heading.depth), heading];
      sections.push({ headings: this.#headings(), lines: [] });
    }
    return sections;
  }

  #headings(): string[] {
    return this.#path.map(({ text }) => text);
  }
}

interface Heading {
  depth: number;
  text: string;
  /** It is the line before, and this one only marks it. */
  isAbove: boolean;
}

/** The fence that is open after a line; `before` is the one that was open. */
export function fenceAfter(line: string, before: string | undefined): string | undefined {
  const [, marker, info = ''] = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line) ?? [];
  if (marker === undefined) return before;
  if (before !== undefined) return marker.startsWith(before) && info.trim() === '' ? undefined : before;
  // Backticks after backticks are code within a line.
  return marker.startsWith('`') && info.includes('`') ? undefined : marker;
}

/** Without regular expressions where a line may be long: two spans of spaces in one would take quadratic time. */
function headingOf(line: string): Heading | undefined {
  const [all, hashes] = /^ {0,3}(#{1,6})(?=[ \t])/.exec(line) ?? [];
  if (all === undefined || hashes === undefined) return undefined;
  const text = line.slice(all.length).trim();
  let end = text.length;
  while (text[end - 1] === '#') end -= 1;
  const closed = end === 0 || text[end - 1] === ' ' || text[end - 1] === '\t';
  return { depth: hashes.length, text: closed ? text.slice(0, end).trimEnd() : text, isAbove: false };
}

/** The line above, when this one makes it a heading: of a paragraph of its own, or what ends front matter would be one. */
function underlined(line: string, before: readonly string[]): Heading | undefined {
  if (!/^(?:={2,200}|-{2,200})$/.test(line)) return undefined;
  const [first, above = ''] = before.slice(-2).length === 2 ? before.slice(-2) : ['', before.at(-1)];
  if (first?.trim() !== '' || above.length > 200 || !hasWord(above) || /^(?: {4}|\t|\s*[-*+>|]|\s*\d+[.)] )/.test(above)) return undefined;
  return { depth: line.startsWith('=') ? 1 : 2, text: above.trim(), isAbove: true };
}

interface JoinedSection extends Section {
  tokens: number;
  /** It is made of headings that nothing lies below. */
  bare: boolean;
  /** It is made of small sections alone. */
  small: boolean;
}

/**
 * A section with hardly any text of its own goes with the one below it, when that one lies inside it; small sections one
 * after the other under the same heading go together, as remarks in a discussion do. Headings that nothing lies below are a
 * text of their own, those under the same heading together.
 */
export function joinSmall(sections: Section[], target: number): Section[] {
  const joined: JoinedSection[] = [];
  const small = target / SMALL_SHARE;
  for (const [index, section] of sections.entries()) {
    const before = joined.at(-1);
    const tokens = section.lines.reduce((sum, line) => sum + estimateTokens(line), 0);
    if (before !== undefined && isInside(section, before) && !before.bare && before.tokens > 0 && before.tokens < small / 2) {
      append(before, section, tokens, section.headings.slice(before.headings.length));
      before.small = before.tokens < small;
    } else if (isBare(section, sections[index + 1])) {
      const headings = section.headings.slice(0, -1);
      const [heading = ''] = section.headings.slice(-1);
      if (before?.bare === true && isSame(before.headings, headings)) before.lines.push(heading);
      else joined.push({ headings, lines: [heading], tokens, bare: true, small: false });
    } else if (before !== undefined && before.small && tokens < small && before.tokens + tokens <= target && areSiblings(before, section)) {
      append(before, section, tokens, section.headings.slice(-1));
    } else {
      joined.push({ headings: section.headings, lines: [...section.lines], tokens, bare: false, small: tokens > 0 && tokens < small });
    }
  }
  return joined;
}

/** The headings of what joins stand in the text. */
function append(before: JoinedSection, section: Section, tokens: number, headings: string[]): void {
  if (before.headings.length === section.headings.length) {
    const [own = ''] = before.headings.slice(-1);
    before.lines.unshift(own);
    before.headings = before.headings.slice(0, -1);
  }
  const heading = headings.join(' — ');
  before.lines.push('', heading);
  for (const line of section.lines) before.lines.push(line);
  // At least one, so that a long row of empty headings comes to an end.
  before.tokens += estimateTokens(heading) + tokens + 1;
}

/** The same heading above them, whether `before` is one section or some that were joined. */
function areSiblings(before: Section, section: Section): boolean {
  const parent = section.headings.slice(0, -1);
  return section.headings.length > 0 && before.headings.length > 0
    ? isSame(before.headings, parent) || isSame(before.headings.slice(0, -1), parent)
    : parent.length === 0 && before.headings.length === 0 && section.headings.length > 0;
}

function isBare(section: Section, next: Section | undefined): boolean {
  return !section.lines.some(hasWord) && !(next !== undefined && isInside(next, section));
}

function isInside(section: Section, outer: Section): boolean {
  return section.headings.length > outer.headings.length && outer.headings.every((heading, depth) => section.headings[depth] === heading);
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((heading, depth) => heading === other[depth]);
}
