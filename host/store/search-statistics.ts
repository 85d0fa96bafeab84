import type { Database } from './database.ts';
import { searchIndexOf } from './search-index.ts';
import type { SearchIndex } from './search-index.ts';
import { defineStatement } from './statement.ts';
import type { NoParams } from './statement.ts';

/** How much an organisation's index holds. */
export interface SearchTotals {
  passages: number;
  /** Of title and text of a passage, on average. */
  averageWords: number;
}

const frequencyStatement = (index: SearchIndex) =>
  defineStatement<{ words: string }, [word: string, passages: number]>(
    'passages_words.frequencies',
    `SELECT term, doc FROM ${index.words} WHERE term IN (SELECT value FROM json_each(:words))`,
    (row) => [row.text('term'), row.number('doc')],
  );

// Row 1 has the number of entries, then the words of each column in all of them: what bm25 uses, at no cost.
const totalStatement = (index: SearchIndex) =>
  defineStatement<NoParams, number[]>('passages_fts.totals', `SELECT block FROM ${index.totals} WHERE id = 1`, (row) =>
    varints(row.bytes('block')),
  );

/** In how many passages of an organisation each word stands; words as the index stems them. Words of none are not in the map. */
export async function passageFrequencies(database: Database, organisation: string, words: readonly string[]): Promise<Map<string, number>> {
  if (words.length === 0) return new Map();
  return new Map(await database.read(frequencyStatement(searchIndexOf(organisation)), { words: JSON.stringify(words) }));
}

/** Of an organisation's index. */
export async function searchTotals(database: Database, organisation: string): Promise<SearchTotals> {
  const [passages = 0, title = 0, , text = 0] = (await database.readOne(totalStatement(searchIndexOf(organisation)), {})) ?? [];
  return { passages, averageWords: passages === 0 ? 0 : (title + text) / passages };
}

/** SQLite's variable-length integers: seven bits a byte, the high bit says that more follow. Ours never need the ninth byte. */
function varints(block: Uint8Array): number[] {
  const values: number[] = [];
  let value = 0;
  for (const byte of block) {
    value = value * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    values.push(value);
    value = 0;
  }
  return values;
}
