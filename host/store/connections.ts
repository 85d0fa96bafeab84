import { OFF_DOCUMENTS, type Connection, type FeatureOverride } from '../domain/connection.ts';
import { isJsonObject } from '../domain/json.ts';
import type { JsonObject } from '../domain/json.ts';
import { ExpectationError, operation } from './database.ts';
import type { Database, Operation } from './database.ts';
import { pageBounds, toPage } from './page.ts';
import type { PageRequest, StoredPage } from './page.ts';
import { defineStatement } from './statement.ts';
import type { Columns } from './statement.ts';

/** How a connection differs from its datasource's flags, by feature. */
type FeatureSettings = Record<string, FeatureOverride>;

/** A connection with what is known of it. */
export interface StoredConnection extends Connection {
  hasCredential: boolean;
  documents: number;
  passages: number;
  metrics: Record<string, number>;
  createdAtMs: number;
  updatedAtMs: number;
  /** Its state, as `Expectation` has it: grows with whatever people change of it. */
  revision: number;
}

export interface ConnectionInsert {
  id: string;
  organisation: string;
  datasource: string;
  name: string;
  config: JsonObject;
  features: FeatureSettings;
  /** As the vault sealed it; this layer never sees a secret. */
  sealedCredential: Uint8Array | undefined;
  nowMs: number;
}

/** What is left out stays as it is; `sealedCredential: null` forgets it. */
export interface ConnectionChange {
  name?: string;
  config?: JsonObject;
  features?: FeatureSettings;
  sealedCredential?: Uint8Array | null;
  nowMs: number;
}

type Key = { organisation: string; id: string };

const INSERT = defineStatement<
  Key & { datasource: string; name: string; config: string; features: string; credential: Uint8Array | null; nowMs: number }
>(
  'connections.insert',
  `INSERT INTO connections
     (id, organisation_id, datasource_name, name, config, features, credential, created_at_ms, updated_at_ms)
   VALUES (:id, :organisation, :datasource, :name, :config, :features, :credential, :nowMs, :nowMs)`,
);

const UPDATE = defineStatement<
  Key & {
    name: string | null;
    config: string | null;
    features: string | null;
    credential: Uint8Array | null;
    keepCredential: number;
    nowMs: number;
  }
>(
  'connections.update',
  `UPDATE connections SET name = coalesce(:name, name), config = coalesce(:config, config),
     features = coalesce(:features, features),
     credential = CASE WHEN :keepCredential THEN credential ELSE :credential END, updated_at_ms = :nowMs
   WHERE id = :id AND organisation_id = :organisation AND removed_at_ms IS NULL`,
);

const VIEW = `SELECT id, organisation_id, datasource_name, name, config, features, 
    (credential IS NOT NULL OR EXISTS (SELECT 1 FROM authorisations WHERE connection_id = connections.id)) AS has_credential,
    (SELECT count(*) FROM documents WHERE connection_id = connections.id) AS documents,
    (SELECT coalesce(sum(passage_count), 0) FROM documents WHERE connection_id = connections.id) AS passages,
    (SELECT json_group_object(name, value) FROM datasource_metrics WHERE connection_id = connections.id) AS metrics,
    created_at_ms, updated_at_ms,
    (SELECT coalesce(max(sequence), 0) FROM changes
       WHERE chain = organisation_id AND json_extract(entry, '$.target') = 'connection/' || connections.id) AS revision
  FROM connections`;

const GET = defineStatement<Key, Connection>(
  'connections.get',
  `SELECT id, organisation_id, datasource_name, name, config, features FROM connections
   WHERE id = :id AND organisation_id = :organisation AND removed_at_ms IS NULL`,
  toConnection,
);

const GET_VIEW = defineStatement<Key, StoredConnection>(
  'connections.view',
  `${VIEW} WHERE id = :id AND organisation_id = :organisation AND removed_at_ms IS NULL`,
  toStoredConnection,
);

const LIST = defineStatement<{ organisation: string; key: string; limit: number }, StoredConnection>(
  'connections.list',
  `${VIEW} WHERE organisation_id = :organisation AND id > :key AND removed_at_ms IS NULL ORDER BY id LIMIT :limit`,
  toStoredConnection,
);

const CONFIGS = defineStatement<{ datasource: string }, { id: string; organisation: string; config: JsonObject }>(
  'connections.configs',
  `SELECT id, organisation_id, config FROM connections WHERE datasource_name = :datasource AND removed_at_ms IS NULL ORDER BY id`,
  (row) => ({ id: row.text('id'), organisation: row.text('organisation_id'), config: row.jsonObject('config') }),
);

const FEATURES = defineStatement<{ datasource: string }, { id: string; organisation: string; features: FeatureSettings }>(
  'connections.features',
  `SELECT id, organisation_id, features FROM connections
   WHERE datasource_name = :datasource AND features <> '{}' AND removed_at_ms IS NULL ORDER BY id`,
  (row) => ({
    id: row.text('id'),
    organisation: row.text('organisation_id'),
    features: toFeatureSettings(row.jsonObject('features')),
  }),
);

const CREDENTIAL = defineStatement<Key, Uint8Array | undefined>(
  'connections.credential',
  'SELECT credential FROM connections WHERE id = :id AND organisation_id = :organisation AND removed_at_ms IS NULL',
  (row) => row.optionalBytes('credential'),
);

export async function insertConnection(database: Database, input: ConnectionInsert): Promise<void> {
  const { id, organisation, datasource, name, nowMs } = input;
  const config = JSON.stringify(input.config);
  const features = JSON.stringify(input.features);
  const credential = input.sealedCredential ?? null;
  await database.write([operation(INSERT, { id, organisation, datasource, name, config, features, credential, nowMs })]);
}

/** False when the organisation has no such connection. `alongside` is of the same transaction. */
export async function updateConnection(
  database: Database,
  organisation: string,
  id: string,
  change: ConnectionChange,
  alongside: readonly Operation[] = [],
): Promise<boolean> {
  const update = operation(
    UPDATE,
    {
      organisation,
      id,
      name: change.name ?? null,
      config: change.config === undefined ? null : JSON.stringify(change.config),
      features: change.features === undefined ? null : JSON.stringify(change.features),
      credential: change.sealedCredential ?? null,
      keepCredential: change.sealedCredential === undefined ? 1 : 0,
      nowMs: change.nowMs,
    },
    { expectChanges: 1 },
  );
  try {
    await database.write([update, ...alongside]);
    return true;
  } catch (error) {
    if (error instanceof ExpectationError && error.statement === UPDATE.name) return false;
    throw error;
  }
}

/** What a call needs of it: counts nothing. */
export async function getConnection(database: Database, organisation: string, id: string): Promise<Connection | undefined> {
  return database.readOne(GET, { organisation, id });
}

/** With what is known of it; takes time in proportion to its documents. */
export async function viewConnection(database: Database, organisation: string, id: string): Promise<StoredConnection | undefined> {
  return database.readOne(GET_VIEW, { organisation, id });
}

/** The sealed credential; none when there is none, or no such connection. */
export async function getSealedCredential(database: Database, organisation: string, id: string): Promise<Uint8Array | undefined> {
  return database.readOne(CREDENTIAL, { organisation, id });
}

/** Oldest first. INVALID_REQUEST for a bad limit or cursor. */
export async function listConnections(database: Database, organisation: string, page: PageRequest): Promise<StoredPage<StoredConnection>> {
  const rows = await database.read(LIST, { organisation, ...pageBounds(page, '') });
  return toPage(rows, page, (connection) => connection.id);
}

/** The settings of every connection of a datasource, of all organisations: a new version has to fit all of them. */
export async function listConfigs(
  database: Database,
  datasource: string,
): Promise<{ id: string; organisation: string; config: JsonObject }[]> {
  return database.read(CONFIGS, { datasource });
}

/** Of the connections of a datasource that differ from its flags, of all organisations. */
export async function listFeatureSettings(
  database: Database,
  datasource: string,
): Promise<{ id: string; organisation: string; features: FeatureSettings }[]> {
  return database.read(FEATURES, { datasource });
}

function toConnection(row: Columns): Connection {
  return {
    id: row.text('id'),
    organisation: row.text('organisation_id'),
    datasource: row.text('datasource_name'),
    name: row.text('name'),
    config: row.jsonObject('config'),
    features: toFeatureSettings(row.jsonObject('features')),
  };
}

function toStoredConnection(row: Columns): StoredConnection {
  return {
    ...toConnection(row),
    hasCredential: row.flag('has_credential'),
    documents: row.number('documents'),
    passages: row.number('passages'),
    metrics: toMetrics(row.jsonObject('metrics')),
    createdAtMs: row.number('created_at_ms'),
    updatedAtMs: row.number('updated_at_ms'),
    revision: row.number('revision'),
  };
}

function toFeatureSettings(stored: JsonObject): FeatureSettings {
  const settings: FeatureSettings = {};
  for (const [feature, value] of Object.entries(stored)) {
    if (!isJsonObject(value)) continue;
    const { enabled, config } = value;
    const documents = OFF_DOCUMENTS.find((known) => known === value.documents);
    settings[feature] = {
      ...(typeof enabled === 'boolean' && { enabled }),
      ...(isJsonObject(config) && { config }),
      ...(documents !== undefined && { documents }),
    };
  }
  return settings;
}

function toMetrics(stored: JsonObject): Record<string, number> {
  return Object.fromEntries(Object.entries(stored).flatMap(([name, value]) => (typeof value === 'number' ? [[name, value] as const] : [])));
}
