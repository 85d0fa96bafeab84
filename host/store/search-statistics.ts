import type { Database } from './database.ts';
import { searchIndexOf } from './search-index.ts';
import type { SearchIndex } from './search-index.ts';
import { defineStatement } from './statement.ts';
import type { Columns, NoParams } from './statement.ts';
import { varints } from './varints.ts';

/** How much an organisation's index holds. */
export interface SearchTotals {
  passages: number;
  /** Of title and text of a passage, on average. */
  averageWords: number;
  /** The same of all that is indexed of it: what bm25 holds a passage's length against. */
  averageLength: number;
  /** Another one after each change of the index. */
  generation: string;
}

/**
 * Passages that are counted of one word. FTS5 keeps no counts: every passage that has a word is stepped over to count it, and
 * a word that stands everywhere would cost more to count than all others to search.
 */
const MAX_COUNTED = 2_000;

/** What is counted: the name that it is answered by, and an FTS5 expression. */
export type Counted = readonly [name: string, expression: string];

interface Sample {
  name: string;
  /** At most `MAX_COUNTED`. */
  counted: number;
  /** The share of the index's ids that had to be looked at to count so many. */
  share: number;
}

const frequencyStatement = (index: SearchIndex) =>
  defineStatement<{ words: string; most: number }, Sample>(
    'passages_fts.frequencies',
    `WITH ids AS MATERIALIZED (SELECT min(id) AS first, max(id) AS last FROM ${index.sizes}),
     samples AS MATERIALIZED (
       SELECT word.value ->> 0 AS name, (SELECT json_array(count(*), max(id)) FROM (
         SELECT rowid AS id FROM ${index.entries} WHERE ${index.entries} MATCH word.value ->> 1 LIMIT :most)) AS sample
       FROM json_each(:words) AS word)
     SELECT name, sample ->> 0 AS counted, coalesce(((sample ->> 1) - first + 1.0) / (last - first + 1), 1.0) AS share FROM samples, ids`,
    (row) => ({ name: row.text('name'), counted: row.number('counted'), share: row.number('share') }),
  );

// Row 1 has the number of entries, then the words of each column in all of them: what bm25 uses, at no cost. Row 10 has the parts
// that the index is made of and counts what was written.
const totalStatement = (index: SearchIndex) =>
  defineStatement<NoParams, SearchTotals>(
    'passages_fts.totals',
    `SELECT totals.block AS totals, parts.block AS parts FROM ${index.totals} AS totals, ${index.totals} AS parts
     WHERE totals.id = 1 AND parts.id = 10`,
    toTotals,
  );

/**
 * In how many passages of an organisation each expression is found, by its name. Beyond 2,000 it is an estimate: as many again as in
 * the part of the index that was counted.
 */
export async function passageFrequencies(
  database: Database,
  organisation: string,
  counted: readonly Counted[],
): Promise<Map<string, number>> {
  if (counted.length === 0) return new Map();
  const params = { words: JSON.stringify(counted), most: MAX_COUNTED };
  const samples = await database.read(frequencyStatement(searchIndexOf(organisation)), params);
  return new Map(samples.map((sample) => [sample.name, estimateOf(sample)]));
}

function estimateOf({ counted, share }: Sample): number {
  return counted < MAX_COUNTED || share <= 0 ? counted : Math.max(counted, Math.round(counted / share));
}

/** Of an organisation's index. */
export async function searchTotals(database: Database, organisation: string): Promise<SearchTotals> {
  const totals = await database.readOne(totalStatement(searchIndexOf(organisation)), {});
  return totals ?? { passages: 0, averageWords: 0, averageLength: 0, generation: '' };
}

function toTotals(row: Columns): SearchTotals {
  const block = row.bytes('totals');
  const [passages = 0, ...words] = varints(block);
  const [title = 0, , text = 0] = words;
  const perPassage = (count: number): number => (passages === 0 ? 0 : count / passages);
  const generation = Buffer.concat([block, row.bytes('parts')]).toString('latin1');
  return {
    passages,
    averageWords: perPassage(title + text),
    averageLength: perPassage(words.reduce((sum, count) => sum + count, 0)),
    generation,
  };
}

/** Organisations, and words of each, whose frequencies are kept: some megabytes at most. */
const MAX_ORGANISATIONS = 50;
const MAX_WORDS = 5_000;

/**
 * Frequencies that this host has counted, until the index changes. Questions share their frequent words, which cost most to count;
 * whoever counts again comes to the same.
 */
export class KnownFrequencies {
  readonly #counts = new Map<string, { generation: string; byExpression: Map<string, number> }>();

  /** Of an organisation's index as it is in this generation: to be read and added to, by expression. */
  of(organisation: string, generation: string): Map<string, number> {
    const found = this.#counts.get(organisation);
    const isGood = found?.generation === generation && found.byExpression.size < MAX_WORDS;
    const counts = isGood ? found : { generation, byExpression: new Map<string, number>() };
    this.#counts.delete(organisation);
    this.#counts.set(organisation, counts);
    const [oldest] = this.#counts.keys();
    if (this.#counts.size > MAX_ORGANISATIONS && oldest !== undefined) this.#counts.delete(oldest);
    return counts.byExpression;
  }
}
