import { RequestError } from '../domain/errors.ts';
import { getConnection, getSealedCredential } from '../store/connections.ts';
import type { Database } from '../store/database.ts';
import type { Vault } from './credentials.ts';
import type { DatasourceRegistry } from './registry.ts';
import type { CallTarget } from './sandboxed-call.ts';

/** Reads a connection with its datasource, flags and credential as they are now. */
export interface CallTargets {
  /** UNKNOWN_CONNECTION, UNKNOWN_DATASOURCE, CREDENTIAL_MISSING. */
  load(organisation: string, connection: string): Promise<CallTarget>;
}

export function createCallTargets(options: { database: Database; registry: DatasourceRegistry; vault: Vault }): CallTargets {
  const { database, registry, vault } = options;
  return {
    async load(organisation, id) {
      const connection = await getConnection(database, organisation, id);
      if (connection === undefined) throw unknownConnection(id);
      const [datasource, sealed] = await Promise.all([
        registry.runnable(connection.datasource),
        getSealedCredential(database, organisation, id),
      ]);
      const secret = sealed === undefined ? undefined : await vault.open({ organisation, connection: id }, sealed);
      return { connection, datasource, secret };
    },
  };
}

/** The same answer whether it never existed or belongs to somebody else. */
export function unknownConnection(id: string): RequestError {
  return new RequestError('UNKNOWN_CONNECTION', `There is no connection "${id.slice(0, 80)}".`, {
    remedy: 'Name one that GET /api/v1/connections lists for this organisation.',
  });
}
