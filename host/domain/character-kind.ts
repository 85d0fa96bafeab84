/** What a character is to words: nothing of one, a small letter, a capital, a digit, or something beyond ASCII that only its properties tell. */
export const [GAP, LOWER, UPPER, DIGIT, OTHER] = [0, 1, 2, 3, 4] as const;

const KIND = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  if (/[a-z]/.test(character)) return LOWER;
  if (/[A-Z]/.test(character)) return UPPER;
  return /\d/.test(character) ? DIGIT : GAP;
});

/** Of the UTF-16 code unit at a place. Texts are stepped through with it: a regular expression takes three to five times as long. */
export function kindAt(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code < 128 ? (KIND[code] ?? OTHER) : OTHER;
}
