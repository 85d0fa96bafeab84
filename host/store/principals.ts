import { isShared, toPrincipal } from '../domain/access.ts';
import type { Principal } from '../domain/document.ts';
import { operation } from './database.ts';
import type { Operation } from './database.ts';
import { defineStatement } from './statement.ts';

/** Whose principals: an account and a group are those of one connection. */
export interface PrincipalHome {
  organisation: string;
  connection: string;
}

/** A principal on its way into SQL: [kind, name, connection or '' for what all connections share]. */
export type PrincipalRow = [kind: Principal['kind'], name: string, connection: string];

/** The condition by which `principals` is joined with columns that hold a `PrincipalRow`; it uses the unique index. */
export const SAME_PRINCIPAL = (row: { kind: string; name: string; connection: string; organisation: string }): string =>
  `principals.organisation_id = ${row.organisation} AND principals.kind = ${row.kind} AND principals.name = ${row.name}
   AND coalesce(principals.connection_id, '') = ${row.connection}`;

const INSERT = defineStatement<{ organisation: string; rows: string }>(
  'principals.insert',
  `INSERT INTO principals (organisation_id, kind, name, connection_id)
   SELECT :organisation, value ->> 0, value ->> 1, nullif(value ->> 2, '') FROM json_each(:rows) WHERE true
   ON CONFLICT DO NOTHING`,
);

export function toPrincipalRow(principal: Principal, connection: string): PrincipalRow {
  const { kind, id } = toPrincipal(principal);
  return [kind, id, isShared(kind) ? '' : connection];
}

/** Gives these principals rows of their own where they have none. */
export function internPrincipals({ organisation }: PrincipalHome, rows: readonly PrincipalRow[]): Operation {
  return operation(INSERT, { organisation, rows: JSON.stringify(rows) });
}
