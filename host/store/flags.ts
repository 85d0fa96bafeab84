import type { JsonObject } from '../domain/json.ts';
import { operation } from './database.ts';
import type { Database } from './database.ts';
import { defineStatement } from './statement.ts';
import type { Columns } from './statement.ts';

/** How an operator switched and set one feature, for all connections of the datasource. */
export interface StoredFlag {
  feature: string;
  enabled: boolean;
  /** Only what the operator set; the manifest's defaults are not in it. */
  config: JsonObject;
  updatedAtMs: number;
}

const PUT = defineStatement<{ datasource: string; feature: string; enabled: number; config: string; updatedAtMs: number }>(
  'datasource_feature_flags.put',
  `INSERT INTO datasource_feature_flags (datasource_name, feature, enabled, config, updated_at_ms)
   VALUES (:datasource, :feature, :enabled, :config, :updatedAtMs)
   ON CONFLICT (datasource_name, feature) DO UPDATE SET
     enabled = excluded.enabled, config = excluded.config, updated_at_ms = excluded.updated_at_ms`,
);

const LIST = defineStatement<{ datasource: string }, StoredFlag>(
  'datasource_feature_flags.list',
  `SELECT feature, enabled, config, updated_at_ms FROM datasource_feature_flags
   WHERE datasource_name = :datasource ORDER BY feature`,
  toFlag,
);

export async function putFlag(database: Database, datasource: string, flag: StoredFlag): Promise<void> {
  const { feature, updatedAtMs } = flag;
  const enabled = flag.enabled ? 1 : 0;
  await database.write([operation(PUT, { datasource, feature, enabled, config: JSON.stringify(flag.config), updatedAtMs })]);
}

/** Those that an operator has set; features that were never touched are not in it. */
export async function listFlags(database: Database, datasource: string): Promise<StoredFlag[]> {
  return database.read(LIST, { datasource });
}

function toFlag(row: Columns): StoredFlag {
  return {
    feature: row.text('feature'),
    enabled: row.flag('enabled'),
    config: row.jsonObject('config'),
    updatedAtMs: row.number('updated_at_ms'),
  };
}
