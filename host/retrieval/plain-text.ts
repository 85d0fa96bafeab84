import { structureOf } from '../domain/media-type.ts';

/** Markdown's marks, without what they mark; each pattern looks at one line and takes linear time. */
const MARKS: readonly (readonly [RegExp, string])[] = [
  // A fence of code and the language behind it.
  [/^[ \t]*(?:`{3,}|~{3,})[^\n]*$/gm, ''],
  [/^[ \t]{0,3}#{1,6}[ \t]+/gm, ''],
  [/^[ \t]{0,3}(?:>[ \t]?)+/gm, ''],
  // Links and pictures: their text. Neither part may hold a bracket, so that no match is tried twice.
  [/!?\[([^[\]\n]{0,500})\]\([^()\s]{0,2000}(?:[ \t]+"[^"\n]{0,500}")?\)/g, '$1'],
  // Emphasis; a star between spaces is none.
  [/(?<!\*)\*{1,3}(?=[^\s*])|(?<=[^\s*])\*{1,3}(?!\*)/g, ''],
  [/`+/g, ''],
];

/** A passage as a person reads it: on one line, and without marks when it is markdown. */
export function plainText(text: string, mediaType: string): string {
  // What is read out of files of other types is markdown too.
  const unmarked =
    (structureOf(mediaType) ?? 'markdown') === 'markdown'
      ? MARKS.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), text)
      : text;
  return unmarked.replace(/\s+/g, ' ').trim();
}
