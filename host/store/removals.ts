import { RequestError } from '../domain/errors.ts';
import { ExpectationError, operation } from './database.ts';
import type { Database, Operation } from './database.ts';
import { unindexPassages } from './passages.ts';
import { defineStatement } from './statement.ts';
import type { NoParams } from './statement.ts';

/**
 * Rows purged in one transaction: a connection may have a million, and nothing else can be written
 * while one transaction runs.
 */
const ROWS_PER_PURGE = 1_000;

// The credential goes at once, whatever happens to the rest.
const MARK = defineStatement<{ organisation: string; id: string; nowMs: number }>(
  'connections.mark-removed',
  `UPDATE connections SET removed_at_ms = :nowMs, credential = NULL
   WHERE id = :id AND organisation_id = :organisation AND removed_at_ms IS NULL
     AND NOT EXISTS (SELECT 1 FROM runs WHERE connection_id = :id AND state IN ('queued', 'running', 'parked'))`,
);

const EXISTS = defineStatement<{ organisation: string; id: string }, boolean>(
  'connections.exists',
  'SELECT 1 AS found FROM connections WHERE id = :id AND organisation_id = :organisation AND removed_at_ms IS NULL',
  (row) => row.flag('found'),
);

// The same ones in both statements of a transaction.
const NEXT_PASSAGES = `id IN (
  SELECT passages.id FROM documents JOIN passages ON passages.document_id = documents.id
  WHERE documents.connection_id = :id ORDER BY documents.id, passages.position LIMIT :limit)`;

const PURGE_PASSAGES = defineStatement<{ id: string; limit: number }>(
  'passages.purge',
  `DELETE FROM passages WHERE ${NEXT_PASSAGES}`,
);

const PURGE_DOCUMENTS = defineStatement<{ id: string; limit: number }>(
  'documents.purge',
  `DELETE FROM documents WHERE id IN (SELECT id FROM documents WHERE connection_id = :id LIMIT :limit)`,
);

// Everything else that belongs to it is little and goes by ON DELETE CASCADE.
const DELETE = defineStatement<{ id: string }>('connections.delete', 'DELETE FROM connections WHERE id = :id');

const REMOVED = defineStatement<NoParams, { organisation: string; id: string }>(
  'connections.removed',
  'SELECT organisation_id, id FROM connections WHERE removed_at_ms IS NOT NULL',
  (row) => ({ organisation: row.text('organisation_id'), id: row.text('id') }),
);

/**
 * Hides a connection at once, then deletes it with its documents, passages, checkpoints, collections,
 * metrics and runs, in pieces that let other writes through. RUN_IN_PROGRESS, UNKNOWN_CONNECTION.
 */
export async function removeConnection(database: Database, organisation: string, id: string, nowMs: number): Promise<void> {
  try {
    await database.write([operation(MARK, { organisation, id, nowMs }, { expectChanges: 1 })]);
  } catch (error) {
    if (!(error instanceof ExpectationError)) throw error;
    const found = await database.readOne(EXISTS, { organisation, id });
    throw found === true
      ? new RequestError('RUN_IN_PROGRESS', `The connection ${id} has a run that is not finished.`, {
          remedy: 'Cancel it first, or wait until it is done.',
          cause: error,
        })
      : new RequestError('UNKNOWN_CONNECTION', `There is no connection "${id}".`, { cause: error });
  }
  await purge(database, organisation, id);
}

/** Finishes the removals that an end of the host interrupted. To be called when it starts. */
export async function finishRemovals(database: Database): Promise<void> {
  for (const { organisation, id } of await database.read(REMOVED, {})) await purge(database, organisation, id);
}

async function purge(database: Database, organisation: string, id: string): Promise<void> {
  const limited = { id, limit: ROWS_PER_PURGE };
  const unindex = unindexPassages<typeof limited>(organisation, NEXT_PASSAGES);
  await repeat(database, [operation(unindex, limited), operation(PURGE_PASSAGES, limited)]);
  await repeat(database, [operation(PURGE_DOCUMENTS, limited)]);
  await database.write([operation(DELETE, { id })]);
}

/** Until the last of the operations finds less than a full piece. */
async function repeat(database: Database, operations: readonly Operation[]): Promise<void> {
  let purged: number;
  do {
    const written = await database.write(operations);
    purged = written.changes(operations.length - 1);
  } while (purged === ROWS_PER_PURGE);
}
