/** Runs on the other side of the boundary, in the process that compiles: changes to a text by where they stand in it. */

/** `text` in place of what stands from `start` to `end`; an insertion where both are the same. Edits do not overlap. */
export interface Edit {
  start: number;
  end: number;
  text: string;
}

export function insert(at: number, text: string): Edit {
  return { start: at, end: at, text };
}

/** The text from `start` to `end` with those edits that lie within. */
export function edited(code: string, edits: readonly Edit[], start: number, end: number): string {
  let out = '';
  let at = start;
  const within = edits.filter((edit) => start <= edit.start && edit.end <= end).toSorted((a, b) => a.start - b.start || a.end - b.end);
  for (const edit of within) {
    if (edit.start < at) throw new Error('edits of generated code overlap');
    out += code.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return out + code.slice(at, end);
}
