import { OFF_DOCUMENTS, type OffDocuments } from '../domain/connection.ts';
import type { JsonObject } from '../domain/json.ts';
import { operation } from './database.ts';
import type { Database, Operation } from './database.ts';
import { defineStatement } from './statement.ts';
import type { Columns } from './statement.ts';

/** How an operator switched and set one feature, for all connections of the datasource. */
export interface StoredFlag {
  feature: string;
  enabled: boolean;
  /** Only what the operator set; the manifest's defaults are not in it. */
  config: JsonObject;
  /** Of a feature that is off; `keep` when left out. */
  documents?: OffDocuments;
  updatedAtMs: number;
}

const PUT = defineStatement<{
  datasource: string;
  feature: string;
  enabled: number;
  config: string;
  documents: string;
  updatedAtMs: number;
}>(
  'datasource_feature_flags.put',
  `INSERT INTO datasource_feature_flags (datasource_name, feature, enabled, config, documents, updated_at_ms)
   VALUES (:datasource, :feature, :enabled, :config, :documents, :updatedAtMs)
   ON CONFLICT (datasource_name, feature) DO UPDATE SET
     enabled = excluded.enabled, config = excluded.config, documents = excluded.documents, updated_at_ms = excluded.updated_at_ms`,
);

const LIST = defineStatement<{ datasource: string }, StoredFlag>(
  'datasource_feature_flags.list',
  `SELECT feature, enabled, config, documents, updated_at_ms FROM datasource_feature_flags
   WHERE datasource_name = :datasource ORDER BY feature`,
  toFlag,
);

const LIST_BETWEEN = defineStatement<{ first: string; last: string }, StoredFlag & { datasource: string }>(
  'datasource_feature_flags.list-between',
  `SELECT datasource_name, feature, enabled, config, documents, updated_at_ms FROM datasource_feature_flags
   WHERE datasource_name BETWEEN :first AND :last ORDER BY datasource_name, feature`,
  (row) => ({ datasource: row.text('datasource_name'), ...toFlag(row) }),
);

/** How an operator has set a feature from now on. */
export function putFlag(datasource: string, flag: StoredFlag): Operation {
  const { feature, documents = 'keep', updatedAtMs } = flag;
  const enabled = flag.enabled ? 1 : 0;
  return operation(PUT, { datasource, feature, enabled, config: JSON.stringify(flag.config), documents, updatedAtMs });
}

/** Those that an operator has set; features that were never touched are not in it. */
export async function listFlags(database: Database, datasource: string): Promise<StoredFlag[]> {
  return database.read(LIST, { datasource });
}

/** Of the datasources whose names lie between two, both included, by datasource: those of a whole page with one question. */
export async function flagsBetween(database: Database, first: string, last: string): Promise<Map<string, StoredFlag[]>> {
  return Map.groupBy(await database.read(LIST_BETWEEN, { first, last }), ({ datasource }) => datasource);
}

function toFlag(row: Columns): StoredFlag {
  return {
    feature: row.text('feature'),
    enabled: row.flag('enabled'),
    config: row.jsonObject('config'),
    documents: row.oneOf('documents', OFF_DOCUMENTS),
    updatedAtMs: row.number('updated_at_ms'),
  };
}
