/**
 * How text becomes words for search, on the way in and on the way out alike: what one side splits
 * and the other does not can never be found.
 */

/** A run of letters, digits, marks and underscores: a word of prose or an identifier of code. */
const WORD = /[\p{L}\p{N}\p{M}\p{Co}_]+/gu;

/** Where a camelCase word breaks: `readFile`, `HTTPServer`, `utf8Decoder`. */
const CAMEL_BREAK = /(?<=[\p{Ll}\p{N}])(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})/u;

const MAX_IDENTIFIER_CHARACTERS = 100;

/**
 * The parts of the identifiers in a text that the index's own tokeniser does not see, joined by
 * spaces: `readFile` gives `read File`; `read_file` gives `readfile`, its parts being words already.
 */
export function identifierWords(text: string): string {
  const words = new Set<string>();
  for (const [word] of text.matchAll(WORD)) {
    if (word.length > MAX_IDENTIFIER_CHARACTERS) continue;
    for (const part of identifierParts(word)) words.add(part);
  }
  return [...words].join(' ');
}

/** The extra words of one identifier; empty for a plain word. */
export function identifierParts(word: string): string[] {
  const pieces = word.split('_').filter((piece) => piece !== '');
  const parts = pieces.flatMap((piece) => {
    const camel = piece.split(CAMEL_BREAK);
    return camel.length > 1 ? camel : [];
  });
  return pieces.length > 1 ? [...parts, pieces.join('')] : parts;
}
