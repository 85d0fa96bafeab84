import { createHmac } from 'node:crypto';
import { RequestError } from '../../domain/errors.ts';
import { getConnection, getSealedCredential } from '../../store/connections.ts';
import type { Database } from '../../store/database.ts';
import type { Vault } from './credentials.ts';
import type { DatasourceRegistry } from '../registry/registry.ts';
import type { CallTarget } from './sandboxed-call.ts';
import type { TokenKeeper } from '../authorisations/token-keeper.ts';

/** Reads a connection with its datasource, flags and credential as they are now. */
export interface CallTargets {
  /** UNKNOWN_CONNECTION, UNKNOWN_DATASOURCE, DATASOURCE_DISABLED; CREDENTIAL_MISSING and UPSTREAM_FAULT of its authorisation. */
  load(organisation: string, connection: string): Promise<CallTarget>;
  /** The same without the credential: opens nothing and asks no source. UNKNOWN_CONNECTION, UNKNOWN_DATASOURCE, DATASOURCE_DISABLED. */
  look(organisation: string, connection: string): Promise<Pick<CallTarget, 'connection' | 'datasource'>>;
}

export function createCallTargets(options: {
  database: Database;
  registry: DatasourceRegistry;
  vault: Vault;
  tokenKeeper: TokenKeeper;
}): CallTargets {
  const { database, registry, vault, tokenKeeper } = options;
  const targets: CallTargets = {
    async look(organisation, id) {
      const connection = await getConnection(database, organisation, id);
      if (connection === undefined) throw unknownConnection(id);
      const datasource = await registry.runnable(connection.datasource);
      if (datasource.enabled === false) throw disabledDatasource(connection.datasource);
      return { connection, datasource };
    },
    async load(organisation, id) {
      const [{ connection, datasource }, sealed, token] = await Promise.all([
        targets.look(organisation, id),
        getSealedCredential(database, organisation, id),
        tokenKeeper.accessToken(organisation, id),
      ]);
      const secret = token ?? (sealed === undefined ? undefined : await vault.open({ organisation, connection: id }, sealed));
      const renew = async (): Promise<CallTarget | undefined> =>
        token !== undefined && (await tokenKeeper.replaceRefused(organisation, id, token)) ? targets.load(organisation, id) : undefined;
      return {
        connection,
        datasource,
        secret,
        ...(secret === undefined ? {} : { budget: await budgetOf(vault, organisation, secret) }),
        ...(token === undefined ? {} : { renew }),
      };
    },
  };
  return targets;
}

/**
 * Connections of an organisation that share a credential share what its source allows. Keyed, because the credential may be a
 * password that could be guessed from a plain hash.
 */
async function budgetOf(vault: Vault, organisation: string, secret: string): Promise<string> {
  const [key] = await vault.keys.all();
  if (key === undefined) throw new TypeError('there is a master key or an error');
  return createHmac('sha256', key.bytes).update(`budget\n${organisation}\n${secret}`).digest('base64url');
}

/** DATASOURCE_DISABLED. */
function disabledDatasource(name: string): RequestError {
  return new RequestError('DATASOURCE_DISABLED', `The datasource ${name} is switched off.`, {
    remedy: `Switch it on with \`datasources enable ${name}\`; \`datasources versions ${name} --history\` says why it is off.`,
  });
}

/** The same answer whether it never existed or belongs to somebody else. */
export function unknownConnection(id: string): RequestError {
  return new RequestError('UNKNOWN_CONNECTION', `There is no connection "${id.slice(0, 80)}".`, {
    remedy: 'Name one that GET /api/v1/connections or `datasources list` shows for this organisation.',
  });
}
