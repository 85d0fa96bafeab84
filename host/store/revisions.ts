import { RequestError } from '../domain/errors.ts';
import { ExpectationError, operation } from './database.ts';
import type { Database } from './database.ts';
import { defineStatement } from './statement.ts';

// Changes nothing: it is there to be counted.
const GUARD = defineStatement<{ id: string; organisation: string; revision: number }>(
  'connections.if-revision',
  'UPDATE connections SET revision = revision WHERE id = :id AND organisation_id = :organisation AND revision = :revision',
);

/**
 * The database whose writes happen only while the connection has this revision: CHANGED_MEANWHILE otherwise, decided in the
 * transaction of the write. Any revision will do when it is undefined.
 */
export function ifRevision(database: Database, connection: { organisation: string; id: string }, revision: number | undefined): Database {
  if (revision === undefined) return database;
  const { organisation, id } = connection;
  return {
    ...database,
    async write(operations) {
      try {
        const written = await database.write([operation(GUARD, { organisation, id, revision }, { expectChanges: 1 }), ...operations]);
        return { changes: (index) => written.changes(index + 1), rows: (index, statement) => written.rows(index + 1, statement) };
      } catch (error) {
        if (!(error instanceof ExpectationError) || error.statement !== GUARD.name) throw error;
        throw new RequestError('CHANGED_MEANWHILE', `The connection ${id} has been changed since revision ${revision}.`, {
          remedy: 'Read it again, and decide by what it is now.',
          cause: error,
        });
      }
    },
  };
}
