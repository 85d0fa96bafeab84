import type { AccessList } from '../domain/access.ts';
import { operation } from './database.ts';
import type { Operation } from './database.ts';
import { INDEXED_COLUMNS, searchIndexOf } from './search-index.ts';
import { internPrincipals, SAME_PRINCIPAL, toPrincipalRow, type PrincipalHome } from './principals.ts';
import { ACCESS_WORD_OF_KEY } from './search-scope.ts';
import { defineStatement } from './statement.ts';
import type { SqlParams } from './statement.ts';

const INSERT = defineStatement<{ organisation: string; connection: string; lists: string }>(
  'access_lists.insert',
  `INSERT INTO access_lists (organisation_id, connection_id, key, kind, sets, names_groups)
   SELECT :organisation, :connection, value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(:lists) WHERE true
   ON CONFLICT DO NOTHING`,
);

// [key, position, kind, name, connection]. What a key stands for never changes, so a list that is there already is complete.
const INSERT_PRINCIPALS = defineStatement<{ organisation: string; connection: string; principals: string }>(
  'access_list_principals.insert',
  `INSERT INTO access_list_principals (principal_id, list_id, position)
   SELECT principals.id, access_lists.id, entry.value ->> 1 FROM json_each(:principals) AS entry
   CROSS JOIN access_lists ON access_lists.connection_id = :connection AND access_lists.key = entry.value ->> 0
   CROSS JOIN principals ON ${SAME_PRINCIPAL({
     organisation: ':organisation',
     kind: 'entry.value ->> 2',
     name: 'entry.value ->> 3',
     connection: 'entry.value ->> 4',
   })}
   WHERE true ON CONFLICT DO NOTHING`,
);

/** Where the list of a document is found: the columns of an `UPDATE` or `INSERT` with these parameters. */
export const ACCESS_ID = '(SELECT id FROM access_lists WHERE connection_id = :connection AND key = :accessKey)';

/** Gives these access lists rows of their own where they have none. Before the documents that have them. */
export function internAccessLists({ organisation, connection }: PrincipalHome, lists: readonly AccessList[]): Operation[] {
  const distinct = [...new Map(lists.map((list) => [list.key, list])).values()];
  if (distinct.length === 0) return [];
  const principals = distinct.flatMap(({ key, sets }) =>
    sets.flatMap((set, position) => set.map((principal) => [key, position, ...toPrincipalRow(principal, connection)] as const)),
  );
  const rows = distinct.map(({ key, kind, sets, namesGroups }) => [key, kind, sets.length, namesGroups ? 1 : 0]);
  const insert = operation(INSERT, { organisation, connection, lists: JSON.stringify(rows) });
  if (principals.length === 0) return [insert];
  return [
    insert,
    internPrincipals(
      { organisation, connection },
      principals.map(([, , ...row]) => row),
    ),
    operation(INSERT_PRINCIPALS, { organisation, connection, principals: JSON.stringify(principals) }),
  ];
}

/** Passages whose document has another access list than they have; more conditions may follow. */
const DIFFERENT = `passages JOIN documents ON documents.id = passages.document_id JOIN access_lists ON access_lists.id = documents.access_id
  LEFT JOIN access_lists AS before ON before.id = passages.access_id
  WHERE passages.access_id IS NOT documents.access_id`;

/** The scope of such a passage as it should be: the word of the old list gives way to that of the new one. */
const NEW_SCOPE = `CASE WHEN before.id IS NULL THEN passages.scope || ' ' || ${ACCESS_WORD_OF_KEY('access_lists.key')}
  ELSE replace(passages.scope, ${ACCESS_WORD_OF_KEY('before.key')}, ${ACCESS_WORD_OF_KEY('access_lists.key')}) END`;

/**
 * Takes the access of documents over to their passages and index entries, of the documents that `condition` finds. An entry
 * is keyed by the text that it was made of, so it is taken out with the old scope and put in with the new one.
 */
export function spreadAccess<Params extends SqlParams<Params>>(organisation: string, condition: string, params: Params): Operation[] {
  const { entries } = searchIndexOf(organisation);
  const text = INDEXED_COLUMNS.split(', ').map((column) => (column === 'scope' ? NEW_SCOPE : `passages.${column}`));
  const unindex = defineStatement<Params>(
    'passages_fts.delete-for-access',
    `INSERT INTO ${entries} (${entries}, rowid, ${INDEXED_COLUMNS})
     SELECT 'delete', passages.id, ${INDEXED_COLUMNS.replaceAll(/\w+/g, 'passages.$&')} FROM ${DIFFERENT} AND ${condition}`,
  );
  const index = defineStatement<Params>(
    'passages_fts.insert-for-access',
    `INSERT INTO ${entries} (rowid, ${INDEXED_COLUMNS}) SELECT passages.id, ${text.join(', ')} FROM ${DIFFERENT} AND ${condition}`,
  );
  const update = defineStatement<Params>(
    'passages.update-access',
    `UPDATE passages SET access_id = changed.access_id, scope = changed.scope FROM (
       SELECT passages.id, documents.access_id, ${NEW_SCOPE} AS scope FROM ${DIFFERENT} AND ${condition}) AS changed
     WHERE passages.id = changed.id`,
  );
  return [operation(unindex, params), operation(index, params), operation(update, params)];
}

/** `spreadAccess` for documents of one feature; nothing happens to those whose access is as it was. */
export function spreadAccessOf(
  { organisation, connection, feature }: PrincipalHome & { feature: string },
  sourceIds: readonly string[],
): Operation[] {
  if (sourceIds.length === 0) return [];
  const condition = `documents.connection_id = :connection AND documents.feature = :feature
    AND documents.source_id IN (SELECT value FROM json_each(:sourceIds))`;
  return spreadAccess(organisation, condition, { connection, feature, sourceIds: JSON.stringify(sourceIds) });
}

const READ = defineStatement<{ connection: string; nowMs: number }>(
  'connection_access.set-read',
  `INSERT INTO connection_access (connection_id, read_at_ms) VALUES (:connection, :nowMs)
   ON CONFLICT DO UPDATE SET read_at_ms = excluded.read_at_ms`,
);

/** Says that the source was read at `nowMs`, and so what its documents say of access was true. */
export function confirmRead(connection: string, nowMs: number): Operation {
  return operation(READ, { connection, nowMs });
}
