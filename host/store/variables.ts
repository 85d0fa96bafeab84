import { operation } from './database.ts';
import type { Database, Operation } from './database.ts';
import { defineStatement } from './statement.ts';

/** A value that an operator set for one of a manifest's `env_vars`, sealed. */
export interface StoredVariable {
  /** Empty for all of the host. */
  organisation: string;
  name: string;
  sealed: Uint8Array;
  updatedAtMs: number;
}

type Key = { organisation: string; datasource: string; name: string };

const PUT = defineStatement<Key & { sealed: Uint8Array; nowMs: number }>(
  'variables.put',
  `INSERT INTO datasource_variables (organisation_id, datasource_name, name, sealed, updated_at_ms)
   VALUES (:organisation, :datasource, :name, :sealed, :nowMs)
   ON CONFLICT DO UPDATE SET sealed = :sealed, updated_at_ms = :nowMs`,
);

const DELETE = defineStatement<Key>(
  'variables.delete',
  'DELETE FROM datasource_variables WHERE organisation_id = :organisation AND datasource_name = :datasource AND name = :name',
);

const FORGET = defineStatement<{ datasource: string }>(
  'variables.forget',
  'DELETE FROM datasource_variables WHERE datasource_name = :datasource',
);

const LIST = defineStatement<{ organisation: string; datasource: string }, StoredVariable>(
  'variables.list',
  `SELECT organisation_id, name, sealed, updated_at_ms FROM datasource_variables
   WHERE organisation_id IN ('', :organisation) AND datasource_name = :datasource ORDER BY name, organisation_id`,
  (row) => ({
    organisation: row.text('organisation_id'),
    name: row.text('name'),
    sealed: row.bytes('sealed'),
    updatedAtMs: row.number('updated_at_ms'),
  }),
);

/** Sets and, where `sealed` is undefined, forgets values of one datasource, all at once. */
export async function writeVariables(
  database: Database,
  { organisation, datasource, nowMs }: { organisation: string; datasource: string; nowMs: number },
  values: readonly { name: string; sealed: Uint8Array | undefined }[],
): Promise<void> {
  await database.write(
    values.map(({ name, sealed }) =>
      sealed === undefined
        ? operation(DELETE, { organisation, datasource, name })
        : operation(PUT, { organisation, datasource, name, sealed, nowMs }),
    ),
  );
}

/** Part of what takes a datasource out: another one of its name, by whomever, gets none of the secrets of this one. */
export function forgetVariables(datasource: string): Operation {
  return operation(FORGET, { datasource });
}

/** Those of an organisation and those of the host. */
export async function listVariables(database: Database, organisation: string, datasource: string): Promise<StoredVariable[]> {
  return database.read(LIST, { organisation, datasource });
}
