import { NOT_HIDDEN } from './feature-documents.ts';
import type { Columns } from './statement.ts';

/** A passage that was found, with its document. */
export interface FoundPassage {
  id: number;
  /** As the search measures it: greater is better, 0 at least. */
  relevance: number;
  documentId: string;
  datasource: string;
  feature: string;
  connection: string;
  title: string;
  link: string;
  mediaType: string;
  location: string[];
  author: string | undefined;
  createdAtMs: number | undefined;
  updatedAtMs: number | undefined;
  attributes: Record<string, string>;
  /** 0 for the first of its document. */
  position: number;
  headings: string[];
  text: string;
  /** How many candidates there were: fewer than asked for means that there are no more. */
  candidates: number;
}

/**
 * What follows `found (id, rank)`, passages with the negative of their relevance, in a statement whose rows `toFound` reads: the best
 * `:perDocument` of each document of `:organisation`, `:limit` of them. `document`: conditions on the joined table `documents`.
 */
export function placedPassages(document: readonly string[]): string {
  const conditions = [
    'placed.place <= :perDocument',
    'documents.organisation_id = :organisation',
    'connections.removed_at_ms IS NULL',
    NOT_HIDDEN,
  ];
  // Chosen first by what is small: texts are read of those that are given and of no others.
  return `placed AS (
       SELECT passages.id, passages.document_id, passages.position, found.rank,
         row_number() OVER (PARTITION BY passages.document_id ORDER BY found.rank, passages.position) AS place
       FROM found CROSS JOIN passages INDEXED BY passages_access ON passages.id = found.id),
     chosen AS MATERIALIZED (
       SELECT placed.id, placed.rank, placed.position, documents.id AS document_id, documents.public_id, connections.datasource_name
       FROM placed
       CROSS JOIN documents ON documents.id = placed.document_id
       CROSS JOIN connections ON connections.id = documents.connection_id
       WHERE ${[...conditions, ...document].join(' AND ')}
       ORDER BY placed.rank, documents.public_id, placed.position LIMIT :limit)
     SELECT chosen.id, chosen.rank, chosen.public_id, chosen.datasource_name, documents.feature, documents.connection_id,
       documents.title, documents.link, documents.media_type, documents.location, documents.author, documents.created_at_ms,
       documents.updated_at_ms, documents.attributes, chosen.position, passages.headings, passages.text,
       (SELECT count(*) FROM found) AS candidates
     FROM chosen
     CROSS JOIN passages ON passages.id = chosen.id
     CROSS JOIN documents ON documents.id = chosen.document_id
     ORDER BY chosen.rank, chosen.public_id, chosen.position`;
}

/** Whether the document of the passage of a rowid passes a condition on `documents`. */
export function passesFilter(rowid: string, condition: string): string {
  return `EXISTS (SELECT 1 FROM passages CROSS JOIN documents ON documents.id = passages.document_id WHERE passages.id = ${rowid} AND ${condition})`;
}

/** A row of `placedPassages`. */
export function toFound(row: Columns): FoundPassage {
  return {
    id: row.number('id'),
    // The negative, so that the best sorts first.
    relevance: Math.max(0, -row.number('rank')),
    documentId: row.text('public_id'),
    datasource: row.text('datasource_name'),
    feature: row.text('feature'),
    connection: row.text('connection_id'),
    title: row.text('title'),
    link: row.text('link'),
    mediaType: row.text('media_type'),
    location: row.texts('location'),
    author: row.optionalText('author'),
    createdAtMs: row.optionalNumber('created_at_ms'),
    updatedAtMs: row.optionalNumber('updated_at_ms'),
    attributes: textsOf(row.jsonObject('attributes')),
    position: row.number('position'),
    headings: row.texts('headings'),
    text: row.text('text'),
    candidates: row.number('candidates'),
  };
}

function textsOf(attributes: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, String(value)]));
}
