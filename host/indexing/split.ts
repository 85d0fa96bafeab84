import type { Passage } from '../domain/document.ts';

/**
 * Cuts text into passages by its structure: markdown by headings, everything by paragraphs, long
 * paragraphs by lines and then by length. Deterministic: the same text gives the same passages.
 */

/** About 400 words: long enough to answer, short enough to cite. */
const TARGET_CHARACTERS = 2_400;
/** What a question can find. */
const WORD = /[\p{L}\p{N}]/u;
/** A heading's own text below this joins what follows it. */
const MIN_CHARACTERS = 240;

interface Section {
  headings: string[];
  lines: string[];
}

/** The passages of a text, in order; none for text without a word in it. */
export function splitText(text: string, mediaType: string): Passage[] {
  const normal = text.replace(/\r\n?/g, '\n').replaceAll('\0', '\uFFFD');
  const sections = isMarkdown(mediaType) ? markdownSections(normal) : [{ headings: [], lines: normal.split('\n') }];
  const passages: Passage[] = [];
  for (const section of joinSmall(sections)) {
    for (const piece of pieces(section.lines)) {
      if (WORD.test(piece)) passages.push({ position: passages.length, headings: section.headings, text: piece });
    }
  }
  return passages;
}

function isMarkdown(mediaType: string): boolean {
  return /^text\/(markdown|x-markdown)\b/i.test(mediaType);
}

/** ATX headings outside fenced code (CommonMark 0.31, sections 4.2 and 4.5). */
function markdownSections(text: string): Section[] {
  const sections: Section[] = [{ headings: [], lines: [] }];
  const path: string[] = [];
  let fence: string | undefined;
  for (const line of text.split('\n')) {
    fence = fenceAfter(line, fence);
    const heading = fence === undefined ? headingOf(line) : undefined;
    if (heading === undefined) {
      sections.at(-1)?.lines.push(line);
      continue;
    }
    path.length = Math.min(path.length, heading.depth - 1);
    path.push(heading.text);
    sections.push({ headings: [...path], lines: [] });
  }
  return sections;
}

/** The fence that is open after a line; `before` is the one that was open. */
function fenceAfter(line: string, before: string | undefined): string | undefined {
  const [, marker, info = ''] = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line) ?? [];
  if (marker === undefined) return before;
  if (before !== undefined) return marker.startsWith(before) && info.trim() === '' ? undefined : before;
  // Backticks after backticks are code within a line.
  return marker.startsWith('`') && info.includes('`') ? undefined : marker;
}

/** Without regular expressions where a line may be long: two spans of spaces in one would take quadratic time. */
function headingOf(line: string): { depth: number; text: string } | undefined {
  const [all, hashes] = /^ {0,3}(#{1,6})(?=[ \t])/.exec(line) ?? [];
  if (all === undefined || hashes === undefined) return undefined;
  const text = line.slice(all.length).trim();
  let end = text.length;
  while (text[end - 1] === '#') end -= 1;
  const closed = end === 0 || text[end - 1] === ' ' || text[end - 1] === '\t';
  return { depth: hashes.length, text: closed ? text.slice(0, end).trimEnd() : text };
}

interface JoinedSection extends Section {
  /** Of the text, without white space around lines. */
  length: number;
  /** It is made of headings that nothing lies below. */
  bare: boolean;
}

/**
 * A section with hardly any text of its own goes with the one below it, when that one lies inside it. Headings that
 * nothing lies below are a text of their own, those under the same heading together.
 */
function joinSmall(sections: Section[]): JoinedSection[] {
  const joined: JoinedSection[] = [];
  for (const [index, section] of sections.entries()) {
    const before = joined.at(-1);
    const length = section.lines.reduce((sum, line) => sum + line.trim().length, 0);
    if (before !== undefined && !before.bare && isInside(section, before) && before.length < MIN_CHARACTERS && before.length > 0) {
      const heading = section.headings.slice(before.headings.length).join(' — ');
      before.lines.push('', heading);
      for (const line of section.lines) before.lines.push(line);
      // At least one, so that a long row of empty headings comes to an end.
      before.length += heading.length + length + 1;
    } else if (isBare(section, sections[index + 1])) {
      const headings = section.headings.slice(0, -1);
      const [heading = ''] = section.headings.slice(-1);
      if (before?.bare === true && before.headings.join('\n') === headings.join('\n')) before.lines.push(heading);
      else joined.push({ headings, lines: [heading], length, bare: true });
    } else {
      joined.push({ headings: section.headings, lines: [...section.lines], length, bare: false });
    }
  }
  return joined;
}

function isBare(section: Section, next: Section | undefined): boolean {
  return !section.lines.some((line) => WORD.test(line)) && !(next !== undefined && isInside(next, section));
}

function isInside(section: Section, outer: Section): boolean {
  return section.headings.length > outer.headings.length && outer.headings.every((heading, depth) => section.headings[depth] === heading);
}

/** Whole paragraphs up to the target; one that is longer is cut at lines, then at any place. */
function pieces(lines: string[]): string[] {
  const found: string[] = [];
  let current = '';
  const flush = (): void => {
    if (current.trim() !== '') found.push(current.trim());
    current = '';
  };
  for (const paragraph of lines.join('\n').split(/\n[ \t]*\n/)) {
    if (current.length + paragraph.length > TARGET_CHARACTERS) flush();
    for (const part of paragraph.length > TARGET_CHARACTERS ? cutLong(paragraph) : [paragraph]) {
      if (current.length + part.length > TARGET_CHARACTERS) flush();
      current += current === '' ? part : `\n\n${part}`;
    }
  }
  flush();
  return found;
}

function cutLong(paragraph: string): string[] {
  const parts: string[] = [];
  let current = '';
  for (const line of paragraph.split('\n')) {
    if (current !== '' && current.length + line.length > TARGET_CHARACTERS) {
      parts.push(current);
      current = '';
    }
    if (line.length <= TARGET_CHARACTERS) {
      current += current === '' ? line : `\n${line}`;
      continue;
    }
    parts.push(...cutLine(line));
  }
  if (current !== '') parts.push(current);
  return parts;
}

function cutLine(line: string): string[] {
  const parts: string[] = [];
  let rest = line;
  while (rest.length > TARGET_CHARACTERS) {
    const at = placeToCut(rest);
    parts.push(rest.slice(0, at));
    rest = rest.slice(at);
  }
  parts.push(rest);
  return parts;
}

/** Before white space in the second half of the target, else before anything that ends a word, else anywhere. */
function placeToCut(text: string): number {
  for (const ending of [/\s/, /[^\p{L}\p{N}\p{Cs}]/u]) {
    for (let at = TARGET_CHARACTERS; at > TARGET_CHARACTERS / 2; at -= 1) {
      if (ending.test(text[at] ?? '')) return at;
    }
  }
  // Never between the halves of a surrogate pair.
  return /[\uDC00-\uDFFF]/.test(text[TARGET_CHARACTERS] ?? '') ? TARGET_CHARACTERS - 1 : TARGET_CHARACTERS;
}
