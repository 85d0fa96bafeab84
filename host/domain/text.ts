/** Whether text can be stored and comes back as it was: without NUL, and without half of a surrogate pair. */
export function isStorableText(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}

/** The text with a replacement character for whatever could not be stored. */
export function toStorableText(text: string): string {
  return text.replaceAll('\0', '\uFFFD').toWellFormed();
}

/** What terminals act upon: control characters, and what turns the direction of a line around. */
// oxlint-disable-next-line no-control-regex -- control characters are what must go
const ACTED_UPON = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+/g;

/** Text from a stranger in one line that cannot write to a terminal. */
export function toOneLine(text: string): string {
  return text.replaceAll(ACTED_UPON, ' ').trim();
}

/** The same from the other side of the boundary, cut: what it gives can be stored, printed and logged. */
export function toShortLine(text: string, maxCharacters: number): string {
  return toOneLine(text.slice(0, maxCharacters)).toWellFormed();
}

/** The same for text that has lines: newlines and tabs stay. Only what has been through `toOneLine` cannot begin a line of its own. */
export function toPlainLines(text: string): string {
  return text.replaceAll(ACTED_UPON, (run) => run.replaceAll(/[^\n\t]+/g, ' '));
}

/** JSON that says the same and that no terminal acts upon: `JSON.stringify` escapes the first 32 characters, but not those of C1, nor what turns a line around. */
export function toPrintableJson(json: string): string {
  return json.replaceAll(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
