import type { Config } from '../../config.ts';
import { isLoopbackHost } from '../../domain/loopback.ts';
import type { Flow } from '../../domain/authorisation.ts';
import type { Log } from '../../log.ts';
import { pauseConnection } from '../../store/connection-work.ts';
import type { Database } from '../../store/database.ts';
import type { AuditRecorder } from '../record/audit-recorder.ts';
import { openAuthorisationClient, type AuthorisationClient, type AuthorisationTarget } from './authorisation-client.ts';
import { createAuthorisations, type Authorisations } from './authorisations.ts';
import { createAuthoriser } from './authorise.ts';
import { createReconnectLinks, type ReconnectLinks } from './reconnect-links.ts';
import { unknownConnection } from '../connections/call-targets.ts';
import type { Vault } from '../connections/credentials.ts';
import type { DatasourceRegistry } from '../registry/registry.ts';
import { createRevoker, type Revoker } from './revocation.ts';
import type { OrganisationService } from '../people/organisation-service.ts';
import { getConnection } from '../../store/connections.ts';
import { createTokenKeeper, type TokenKeeper } from './token-keeper.ts';
import { createVariables, type Variables } from '../connections/variables.ts';

export interface AuthorisationPartsOptions {
  database: Database;
  vault: Vault;
  registry: DatasourceRegistry;
  organisations: OrganisationService;
  recorder: AuditRecorder;
  log: Log;
  /** Under which browsers reach the host. */
  baseUrl: string | undefined;
  /** Something may be due now. */
  wake(): void;
}

/** Everything that obtains, keeps and ends tokens, tied together. */
export interface AuthorisationParts {
  variables: Variables;
  tokenKeeper: TokenKeeper;
  authorisations: Authorisations;
  revoker: Revoker;
  reconnectLinks: ReconnectLinks;
}

export function openAuthorisationParts(options: AuthorisationPartsOptions): AuthorisationParts {
  const { database, vault, registry, organisations, recorder, log, wake } = options;
  const variables = createVariables({ database, vault, registry, organisations });

  async function load(organisation: string, id: string): Promise<AuthorisationTarget> {
    await organisations.get(organisation);
    const connection = await getConnection(database, organisation, id);
    if (connection === undefined) throw unknownConnection(id);
    return { connection, datasource: await registry.get(connection.datasource) };
  }

  /** Read anew each time: a changed grant, setting or value counts at once. */
  async function openFor(target: AuthorisationTarget, flow: Flow): Promise<AuthorisationClient> {
    const values = await variables.values(target.connection.organisation, target.datasource.name);
    return openAuthorisationClient(target, flow, values, recorder);
  }

  const openClient = async (organisation: string, connection: string, flow: Flow): Promise<AuthorisationClient> =>
    openFor(await load(organisation, connection), flow);
  const revoker = createRevoker({ database, vault, log, openClient });
  const tokenKeeper = createTokenKeeper({
    database,
    vault,
    log,
    openClient,
    async onPaused(_organisation, connection, reason) {
      await database.write([pauseConnection(connection, { by: 'host', cause: 'unauthorized', reason, atMs: Date.now() })]);
    },
  });
  const { baseUrl } = options;
  const reconnectLinks = createReconnectLinks({ database, vault, baseUrl });
  return {
    variables,
    revoker,
    reconnectLinks,
    tokenKeeper,
    authorisations: createAuthorisations({
      database,
      vault,
      log,
      baseUrl,
      reconnectLinks,
      load,
      openClient: openFor,
      authoriser: createAuthoriser({ database, vault, wake }),
      revoker,
      tokenKeeper,
    }),
  };
}

/** The one address under which browsers reach the host, and to which sources send people back; undefined when it cannot know it. */
export function baseUrlOf({ publicUrl, host, port }: Pick<Config, 'publicUrl' | 'host' | 'port'>): string | undefined {
  if (publicUrl !== undefined) return publicUrl;
  if (port === 0 || !isLoopbackHost(host)) return undefined;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
