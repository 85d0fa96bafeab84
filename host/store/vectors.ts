import type { Database } from './database.ts';
import { placedPassages, toFound, type FoundPassage } from './found-passages.ts';
import { narrowingOf, type Narrowed } from './narrowing.ts';
import { defineStatement, type SqlValue } from './statement.ts';
import { bytesOf, type VectorSet } from './vector-sets.ts';

export interface VectorSearch extends Narrowed {
  set: Pick<VectorSet, 'id' | 'dimensions'>;
  /** Of the set's model, of length 1. */
  vector: Float32Array;
  /** Passages that are compared exactly. */
  candidates: number;
  /** The best of them by document: so many of each. */
  perDocument: number;
  /** Passages that are given. */
  limit: number;
}

type SearchParams = Record<string, SqlValue>;

/** With fewer numbers to a vector their signs say too little to choose candidates by. */
const LEAST_SIGNS = 256;

/** Of the passages that are compared so many are placed by document at first, for each that is given: placing takes longer than comparing. */
const PLACED = 2;

/**
 * The passages whose vectors point the most in the same direction, nearest first; `relevance` is the cosine. Every vector of the
 * organisation that may be seen is looked at, by its signs, and the nearest by these are compared in full.
 */
export async function searchVectors(database: Database, search: VectorSearch): Promise<FoundPassage[]> {
  const { candidates, limit } = search;
  const placed = Math.min(candidates, limit * PLACED);
  const found = await nearest(database, search, placed);
  const isAll = found.length >= limit || placed === candidates || (found[0]?.candidates ?? placed) < placed;
  // A few long documents filled the list, or a connection that is being removed did: look further down.
  return isAll ? found : nearest(database, search, candidates);
}

async function nearest(database: Database, search: VectorSearch, placed: number): Promise<FoundPassage[]> {
  const { organisation, set, vector, candidates, perDocument, limit } = search;
  const { document, params, ...narrowing } = narrowingOf(search);
  const passage = narrowing.passage('vector_signs.passage_id');
  const isChosenBySigns = set.dimensions >= LEAST_SIGNS;
  const near = isChosenBySigns ? bySigns(passage) : allVectors(passage);
  const statement = defineStatement<SearchParams, FoundPassage>(
    'vectors.search',
    // Cosine of the signs counts those that differ. The question comes from a table of one row, so that it is converted once.
    `WITH ${near},
     found AS MATERIALIZED (
       SELECT near.id, vector_distance_cos(vectors.value, question.value) - 1 AS rank
       FROM (SELECT vector8(:vector) AS value) AS question CROSS JOIN near
       CROSS JOIN vectors ON vectors.passage_id = near.id AND vectors.set_id = :set
       ORDER BY 2 LIMIT :placed),
     ${placedPassages(document)}`,
    toFound,
  );
  const question = {
    organisation,
    set: set.id,
    vector: bytesOf(vector),
    perDocument,
    limit,
    placed,
    ...(isChosenBySigns ? { candidates } : {}),
  };
  return database.read(statement, { ...params, ...question });
}

function bySigns(conditions: readonly string[]): string {
  return `near AS MATERIALIZED (
       SELECT vector_signs.passage_id AS id
       FROM (SELECT vector1bit(:vector) AS value) AS question CROSS JOIN vector_signs
       WHERE ${['vector_signs.set_id = :set', 'vector_signs.organisation_id = :organisation', ...conditions].join(' AND ')}
       ORDER BY vector_distance_cos(vector_signs.signs, question.value) LIMIT :candidates)`;
}

function allVectors(conditions: readonly string[]): string {
  return `near AS NOT MATERIALIZED (
       SELECT vector_signs.passage_id AS id FROM vector_signs
       WHERE ${['vector_signs.set_id = :set', 'vector_signs.organisation_id = :organisation', ...conditions].join(' AND ')})`;
}

const SAMPLE = defineStatement<{ set: number; limit: number }, SampledPassage>(
  'vectors.sample',
  `SELECT passages.id, vectors.organisation_id, passages.text FROM vectors JOIN passages ON passages.id = vectors.passage_id
   WHERE vectors.id IN (SELECT id FROM vectors WHERE set_id = :set ORDER BY (id * 2654435761) % 4294967296 LIMIT :limit)`,
  (row) => ({ id: row.number('id'), organisation: row.text('organisation_id'), text: row.text('text') }),
);

export interface SampledPassage {
  id: number;
  organisation: string;
  text: string;
}

/** Some passages of a set, from all over it. */
export async function sampleVectors(database: Database, set: number, limit: number): Promise<SampledPassage[]> {
  return database.read(SAMPLE, { set, limit });
}
