import type { RowReader } from './computation.ts';
import { searchIndexOf, type SearchIndex } from './search-index.ts';
import { defineStatement } from './statement.ts';
import type { WordPlaces } from './word-ranking.ts';

/** A place is sent as one number: the passage times this, and the column. */
const COLUMNS = 8;

/** Of one word: several for each of the passages that a question is ranked over. Passages stuffed with a word have more. */
const MOST_PLACES = 100_000;

const placesStatement = (index: SearchIndex) =>
  defineStatement<{ words: string; most: number }, WordPlaces>(
    'passages_fts.places',
    // One text for each word: a row for each place would take five times as long to hand over.
    `SELECT (SELECT json_group_array(doc * ${COLUMNS} + CASE col WHEN 'text' THEN 2 WHEN 'title' THEN 0 WHEN 'headings' THEN 1
         WHEN 'identifiers' THEN 3 ELSE 4 END)
         FROM (SELECT doc, col FROM ${index.places} WHERE term = word.value LIMIT :most)) AS places
     FROM json_each(:words) AS word`,
    (row) => toPlaces(row.json('places')),
  );

/**
 * The places of words, as `stem` gives them, in their order. FTS5 says where a word stands four times as fast as it says what
 * a passage is worth by it. Undefined when the index has none of a word, or too many.
 */
export function readPlaces(reader: RowReader, organisation: string, words: readonly string[]): WordPlaces[] | undefined {
  const places = reader.read(placesStatement(searchIndexOf(organisation)), { words: JSON.stringify(words), most: MOST_PLACES });
  return places.every(({ passages: { length } }) => length > 0 && length < MOST_PLACES) ? places : undefined;
}

function toPlaces(codes: unknown): WordPlaces {
  if (!Array.isArray(codes)) throw new TypeError('places are a list of numbers');
  const passages = new Float64Array(codes.length);
  const columns = new Uint8Array(codes.length);
  for (const [index, code] of codes.entries()) {
    const passage = Math.floor(Number(code) / COLUMNS);
    passages[index] = passage;
    columns[index] = Number(code) - passage * COLUMNS;
  }
  return { passages, columns };
}
