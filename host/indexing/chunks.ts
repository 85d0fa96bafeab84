/** What is cut at once, in UTF-16 code units: some milliseconds of work, whatever is in it. */
const CHUNK_CHARACTERS = 128 * 1024;

/**
 * A text in stretches, none much longer than another, that end where a paragraph does, else a line, else a word: so that a
 * text without end takes neither the thread nor the memory for long. Most texts are one.
 */
export function* chunksOf(text: string): Generator<string> {
  let from = 0;
  while (text.length - from > 2 * CHUNK_CHARACTERS) {
    const to = from + endIn(text.slice(from, from + 2 * CHUNK_CHARACTERS));
    yield text.slice(from, to);
    from = to;
  }
  yield text.slice(from);
}

function endIn(stretch: string): number {
  for (const ending of ['\n\n', '\n', ' ']) {
    const at = stretch.indexOf(ending, CHUNK_CHARACTERS);
    if (at >= 0) return at + ending.length;
  }
  // Never between the halves of a surrogate pair, nor of a line end.
  return /[\uDC00-\uDFFF\n]/.test(stretch.slice(-1)) ? stretch.length - 2 : stretch.length;
}
