import { RequestError } from '../domain/errors.ts';
import { pauseConnection } from './connection-work.ts';
import { ExpectationError, operation } from './database.ts';
import type { Database, Operation } from './database.ts';
import { purgeGroups } from './groups.ts';
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
const MARK = defineStatement<{ organisation: string; id: string; nowMs: number; returns: number }>(
  'connections.mark-removed',
  `UPDATE connections SET removed_at_ms = :nowMs, returns = :returns, credential = NULL
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

const NEXT_OF_FEATURE = defineStatement<{ id: string; feature: string; limit: number }, { id: number; passages: number }>(
  'documents.next-of-feature-to-purge',
  'SELECT id, passage_count FROM documents WHERE connection_id = :id AND feature = :feature LIMIT :limit',
  (row) => ({ id: row.number('id'), passages: row.number('passage_count') }),
);

// A number that was freed may have been given to a document of another connection meanwhile.
const OF_CONNECTION = `SELECT id FROM documents WHERE id IN (SELECT value FROM json_each(:documents)) AND connection_id = :id`;
const OF_DOCUMENTS = `document_id IN (${OF_CONNECTION})`;

type Piece = { id: string; documents: string };

const PURGE_PASSAGES = defineStatement<Piece>('passages.purge', `DELETE FROM passages WHERE ${OF_DOCUMENTS}`);

const PURGE_DOCUMENTS = defineStatement<Piece>('documents.purge', `DELETE FROM documents WHERE id IN (${OF_CONNECTION})`);

// Everything else that belongs to it is little and goes by ON DELETE CASCADE.
const DELETE = defineStatement<{ id: string }>('connections.delete', 'DELETE FROM connections WHERE id = :id');

const RETURN = defineStatement<{ id: string }>(
  'connections.return',
  'UPDATE connections SET removed_at_ms = NULL, returns = 0 WHERE id = :id',
);

const REMOVED = defineStatement<NoParams, { organisation: string; id: string; returns: boolean }>(
  'connections.removed',
  'SELECT organisation_id, id, returns FROM connections WHERE removed_at_ms IS NOT NULL',
  (row) => ({ organisation: row.text('organisation_id'), id: row.text('id'), returns: row.flag('returns') }),
);

/**
 * Tables of what came from a source with a connection's credential. Every table that belongs to a connection is here or in
 * `KEPT_WITHOUT_CREDENTIAL`; a test sees to it.
 */
export const CONTENT_TABLES = [
  'authorisations',
  'authorisation_attempts',
  'checkpoints',
  'passes',
  'datasource_collections',
  'datasource_metrics',
  'kept_checkpoints',
  'kept_collections',
  'failed_items',
  'feature_purges',
  'webhook_deliveries',
  'webhook_reads',
  'person_accounts',
  'account_emails',
  'principals',
  'source_groups',
  'access_lists',
  'connection_access',
] as const;

/** Tables of what an operator set up, and of what was done: a connection that lost its access keeps them. */
export const KEPT_WITHOUT_CREDENTIAL = ['documents', 'runs', 'schedules', 'connection_work', 'webhooks'] as const;

const DELETE_CONTENTS = CONTENT_TABLES.map((table) =>
  defineStatement<{ id: string }>(`${table}.purge-connection`, `DELETE FROM ${table} WHERE connection_id = :id`),
);

// Runs stay as the history of the connection; what they say of single items does not.
const DELETE_RUN_DETAILS = ['run_problems', 'listed_ids', 'held_ids'].map((table) =>
  defineStatement<{ id: string }>(
    `${table}.purge-connection`,
    `DELETE FROM ${table} WHERE run_id IN (SELECT id FROM runs WHERE connection_id = :id)`,
  ),
);

const COUNTS = defineStatement<{ id: string }, ForgottenContents>(
  'connections.contents',
  `SELECT (SELECT count(*) FROM documents WHERE connection_id = :id) AS documents,
     (SELECT coalesce(sum(passage_count), 0) FROM documents WHERE connection_id = :id) AS passages,
     (SELECT count(*) FROM access_lists WHERE connection_id = :id) AS access_lists`,
  (row) => ({ documents: row.number('documents'), passages: row.number('passages'), accessEntries: row.number('access_lists') }),
);

/** What was deleted. */
export interface ForgottenContents {
  documents: number;
  passages: number;
  /** Lists of who may see something. */
  accessEntries: number;
}

/**
 * Hides a connection at once, then deletes it with its documents, passages, checkpoints, collections,
 * metrics and runs, in pieces that let other writes through. RUN_IN_PROGRESS, UNKNOWN_CONNECTION.
 */
export async function removeConnection(database: Database, organisation: string, id: string, nowMs: number): Promise<void> {
  await mark(database, { organisation, id, nowMs, returns: 0 });
  await purge(database, organisation, id);
}

/** The same of several: all of them, or none when one is refused. */
export async function removeConnections(
  database: Database,
  connections: readonly { organisation: string; id: string }[],
  nowMs: number,
): Promise<void> {
  const marks = connections.map(({ organisation, id }) => operation(MARK, { organisation, id, nowMs, returns: 0 }, { expectChanges: 1 }));
  try {
    await database.write(marks);
  } catch (error) {
    if (!(error instanceof ExpectationError)) throw error;
    throw new RequestError('RUN_IN_PROGRESS', 'One of the connections has a run that is not finished, or was changed meanwhile.', {
      remedy: 'Cancel the runs of all of them first, or wait until they are done.',
      cause: error,
    });
  }
  for (const { organisation, id } of connections) await purge(database, organisation, id);
}

/**
 * Deletes the credential of a connection and all that was read with it, hides it while that goes on, and leaves it paused
 * until it has a credential again. Its settings, schedules and the history of its runs stay. RUN_IN_PROGRESS, UNKNOWN_CONNECTION.
 */
export async function forgetContents(database: Database, organisation: string, id: string, nowMs: number): Promise<ForgottenContents> {
  const counts = await database.readOne(COUNTS, { id });
  await mark(database, { organisation, id, nowMs, returns: 1 });
  await purgeAndReturn(database, organisation, id);
  return counts ?? { documents: 0, passages: 0, accessEntries: 0 };
}

async function mark(database: Database, params: { organisation: string; id: string; nowMs: number; returns: number }): Promise<void> {
  const { organisation, id } = params;
  try {
    await database.write([operation(MARK, params, { expectChanges: 1 })]);
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
}

/** Finishes the removals that an end of the host interrupted. To be called when it starts. */
export async function finishRemovals(database: Database): Promise<void> {
  for (const { organisation, id, returns } of await database.read(REMOVED, {})) {
    await (returns ? purgeAndReturn(database, organisation, id) : purge(database, organisation, id));
  }
}

async function purge(database: Database, organisation: string, id: string): Promise<void> {
  await purgeDocuments(database, organisation, id);
  await database.write([operation(DELETE, { id })]);
}

async function purgeAndReturn(database: Database, organisation: string, id: string): Promise<void> {
  await purgeDocuments(database, organisation, id);
  const reason = 'its access was revoked: authorise it, or set a credential';
  const deletions: Operation[] = [...DELETE_RUN_DETAILS, ...DELETE_CONTENTS].map((statement) => operation(statement, { id }));
  const paused = pauseConnection(id, { by: 'host', cause: 'unauthorized', reason, atMs: Date.now() });
  await database.write([...deletions, paused, operation(RETURN, { id })]);
}

async function purgeDocuments(database: Database, organisation: string, id: string): Promise<void> {
  for (let ids = await nextPiece(database, id); ids.length > 0; ids = await nextPiece(database, id)) {
    await database.write(purgePiece(organisation, id, ids));
  }
  await purgeGroups(database, id);
}

/** Deletes these documents of a connection with their passages and index entries. */
export function purgePiece(organisation: string, id: string, ids: readonly number[]): Operation[] {
  const unindex = unindexPassages<Piece>(organisation, OF_DOCUMENTS);
  const piece = { id, documents: JSON.stringify(ids) };
  return [operation(unindex, piece), operation(PURGE_PASSAGES, piece), operation(PURGE_DOCUMENTS, piece)];
}

/** Documents of a connection, or of one of its features, with as many passages as one transaction should delete; one at least while there are any. */
export async function nextPiece(database: Database, id: string, feature?: string): Promise<number[]> {
  const limit = DOCUMENTS_PER_PURGE;
  const documents =
    feature === undefined
      ? await database.read(NEXT_DOCUMENTS, { id, limit })
      : await database.read(NEXT_OF_FEATURE, { id, feature, limit });
  let passages = 0;
  const piece = documents.filter((document, index) => {
    const fits = index === 0 || passages + document.passages <= PASSAGES_PER_PURGE;
    passages += document.passages;
    return fits;
  });
  return piece.map((document) => document.id);
}
