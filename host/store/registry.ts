import type { Json } from '../domain/json.ts';
import { operation } from './database.ts';
import type { Database, Operation } from './database.ts';
import { defineStatement } from './statement.ts';
import type { Columns, NoParams } from './statement.ts';

/** An installed datasource. The three documents come back as JSON, for the caller to parse. */
export interface RegisteredDatasource {
  name: string;
  version: string;
  /** `sha256:` and 64 hex digits. */
  digest: string;
  manifest: Json;
  grant: Json;
  inspection: Json;
  installedAtMs: number;
  updatedAtMs: number;
}

/** What an install writes. */
export interface DatasourceInput {
  name: string;
  version: string;
  digest: string;
  manifest: object;
  grant: object;
  inspection: object;
  nowMs: number;
}

const PUT = defineStatement<Record<'name' | 'version' | 'digest' | 'manifest' | 'grant' | 'inspection', string> & { nowMs: number }>(
  'datasource_registry.put',
  `INSERT INTO datasource_registry (name, version, digest, manifest, grant, inspection, installed_at_ms, updated_at_ms)
   VALUES (:name, :version, :digest, :manifest, :grant, :inspection, :nowMs, :nowMs)
   ON CONFLICT (name) DO UPDATE SET version = excluded.version, digest = excluded.digest, manifest = excluded.manifest,
     grant = excluded.grant, inspection = excluded.inspection, updated_at_ms = excluded.updated_at_ms`,
);

const COLUMNS = 'name, version, digest, manifest, grant, inspection, installed_at_ms, updated_at_ms';

const GET = defineStatement<{ name: string }, RegisteredDatasource>(
  'datasource_registry.get',
  `SELECT ${COLUMNS} FROM datasource_registry WHERE name = :name`,
  toDatasource,
);

const LIST = defineStatement<NoParams, RegisteredDatasource>(
  'datasource_registry.list',
  `SELECT ${COLUMNS} FROM datasource_registry ORDER BY name`,
  toDatasource,
);

/** Registers a datasource, or replaces the one of the same name; its flags and connections stay. `alongside` is of the same transaction. */
export async function putDatasource(database: Database, input: DatasourceInput, alongside: readonly Operation[] = []): Promise<void> {
  const { name, version, digest, nowMs } = input;
  const manifest = JSON.stringify(input.manifest);
  const grant = JSON.stringify(input.grant);
  const inspection = JSON.stringify(input.inspection);
  await database.write([operation(PUT, { name, version, digest, manifest, grant, inspection, nowMs }), ...alongside]);
}

export async function getDatasource(database: Database, name: string): Promise<RegisteredDatasource | undefined> {
  return database.readOne(GET, { name });
}

/** By name. */
export async function listDatasources(database: Database): Promise<RegisteredDatasource[]> {
  return database.read(LIST, {});
}

function toDatasource(row: Columns): RegisteredDatasource {
  return {
    name: row.text('name'),
    version: row.text('version'),
    digest: row.text('digest'),
    manifest: row.json('manifest'),
    grant: row.json('grant'),
    inspection: row.json('inspection'),
    installedAtMs: row.number('installed_at_ms'),
    updatedAtMs: row.number('updated_at_ms'),
  };
}
