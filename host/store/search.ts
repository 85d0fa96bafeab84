import type { Database } from './database.ts';
import { documentCondition, type DocumentFilter } from './document-filter.ts';
import { passesFilter, placedPassages, toFound, type FoundPassage } from './found-passages.ts';
import { searchIndexOf } from './search-index.ts';
import type { SearchIndex } from './search-index.ts';
import { defineStatement } from './statement.ts';
import type { SqlValue } from './statement.ts';
import { VISIBLE_DOCUMENT, VISIBLE_PASSAGE, visibilityFilter, type Visibility } from './visibility.ts';

/** How much a word counts by where it stands. */
export interface SearchWeights {
  title: number;
  headings: number;
  text: number;
  identifiers: number;
}

export interface PassageSearch {
  organisation: string;
  /** An FTS5 expression over the columns of `search-index.ts`. */
  match: string;
  /** Passages outside are neither candidates nor counted. */
  visibility: Visibility;
  /** Nor are those of documents that do not pass this. */
  filter: DocumentFilter;
  weights: SearchWeights;
  /** Only the newest part of the index is looked at: 1 is all of it. */
  share: number;
  /** Passages that are ranked. */
  candidates: number;
  /** The best of them by document: so many of each. */
  perDocument: number;
  /** Passages that are given. */
  limit: number;
}

/** Conditions of a search on the passage of a rowid and, once more, on its document. */
interface Conditions {
  passage: (rowid: string) => string[];
  document: string[];
}

type SearchParams = Record<string, SqlValue>;

const searchStatement = (index: SearchIndex, weights: SearchWeights, { passage, document }: Conditions) =>
  defineStatement<SearchParams, FoundPassage>(
    'passages_fts.search',
    // The index is the organisation's own; the comparison says so again, where a mistake would show. Ordered by bm25() and not
    // by the column rank, which is worked out, and sorted by, for every match before any other condition is looked at.
    `WITH found AS MATERIALIZED (
       SELECT rowid AS id, ${rankingOf(index, weights)} AS rank FROM ${index.entries}
       WHERE ${[`${index.entries} MATCH :match`, ...passage(`${index.entries}.rowid`)].join(' AND ')} ORDER BY 2 LIMIT :candidates),
     ${placedPassages(document)}`,
    toFound,
  );

/** By column of the index; the scope only filters. */
function rankingOf(index: SearchIndex, { title, headings, text, identifiers }: SearchWeights): string {
  return `bm25(${[index.entries, ...[title, headings, text, identifiers, 0].map((weight) => weight.toFixed(3))].join(', ')})`;
}

/** Ids are given in the order of indexing, so that the last ones are the newest. */
const NEWEST = (index: SearchIndex, rowid: string): string =>
  `${rowid} > (SELECT CAST(max(id) - (max(id) - min(id) + 1) * :share AS INTEGER) FROM ${index.sizes})`;

/** What a search is narrowed to, as SQL and words for the index. */
function conditionsOf(
  search: PassageSearch,
  index: SearchIndex,
): Conditions & { params: SearchParams; words: readonly string[] | undefined } {
  const visible = visibilityFilter(search.visibility);
  const filter = documentCondition(search.filter);
  return {
    passage: (rowid) => [
      ...(search.share < 1 ? [NEWEST(index, rowid)] : []),
      ...(visible === undefined ? [] : [VISIBLE_PASSAGE(rowid)]),
      ...(filter === undefined ? [] : [passesFilter(rowid, filter.sql)]),
    ],
    document: [...(visible === undefined ? [] : [VISIBLE_DOCUMENT]), ...(filter === undefined ? [] : [filter.sql])],
    params: {
      ...filter?.params,
      ...(search.share < 1 ? { share: search.share } : {}),
      ...(visible === undefined ? {} : { visible: visible.visible }),
    },
    words: visible?.words,
  };
}

/** The best passages, best first; equal ones in the order of their documents' ids. */
export async function searchPassages(database: Database, search: PassageSearch): Promise<FoundPassage[]> {
  const { organisation, match, weights, candidates, perDocument, limit } = search;
  const index = searchIndexOf(organisation);
  const { words, params, ...conditions } = conditionsOf(search, index);
  const narrowed = words === undefined ? match : `(${match}) AND scope : (${words.map((word) => `"${word}"`).join(' OR ')})`;
  const statement = searchStatement(index, weights, conditions);
  return database.read(statement, { ...params, organisation, match: narrowed, candidates, perDocument, limit });
}
