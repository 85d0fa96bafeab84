import { toAccessList, type AccessList } from '../domain/access.ts';
import { internAccessLists, spreadAccess } from './access-lists.ts';
import { operation } from './database.ts';
import type { Database, Operation } from './database.ts';
import { defineStatement } from './statement.ts';
import { toStoredAccess } from './stored-access.ts';

/** A document that was indexed before there were access lists. */
interface Unlisted {
  id: number;
  organisation: string;
  connection: string;
  text: string;
  list: AccessList;
}

const UNLISTED = defineStatement<{ limit: number }, Unlisted>(
  'documents.without-access-list',
  'SELECT id, organisation_id, connection_id, access FROM documents WHERE access_id IS NULL LIMIT :limit',
  (row) => ({
    id: row.number('id'),
    organisation: row.text('organisation_id'),
    connection: row.text('connection_id'),
    text: row.text('access'),
    list: toAccessList(toStoredAccess(row.json('access'))),
  }),
);

// [id, key, access]: a document that was written meanwhile has its list already.
const SET = defineStatement<{ connection: string; documents: string }>(
  'documents.set-access-list',
  `UPDATE documents SET access_id = (SELECT access_lists.id FROM access_lists WHERE connection_id = :connection AND key = given.value ->> 1)
   FROM json_each(:documents) AS given
   WHERE documents.id = given.value ->> 0 AND documents.access_id IS NULL AND documents.access = given.value ->> 2`,
);

/** Few enough for other writes to come in between. */
const DOCUMENTS_PER_PIECE = 200;

/**
 * Gives the documents of an older database their access lists, a piece at a time, until all have one or `signal` aborts.
 * Several hosts may do so at once. Until it has come to a document, only those who see everything find it.
 */
export async function healAccess(database: Database, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const documents = await database.read(UNLISTED, { limit: DOCUMENTS_PER_PIECE });
    if (documents.length === 0) return;
    const pieces = [...Map.groupBy(documents, ({ connection }) => connection).values()];
    for (const piece of pieces) await database.write(heal(piece));
  }
}

function heal(documents: readonly Unlisted[]): Operation[] {
  const [first] = documents;
  if (first === undefined) return [];
  const { organisation, connection } = first;
  const given = JSON.stringify(documents.map(({ id, list, text }) => [id, list.key, text]));
  const ids = JSON.stringify(documents.map(({ id }) => id));
  return [
    ...internAccessLists(
      { organisation, connection },
      documents.map(({ list }) => list),
    ),
    operation(SET, { connection, documents: given }),
    ...spreadAccess(organisation, 'documents.id IN (SELECT value FROM json_each(:ids))', { ids }),
  ];
}
