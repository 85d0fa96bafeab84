import type { Principal } from '../domain/document.ts';
import type { Database } from './database.ts';
import { defineStatement } from './statement.ts';
import { HELD } from './visibility.ts';

/** What a person is to the sources, through groups of any depth. */
export interface HeldPrincipal extends Principal {
  /** Of an account or a group. */
  connection: string | undefined;
}

const HELD_BY = defineStatement<{ organisation: string; person: string }, HeldPrincipal>(
  'principals.held',
  `WITH RECURSIVE ${HELD} SELECT principals.kind, principals.name, principals.connection_id FROM held JOIN principals ON principals.id = held.id`,
  (row) => ({
    kind: row.oneOf('kind', ['account', 'email', 'group', 'domain']),
    id: row.text('name'),
    connection: row.optionalText('connection_id'),
  }),
);

const FRESH_GROUPS = defineStatement<{ organisation: string; nowMs: number; maxAgeMs: number }, string>(
  'connection_access.fresh-groups',
  `SELECT connections.id FROM connections JOIN connection_access ON connection_access.connection_id = connections.id
   WHERE connections.organisation_id = :organisation AND connections.removed_at_ms IS NULL
     AND connection_access.groups_at_ms > :nowMs - coalesce(connection_access.max_age_ms, :maxAgeMs)`,
  (row) => row.text('id'),
);

/** Every principal of a person, by id, that any source has named. */
export async function heldPrincipals(database: Database, of: { organisation: string; person: string }): Promise<HeldPrincipal[]> {
  return database.read(HELD_BY, of);
}

/** Connections whose groups were listed lately. */
export async function connectionsWithFreshGroups(
  database: Database,
  { organisation, nowMs, maxAgeMs }: { organisation: string; nowMs: number; maxAgeMs: number },
): Promise<Set<string>> {
  return new Set(await database.read(FRESH_GROUPS, { organisation, nowMs, maxAgeMs }));
}
