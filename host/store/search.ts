import type { Database } from './database.ts';
import { searchIndexOf } from './search-index.ts';
import type { SearchIndex } from './search-index.ts';
import { defineStatement } from './statement.ts';
import type { Columns, NoParams, SqlParams } from './statement.ts';
import { VISIBLE_DOCUMENT, VISIBLE_PASSAGE, visibilityFilter, type Visibility } from './visibility.ts';

/** How much a word counts by where it stands. */
interface SearchWeights {
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
  weights: SearchWeights;
  /** Passages that are ranked before the best of each document is taken. */
  candidates: number;
  /** Documents wanted. */
  limit: number;
}

/** The best passage of a document that matches. */
export interface FoundPassage {
  /** bm25: greater is better, 0 at least. */
  relevance: number;
  documentId: string;
  datasource: string;
  feature: string;
  connection: string;
  title: string;
  link: string;
  mediaType: string;
  author: string | undefined;
  updatedAtMs: number | undefined;
  headings: string[];
  text: string;
  /** How many candidates there were: fewer than asked for means that there are no more. */
  candidates: number;
}

type SearchParams = { organisation: string; match: string; candidates: number; limit: number };

/** In a search that leaves something out. */
const RESTRICTED = { passage: (rowid: string): string => `AND ${VISIBLE_PASSAGE(rowid)}`, document: `AND ${VISIBLE_DOCUMENT}` };
const UNRESTRICTED = { passage: (): string => '', document: '' };

const searchStatement = <Params extends SqlParams<Params>>(index: SearchIndex, weights: SearchWeights, only: typeof RESTRICTED) =>
  defineStatement<Params, FoundPassage>(
    'passages_fts.search',
    // The index is the organisation's own; the comparison says so again, where a mistake would show. Ordered by bm25() and not
    // by the column rank, which is worked out, and sorted by, for every match before any other condition is looked at.
    `WITH found AS MATERIALIZED (
       SELECT rowid AS id, ${rankingOf(index, weights)} AS rank FROM ${index.entries}
       WHERE ${index.entries} MATCH :match ${only.passage(`${index.entries}.rowid`)} ORDER BY 2 LIMIT :candidates),
     placed AS (
       SELECT passages.id, passages.document_id, found.rank,
         row_number() OVER (PARTITION BY passages.document_id ORDER BY found.rank, passages.position) AS place
       FROM found CROSS JOIN passages INDEXED BY passages_access ON passages.id = found.id)
     SELECT placed.rank, documents.public_id, connections.datasource_name, documents.feature, documents.connection_id,
       documents.title, documents.link, documents.media_type, documents.author, documents.updated_at_ms,
       passages.headings, passages.text, (SELECT count(*) FROM found) AS candidates
     FROM placed
     JOIN passages ON passages.id = placed.id
     JOIN documents ON documents.id = placed.document_id
     JOIN connections ON connections.id = documents.connection_id
     WHERE placed.place = 1 AND documents.organisation_id = :organisation AND connections.removed_at_ms IS NULL ${only.document}
     ORDER BY placed.rank, documents.public_id LIMIT :limit`,
    toFound,
  );

/** By column of the index; the scope only filters. */
function rankingOf(index: SearchIndex, { title, headings, text, identifiers }: SearchWeights): string {
  return `bm25(${[index.entries, ...[title, headings, text, identifiers, 0].map((weight) => weight.toFixed(3))].join(', ')})`;
}

const frequencyStatement = (index: SearchIndex) =>
  defineStatement<{ words: string }, [word: string, passages: number]>(
    'passages_words.frequencies',
    `SELECT term, doc FROM ${index.words} WHERE term IN (SELECT value FROM json_each(:words))`,
    (row) => [row.text('term'), row.number('doc')],
  );

// Row 1 begins with the number of entries: the count that bm25 uses, at no cost.
const totalStatement = (index: SearchIndex) =>
  defineStatement<NoParams, number>('passages_fts.totals', `SELECT block FROM ${index.totals} WHERE id = 1`, (row) =>
    firstVarint(row.bytes('block')),
  );

/** The best passages of the best documents, best first; equal ones in the order of their ids. */
export async function searchPassages(database: Database, search: PassageSearch): Promise<FoundPassage[]> {
  const { organisation, match, visibility, weights, candidates, limit } = search;
  const index = searchIndexOf(organisation);
  const filter = visibilityFilter(visibility);
  const params = { organisation, match, candidates, limit };
  if (filter === undefined) return database.read(searchStatement<SearchParams>(index, weights, UNRESTRICTED), params);
  const { words, visible } = filter;
  const narrowed = words === undefined ? match : `(${match}) AND scope : (${words.map((word) => `"${word}"`).join(' OR ')})`;
  const statement = searchStatement<SearchParams & { visible: string }>(index, weights, RESTRICTED);
  return database.read(statement, { ...params, match: narrowed, visible });
}

/** In how many passages of an organisation each word stands; words as the index stems them. Words of none are not in the map. */
export async function passageFrequencies(database: Database, organisation: string, words: readonly string[]): Promise<Map<string, number>> {
  return new Map(await database.read(frequencyStatement(searchIndexOf(organisation)), { words: JSON.stringify(words) }));
}

/** Passages of an organisation. */
export async function countPassages(database: Database, organisation: string): Promise<number> {
  return (await database.readOne(totalStatement(searchIndexOf(organisation)), {})) ?? 0;
}

/** SQLite's variable-length integer: seven bits a byte, the high bit says that more follow. */
function firstVarint(block: Uint8Array): number {
  let value = 0;
  for (const byte of block.subarray(0, 8)) {
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) return value;
  }
  return value;
}

function toFound(row: Columns): FoundPassage {
  return {
    // FTS5 gives the negative, so that the best sorts first.
    relevance: Math.max(0, -row.number('rank')),
    documentId: row.text('public_id'),
    datasource: row.text('datasource_name'),
    feature: row.text('feature'),
    connection: row.text('connection_id'),
    title: row.text('title'),
    link: row.text('link'),
    mediaType: row.text('media_type'),
    author: row.optionalText('author'),
    updatedAtMs: row.optionalNumber('updated_at_ms'),
    headings: row.texts('headings'),
    text: row.text('text'),
    candidates: row.number('candidates'),
  };
}
