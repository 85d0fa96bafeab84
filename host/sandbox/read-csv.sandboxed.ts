/** Runs on the other side of the boundary: separated values (RFC 4180) become a table. */
import type { Reading } from './reading.sandboxed.ts';

const SEPARATORS = [',', ';', '\t', '|'] as const;
/** What is looked at to find the separator. */
const SAMPLE_CHARACTERS = 4_096;

/** `separator` left out: the one that the first lines have most of. */
export function readCsv(reading: Reading, text: string, separator = separatorOf(text)): void {
  const writer = reading.begin();
  writer.beginTable();
  for (const row of rowsOf(text, separator)) {
    writer.row();
    for (const cell of row) {
      writer.cell();
      writer.text(cell);
    }
  }
  writer.endTable();
}

function separatorOf(text: string): string {
  const sample = text.slice(0, SAMPLE_CHARACTERS).replace(/"[^"]*"/g, '');
  const counts = SEPARATORS.map((separator) => ({ separator, count: sample.split(separator).length }));
  return counts.reduce((best, next) => (next.count > best.count ? next : best)).separator;
}

function* rowsOf(text: string, separator: string): Generator<string[]> {
  let row: string[] = [];
  let at = text.startsWith('\uFEFF') ? 1 : 0;
  while (at < text.length) {
    const { cell, end } = cellAt(text, at, separator);
    row.push(cell);
    if (text[end] === separator) {
      at = end + 1;
      continue;
    }
    yield row;
    row = [];
    at = end + (text[end] === '\r' && text[end + 1] === '\n' ? 2 : 1);
  }
  if (row.length > 0) yield row;
}

/** The cell that begins at `at`, and where it ends: at a separator, a line end, or the end of the text. */
function cellAt(text: string, at: number, separator: string): { cell: string; end: number } {
  if (text[at] !== '"') {
    const end = endOfCell(text, at, separator);
    return { cell: text.slice(at, end), end };
  }
  let cell = '';
  for (let from = at + 1; ;) {
    const quote = text.indexOf('"', from);
    // A quote without an end: the rest is one cell.
    if (quote < 0) return { cell: cell + text.slice(from), end: text.length };
    cell += text.slice(from, quote);
    if (text[quote + 1] !== '"') {
      const end = endOfCell(text, quote + 1, separator);
      return { cell: cell + text.slice(quote + 1, end), end };
    }
    cell += '"';
    from = quote + 2;
  }
}

function endOfCell(text: string, from: number, separator: string): number {
  let at = from;
  for (; at < text.length; at += 1) {
    const character = text[at];
    if (character === separator || character === '\n' || character === '\r') break;
  }
  return at;
}
