import { operation } from './database.ts';
import type { Database } from './database.ts';
import { defineStatement } from './statement.ts';

/** When the source of a connection last said who may see what. */
export interface StoredConnectionAccess {
  readAtMs: number | undefined;
  groupsAtMs: number | undefined;
  /** Undefined: as the host is set. */
  maxAgeMs: number | undefined;
  groups: number;
  /** Whether any document's access names groups. */
  namesGroups: boolean;
}

const GET = defineStatement<{ organisation: string; id: string }, StoredConnectionAccess>(
  'connection_access.get',
  `SELECT connection_access.read_at_ms, connection_access.groups_at_ms, connection_access.max_age_ms,
     (SELECT count(*) FROM source_groups WHERE connection_id = connections.id) AS groups,
     EXISTS (SELECT 1 FROM access_lists JOIN documents ON documents.access_id = access_lists.id
       WHERE access_lists.connection_id = connections.id AND access_lists.names_groups) AS names_groups
   FROM connections LEFT JOIN connection_access ON connection_access.connection_id = connections.id
   WHERE connections.id = :id AND connections.organisation_id = :organisation AND connections.removed_at_ms IS NULL`,
  (row) => ({
    readAtMs: row.optionalNumber('read_at_ms'),
    groupsAtMs: row.optionalNumber('groups_at_ms'),
    maxAgeMs: row.optionalNumber('max_age_ms'),
    groups: row.number('groups'),
    namesGroups: row.flag('names_groups'),
  }),
);

const SET_MAX_AGE = defineStatement<{ organisation: string; id: string; maxAgeMs: number | null }>(
  'connection_access.set-max-age',
  `INSERT INTO connection_access (connection_id, max_age_ms)
   SELECT id, :maxAgeMs FROM connections WHERE id = :id AND organisation_id = :organisation AND removed_at_ms IS NULL
   ON CONFLICT DO UPDATE SET max_age_ms = excluded.max_age_ms`,
);

/** Undefined when the organisation has no such connection. */
export async function getConnectionAccess(
  database: Database,
  organisation: string,
  id: string,
): Promise<StoredConnectionAccess | undefined> {
  return database.readOne(GET, { organisation, id });
}

/** How long access of a connection is believed; null: as the host is set. False when the organisation has no such connection. */
export async function setAccessMaxAge(
  database: Database,
  key: { organisation: string; id: string },
  maxAgeMs: number | null,
): Promise<boolean> {
  return (await database.write([operation(SET_MAX_AGE, { ...key, maxAgeMs })])).changes(0) === 1;
}
