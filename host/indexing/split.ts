import type { Passage } from '../domain/document.ts';

/**
 * Cuts text into passages by its structure: markdown by headings, everything by paragraphs, long
 * paragraphs by lines and then by length. Deterministic: the same text gives the same passages.
 */

/** About 400 words: long enough to answer, short enough to cite. */
const TARGET_CHARACTERS = 2_400;
/** A heading's own text below this joins what follows it. */
const MIN_CHARACTERS = 240;
const MAX_HEADING_DEPTH = 6;

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
      if (/[\p{L}\p{N}]/u.test(piece)) passages.push({ position: passages.length, headings: section.headings, text: piece });
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
    const marker = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (marker !== undefined) {
      if (fence === undefined) fence = marker;
      else if (marker.startsWith(fence)) fence = undefined;
    }
    const heading = fence === undefined ? /^ {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*$/.exec(line) : null;
    if (heading === null) {
      sections.at(-1)?.lines.push(line);
      continue;
    }
    const depth = Math.min(heading[1]?.length ?? 1, MAX_HEADING_DEPTH);
    path.length = Math.min(path.length, depth - 1);
    path.push(heading[2] ?? '');
    sections.push({ headings: [...path], lines: [] });
  }
  return sections;
}

/** A section with hardly any text of its own goes with the one below it, when that one lies inside it. */
function joinSmall(sections: Section[]): Section[] {
  const joined: Section[] = [];
  for (const section of sections) {
    const before = joined.at(-1);
    const inside = before !== undefined && before.headings.every((heading, depth) => section.headings[depth] === heading);
    if (before !== undefined && inside && lengthOf(before) < MIN_CHARACTERS && lengthOf(before) > 0) {
      const heading = section.headings.slice(before.headings.length).join(' — ');
      before.lines.push('', heading, ...section.lines);
    } else {
      joined.push({ headings: section.headings, lines: [...section.lines] });
    }
  }
  return joined;
}

function lengthOf(section: Section): number {
  return section.lines.reduce((sum, line) => sum + line.trim().length, 0);
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

/** At spaces where there are any; never between the halves of a surrogate pair. */
function cutLine(line: string): string[] {
  const parts: string[] = [];
  let rest = line;
  while (rest.length > TARGET_CHARACTERS) {
    const space = rest.lastIndexOf(' ', TARGET_CHARACTERS);
    let at = space > TARGET_CHARACTERS / 2 ? space : TARGET_CHARACTERS;
    if (/[\uD800-\uDBFF]/.test(rest[at - 1] ?? '')) at -= 1;
    parts.push(rest.slice(0, at));
    rest = rest.slice(at);
  }
  parts.push(rest);
  return parts;
}
