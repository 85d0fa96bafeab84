import type { Json } from '../domain/json.ts';
import { operation } from './database.ts';
import type { Database, Operation } from './database.ts';
import { pageBounds, toPage } from './page.ts';
import type { PageRequest, StoredPage } from './page.ts';
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
  /** Whether its connections are worked on. */
  enabled: boolean;
  /** The version that ran before, and can be gone back to. */
  previousVersion: string | undefined;
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
  /** Left out: as it is. */
  previousVersion?: string;
  nowMs: number;
}

const PUT = defineStatement<
  Record<'name' | 'version' | 'digest' | 'manifest' | 'grant' | 'inspection', string> & { previousVersion: string | null; nowMs: number }
>(
  'datasource_registry.put',
  `INSERT INTO datasource_registry (name, version, digest, manifest, grant, inspection, previous_version, installed_at_ms, updated_at_ms)
   VALUES (:name, :version, :digest, :manifest, :grant, :inspection, :previousVersion, :nowMs, :nowMs)
   ON CONFLICT (name) DO UPDATE SET version = excluded.version, digest = excluded.digest, manifest = excluded.manifest,
     grant = excluded.grant, inspection = excluded.inspection,
     previous_version = coalesce(excluded.previous_version, previous_version), updated_at_ms = excluded.updated_at_ms`,
);

const COLUMNS = 'name, version, digest, manifest, grant, inspection, enabled, previous_version, installed_at_ms, updated_at_ms';

const SET_GRANT = defineStatement<{ name: string; grant: string; nowMs: number }>(
  'datasource_registry.set-grant',
  'UPDATE datasource_registry SET grant = :grant, updated_at_ms = :nowMs WHERE name = :name',
);

const SET_ENABLED = defineStatement<{ name: string; enabled: number; nowMs: number }>(
  'datasource_registry.set-enabled',
  'UPDATE datasource_registry SET enabled = :enabled, updated_at_ms = :nowMs WHERE name = :name',
);

const FORGET_PREVIOUS = defineStatement<{ name: string }>(
  'datasource_registry.forget-previous',
  'UPDATE datasource_registry SET previous_version = NULL WHERE name = :name',
);

const GUARD_DIGEST = defineStatement<{ name: string; digest: string }>(
  'datasource_registry.guard-digest',
  'UPDATE datasource_registry SET digest = digest WHERE name = :name AND digest = :digest',
);

const GUARD_GRANT = defineStatement<{ name: string; grant: string }>(
  'datasource_registry.guard-grant',
  'UPDATE datasource_registry SET grant = grant WHERE name = :name AND json(grant) = json(:grant)',
);

const DELETE = defineStatement<{ name: string }>('datasource_registry.delete', 'DELETE FROM datasource_registry WHERE name = :name');

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

const PAGE = defineStatement<{ key: string; limit: number }, RegisteredDatasource>(
  'datasource_registry.page',
  `SELECT ${COLUMNS} FROM datasource_registry WHERE name > :key ORDER BY name LIMIT :limit`,
  toDatasource,
);

/** Registers the version of a datasource that runs, in place of another; its flags and connections stay. */
export function registerDatasource(input: DatasourceInput): Operation {
  const { name, version, digest, previousVersion = null, nowMs } = input;
  const manifest = JSON.stringify(input.manifest);
  const grant = JSON.stringify(input.grant);
  const inspection = JSON.stringify(input.inspection);
  return operation(PUT, { name, version, digest, manifest, grant, inspection, previousVersion, nowMs });
}

/** The same as a transaction of its own. `alongside` is of the same transaction. */
export async function putDatasource(database: Database, input: DatasourceInput, alongside: readonly Operation[] = []): Promise<void> {
  await database.write([registerDatasource(input), ...alongside]);
}

/** Gives a datasource other powers. */
export function setGrant(input: { name: string; grant: object; nowMs: number }): Operation {
  return operation(SET_GRANT, { ...input, grant: JSON.stringify(input.grant) }, { expectChanges: 1 });
}

/** Whether the connections of a datasource are worked on. */
export function setEnabled(input: { name: string; enabled: boolean; nowMs: number }): Operation {
  return operation(SET_ENABLED, { ...input, enabled: input.enabled ? 1 : 0 }, { expectChanges: 1 });
}

/** After a rollback there is no further way back. */
export function forgetPrevious(name: string): Operation {
  return operation(FORGET_PREVIOUS, { name });
}

/** First in a transaction with a grant that was worked out from another one: fails when this is no longer what was given. */
export function guardGrant(name: string, grant: Json): Operation {
  return operation(GUARD_GRANT, { name, grant: JSON.stringify(grant) }, { expectChanges: 1 });
}

/** First in a transaction with what a component gave: fails when another version runs by now. */
export function guardDigest(name: string, digest: string): Operation {
  return operation(GUARD_DIGEST, { name, digest }, { expectChanges: 1 });
}

/** The name of the statement that fails then. */
export const DIGEST_GUARD = 'datasource_registry.guard-digest';

/** Takes a datasource out. Its connections must be gone. */
export function deleteDatasource(name: string): Operation {
  return operation(DELETE, { name }, { expectChanges: 1 });
}

export async function getDatasource(database: Database, name: string): Promise<RegisteredDatasource | undefined> {
  return database.readOne(GET, { name });
}

/** By name. */
export async function listDatasources(database: Database): Promise<RegisteredDatasource[]> {
  return database.read(LIST, {});
}

/** By name, in pages. INVALID_REQUEST for a bad limit or cursor. */
export async function pageDatasources(database: Database, page: PageRequest): Promise<StoredPage<RegisteredDatasource>> {
  return toPage(await database.read(PAGE, pageBounds(page, '')), page, ({ name }) => name);
}

function toDatasource(row: Columns): RegisteredDatasource {
  return {
    name: row.text('name'),
    version: row.text('version'),
    digest: row.text('digest'),
    manifest: row.json('manifest'),
    grant: row.json('grant'),
    inspection: row.json('inspection'),
    enabled: row.flag('enabled'),
    previousVersion: row.optionalText('previous_version'),
    installedAtMs: row.number('installed_at_ms'),
    updatedAtMs: row.number('updated_at_ms'),
  };
}
