import type { RowReader } from './computation.ts';
import { placedPassages, toFound, type FoundPassage } from './found-passages.ts';
import { narrowingOf, type Narrowed } from './narrowing.ts';
import { searchIndexOf, type SearchIndex } from './search-index.ts';
import { defineStatement, type SqlValue } from './statement.ts';
import { varints } from './varints.ts';
import type { RankedPassage } from './word-ranking.ts';

type Params = Record<string, SqlValue>;

const lengthsStatement = (index: SearchIndex, conditions: readonly string[]) =>
  defineStatement<Params, [id: number, length: number][]>(
    'passages_fts.lengths',
    `SELECT json_group_array(json_array(sizes.id, hex(sizes.sz))) AS lengths
     FROM json_each(:passages) AS passage CROSS JOIN ${index.sizes} AS sizes ON sizes.id = passage.value
     ${conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`}`,
    (row) => toLengths(row.json('lengths')),
  );

/** Words of those of the passages that a search is about, all columns together, by id. */
export function lengthsOfPassages(reader: RowReader, narrowed: Narrowed, passages: readonly number[]): [id: number, length: number][] {
  const { passage, params } = narrowingOf(narrowed);
  const statement = lengthsStatement(searchIndexOf(narrowed.organisation), passage('sizes.id'));
  return reader.read(statement, { ...params, passages: JSON.stringify(passages) }).flat();
}

const placedStatement = (document: readonly string[]) =>
  defineStatement<Params, FoundPassage>(
    'passages.ranked',
    `WITH found AS MATERIALIZED (SELECT value ->> 0 AS id, value ->> 1 AS rank FROM json_each(:ranked)), ${placedPassages(document)}`,
    toFound,
  );

/** Rows of `toFound`: passages that were ranked, with their documents, best first; equal ones in the order of their documents' ids. */
export function placeRanked(
  reader: RowReader,
  narrowed: Narrowed,
  ranked: readonly RankedPassage[],
  { perDocument, limit }: { perDocument: number; limit: number },
): unknown[] {
  const { document, params } = narrowingOf(narrowed);
  return reader.rows(placedStatement(document), {
    ...params,
    organisation: narrowed.organisation,
    ranked: JSON.stringify(ranked.map(({ id, relevance }) => [id, -relevance])),
    perDocument,
    limit,
  });
}

function toLengths(pairs: unknown): [id: number, length: number][] {
  if (!Array.isArray(pairs)) throw new TypeError('lengths are a list of pairs');
  return pairs.map((pair: unknown) => {
    if (!Array.isArray(pair)) throw new TypeError('a length is a pair');
    return [Number(pair[0]), varints(Buffer.from(String(pair[1]), 'hex')).reduce((sum, words) => sum + words, 0)];
  });
}
