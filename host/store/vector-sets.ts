import { fingerprintOf, type VectorKind } from '../domain/model-settings.ts';
import { ExpectationError, isUniqueViolation, operation } from './database.ts';
import type { Database } from './database.ts';
import { defineStatement, type Columns, type NoParams } from './statement.ts';

/** Vectors that may be compared with each other, and how far they have come. */
export interface VectorSet extends VectorKind {
  id: number;
  /** Of `fingerprintOf`. */
  fingerprint: string;
  state: 'building' | 'current' | 'retired';
  /** What the model is asked for; undefined: nothing. */
  askedDimensions: number | undefined;
  /** What the model made of one fixed text, of length 1. */
  probe: Float32Array;
  /** Passages up to this id are queued; undefined: all are. */
  filledTo: number | undefined;
  /** Passages that there were when it was begun, as far as they are queued. */
  backlog: number;
  /** Vectors made since it was begun, and what their texts counted. */
  made: number;
  tokens: number;
  /** 0 to 1: the share of sampled passages that were found by their own words; undefined while there are too few. */
  trust: number | undefined;
  /** `made` when that was measured. */
  trustOf: number;
  /** The endpoint is left alone until then. */
  waitUntilMs: number | undefined;
  /** Times in a row that it did not answer as it should. */
  attempts: number;
  /** Why, the last time. */
  fault: string | undefined;
  createdAtMs: number;
  /** When questions began to be answered with it. */
  readyAtMs: number | undefined;
}

const COLUMNS = `id, fingerprint, model, dimensions, asked_dimensions, document_prefix, query_prefix, probe, state, filled_to, backlog, made,
  tokens, trust, trust_of, wait_until_ms, attempts, fault, created_at_ms, ready_at_ms`;

const ALL = defineStatement<NoParams, VectorSet>('vector_sets.all', `SELECT ${COLUMNS} FROM vector_sets ORDER BY id`, toSet);

const RETIRE_BUILDING = defineStatement<NoParams>(
  'vector_sets.retire-building',
  `UPDATE vector_sets SET state = 'retired' WHERE state = 'building'`,
);

const RETIRE_CURRENT = defineStatement<NoParams>(
  'vector_sets.retire-current',
  `UPDATE vector_sets SET state = 'retired' WHERE state = 'current'`,
);

const BEGIN = defineStatement<{
  fingerprint: string;
  model: string;
  dimensions: number;
  askedDimensions: number | null;
  documentPrefix: string;
  queryPrefix: string;
  probe: Uint8Array;
  nowMs: number;
}>(
  'vector_sets.begin',
  `INSERT INTO vector_sets (fingerprint, model, dimensions, asked_dimensions, document_prefix, query_prefix, probe, state, filled_to, created_at_ms)
   VALUES (:fingerprint, :model, :dimensions, :askedDimensions, :documentPrefix, :queryPrefix, :probe, 'building', 0, :nowMs)`,
);

// A passage that is queued twice was indexed in between. Newly indexed ones are queued by whoever indexes them.
const FILL = defineStatement<{ id: number; from: number; limit: number }>(
  'vector_queue.fill',
  `INSERT OR IGNORE INTO vector_queue (set_id, passage_id, backlog)
   SELECT :id, id, 1 FROM passages WHERE id > :from ORDER BY id LIMIT :limit`,
);

const NEXT_FILL = defineStatement<{ from: number; limit: number }, { last: number | undefined; count: number }>(
  'passages.next-to-queue',
  'SELECT max(id) AS last, count(*) AS count FROM (SELECT id FROM passages WHERE id > :from ORDER BY id LIMIT :limit)',
  (row) => ({ last: row.optionalNumber('last'), count: row.number('count') }),
);

const FILLED = defineStatement<{ id: number; from: number; to: number | null; count: number }>(
  'vector_sets.filled',
  'UPDATE vector_sets SET filled_to = :to, backlog = backlog + :count WHERE id = :id AND filled_to = :from',
);

const SWITCH = defineStatement<{ id: number; nowMs: number }>(
  'vector_sets.switch',
  `UPDATE vector_sets SET state = 'current', ready_at_ms = :nowMs
   WHERE id = :id AND state = 'building' AND filled_to IS NULL
     AND NOT EXISTS (SELECT 1 FROM vector_queue WHERE set_id = :id AND backlog = 1 AND fault IS NULL)`,
);

const TRUST = defineStatement<{ id: number; trust: number | null; of: number }>(
  'vector_sets.trust',
  'UPDATE vector_sets SET trust = :trust, trust_of = :of WHERE id = :id',
);

const WAIT = defineStatement<{ id: number; untilMs: number; fault: string }>(
  'vector_sets.wait',
  'UPDATE vector_sets SET wait_until_ms = :untilMs, fault = :fault, attempts = attempts + 1 WHERE id = :id',
);

const WELL = defineStatement<{ id: number }>(
  'vector_sets.well',
  'UPDATE vector_sets SET wait_until_ms = NULL, fault = NULL, attempts = 0 WHERE id = :id AND attempts > 0',
);

const PURGE = ['vectors', 'vector_signs', 'vector_queue'].map((table) =>
  defineStatement<{ id: number; limit: number }>(`${table}.purge-set`, purgeText(table)),
);

const FORGET = defineStatement<{ id: number }>('vector_sets.forget', `DELETE FROM vector_sets WHERE id = :id AND state = 'retired'`);

/** Rows of a set that is no longer used which are deleted in one transaction. */
const ROWS_PER_PURGE = 2_000;

function purgeText(table: string): string {
  if (table === 'vectors') return 'DELETE FROM vectors WHERE id IN (SELECT id FROM vectors WHERE set_id = :id LIMIT :limit)';
  const key = table === 'vector_signs' ? '(organisation_id, passage_id)' : 'passage_id';
  const columns = key.replace(/[()]/g, '');
  return `DELETE FROM ${table} WHERE set_id = :id AND ${key} IN (SELECT ${columns} FROM ${table} WHERE set_id = :id LIMIT :limit)`;
}

/** The oldest first. */
export async function listVectorSets(database: Database): Promise<VectorSet[]> {
  return database.read(ALL, {});
}

export interface NewVectorSet extends VectorKind {
  askedDimensions: number | undefined;
  probe: Float32Array;
}

/** Begins a set that takes the place of whichever is being built; false when another host has begun one at the same moment. */
export async function beginVectorSet(database: Database, set: NewVectorSet, nowMs: number): Promise<boolean> {
  const { model, dimensions, askedDimensions = null, documentPrefix, queryPrefix } = set;
  const row = { model, dimensions, askedDimensions, documentPrefix, queryPrefix, fingerprint: fingerprintOf(set), nowMs };
  try {
    await database.write([operation(RETIRE_BUILDING, {}), operation(BEGIN, { ...row, probe: bytesOf(set.probe) })]);
    return true;
  } catch (error) {
    if (isUniqueViolation(error)) return false;
    throw error;
  }
}

/** Stops building: the set that is current stays. */
export async function abandonBuilding(database: Database): Promise<void> {
  await database.write([operation(RETIRE_BUILDING, {})]);
}

/** Queues up to `limit` passages that were there before the set; whether there may be more. */
export async function fillQueue(database: Database, set: VectorSet, limit: number): Promise<boolean> {
  if (set.filledTo === undefined) return false;
  const from = set.filledTo;
  const { last, count } = (await database.readOne(NEXT_FILL, { from, limit })) ?? { last: undefined, count: 0 };
  const to = last ?? null;
  try {
    await database.write([
      operation(FILLED, { id: set.id, from, to, count }, { expectChanges: 1 }),
      ...(last === undefined ? [] : [operation(FILL, { id: set.id, from, limit })]),
    ]);
  } catch (error) {
    // Another host has queued these.
    if (!(error instanceof ExpectationError)) throw error;
  }
  return last !== undefined;
}

/** Makes a set the current one, if it is complete; what was current is retired in the same transaction. */
export async function switchTo(database: Database, set: VectorSet, nowMs: number): Promise<boolean> {
  try {
    await database.write([operation(RETIRE_CURRENT, {}), operation(SWITCH, { id: set.id, nowMs }, { expectChanges: 1 })]);
    return true;
  } catch (error) {
    if (error instanceof ExpectationError) return false;
    throw error;
  }
}

/** Keeps how far the set can be trusted. */
export async function keepTrust(database: Database, id: number, trust: number | undefined, of: number): Promise<void> {
  await database.write([operation(TRUST, { id, trust: trust ?? null, of })]);
}

/** Leaves the endpoint alone until then. */
export async function waitWith(database: Database, id: number, untilMs: number, fault: string): Promise<void> {
  await database.write([operation(WAIT, { id, untilMs, fault })]);
}

/** The endpoint answers again. */
export async function endWait(database: Database, id: number): Promise<void> {
  await database.write([operation(WELL, { id })]);
}

/** Deletes a piece of a retired set; true when nothing is left of it. */
export async function purgeRetired(database: Database, id: number): Promise<boolean> {
  const piece = { id, limit: ROWS_PER_PURGE };
  const result = await database.write(PURGE.map((statement) => operation(statement, piece)));
  if (PURGE.some((_, index) => result.changes(index) > 0)) return false;
  await database.write([operation(FORGET, { id })]);
  return true;
}

/** As libSQL keeps 32-bit vectors: little-endian, which every machine is that Node.js runs on. */
export function bytesOf(vector: Float32Array): Uint8Array {
  return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
}

function toSet(row: Columns): VectorSet {
  const probe = row.bytes('probe');
  return {
    id: row.number('id'),
    fingerprint: row.text('fingerprint'),
    model: row.text('model'),
    dimensions: row.number('dimensions'),
    askedDimensions: row.optionalNumber('asked_dimensions'),
    documentPrefix: row.text('document_prefix'),
    queryPrefix: row.text('query_prefix'),
    probe: new Float32Array(probe.slice().buffer),
    state: row.oneOf('state', ['building', 'current', 'retired']),
    filledTo: row.optionalNumber('filled_to'),
    backlog: row.number('backlog'),
    made: row.number('made'),
    tokens: row.number('tokens'),
    trust: row.optionalNumber('trust'),
    trustOf: row.number('trust_of'),
    waitUntilMs: row.optionalNumber('wait_until_ms'),
    attempts: row.number('attempts'),
    fault: row.optionalText('fault'),
    createdAtMs: row.number('created_at_ms'),
    readyAtMs: row.optionalNumber('ready_at_ms'),
  };
}
