import { RequestError } from '../domain/errors.ts';
import { ExpectationError, operation } from './database.ts';
import type { Database } from './database.ts';
import { unindexPassages } from './passages.ts';
import { defineStatement } from './statement.ts';
import type { NoParams } from './statement.ts';

/**
 * Passages deleted in one transaction, about: a connection may have a million, and nothing else can
 * be written while one transaction runs.
 */
const PASSAGES_PER_PURGE = 1_000;

/** Documents looked at for one transaction; many may have hardly any passages. */
const DOCUMENTS_PER_PURGE = 1_000;

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

const NEXT_DOCUMENTS = defineStatement<{ id: string; limit: number }, { id: number; passages: number }>(
  'documents.next-to-purge',
  'SELECT id, passage_count FROM documents WHERE connection_id = :id LIMIT :limit',
  (row) => ({ id: row.number('id'), passages: row.number('passage_count') }),
);

const OF_DOCUMENTS = 'document_id IN (SELECT value FROM json_each(:documents))';

const PURGE_PASSAGES = defineStatement<{ documents: string }>('passages.purge', `DELETE FROM passages WHERE ${OF_DOCUMENTS}`);

const PURGE_DOCUMENTS = defineStatement<{ documents: string }>(
  'documents.purge',
  'DELETE FROM documents WHERE id IN (SELECT value FROM json_each(:documents))',
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
  const unindex = unindexPassages<{ documents: string }>(organisation, OF_DOCUMENTS);
  for (let ids = await nextPiece(database, id); ids.length > 0; ids = await nextPiece(database, id)) {
    const piece = { documents: JSON.stringify(ids) };
    await database.write([operation(unindex, piece), operation(PURGE_PASSAGES, piece), operation(PURGE_DOCUMENTS, piece)]);
  }
  await database.write([operation(DELETE, { id })]);
}

/** Documents with as many passages as one transaction should delete; one at least while there are any. */
async function nextPiece(database: Database, id: string): Promise<number[]> {
  const documents = await database.read(NEXT_DOCUMENTS, { id, limit: DOCUMENTS_PER_PURGE });
  let passages = 0;
  const piece = documents.filter((document, index) => {
    const fits = index === 0 || passages + document.passages <= PASSAGES_PER_PURGE;
    passages += document.passages;
    return fits;
  });
  return piece.map((document) => document.id);
}
