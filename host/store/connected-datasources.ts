import type { Database } from './database.ts';
import { defineStatement } from './statement.ts';
import type { NoParams } from './statement.ts';

/** A datasource that an organisation has connections of. */
export interface ConnectedDatasource {
  name: string;
  /** Of its connections, by age. */
  connections: string[];
  /** Whether something was ever read through one of them, and not forgotten since. */
  indexed: boolean;
}

// Checkpoints and not documents: whether there are documents that somebody may not see is nobody's business.
const CONNECTED = defineStatement<{ organisation: string }, ConnectedDatasource>(
  'connections.datasources',
  `SELECT datasource_name, json_group_array(id ORDER BY id) AS ids,
     max(EXISTS (SELECT 1 FROM checkpoints WHERE connection_id = connections.id)) AS indexed
   FROM connections WHERE organisation_id = :organisation AND removed_at_ms IS NULL
   GROUP BY datasource_name ORDER BY datasource_name`,
  (row) => ({ name: row.text('datasource_name'), connections: row.texts('ids'), indexed: row.flag('indexed') }),
);

const INSTALLED = defineStatement<NoParams, string>(
  'datasource_registry.names',
  'SELECT name FROM datasource_registry ORDER BY name',
  (row) => row.text('name'),
);

const ORGANISATION_OF_CONNECTION = defineStatement<{ id: string }, string>(
  'connections.organisation',
  'SELECT organisation_id FROM connections WHERE id = :id AND removed_at_ms IS NULL',
  (row) => row.text('organisation_id'),
);

/** By name. */
export async function connectedDatasources(database: Database, organisation: string): Promise<ConnectedDatasource[]> {
  return database.read(CONNECTED, { organisation });
}

/** Of everything that is installed. */
export async function datasourceNames(database: Database): Promise<string[]> {
  return database.read(INSTALLED, {});
}

/** Whose a connection is: for callers of the whole host only. */
export async function organisationOfConnection(database: Database, id: string): Promise<string | undefined> {
  return database.readOne(ORGANISATION_OF_CONNECTION, { id });
}
