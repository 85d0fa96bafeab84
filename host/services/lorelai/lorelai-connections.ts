import { RequestError } from '../../domain/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import type { Caller } from '../../domain/caller.ts';
import { organisationOfConnection } from '../../store/connected-datasources.ts';
import type { Database } from '../../store/database.ts';
import { connectedDatasource, organisationCalled, organisationOfThing } from './lorelai-names.ts';
import type { LorelaiSelection, LorelaiService } from './lorelai-services.ts';
import type { AuthorisationService } from '../authorisations/authorisation-service.ts';
import type { Connection, ConnectionService } from '../connections/connection-service.ts';
import type { RegistryService } from '../registry/registry-service.ts';

export interface LorelaiConnectionsOptions {
  database: Database;
  authorisations: Pick<AuthorisationService, 'begin' | 'refresh' | 'revoke'>;
  connections: Pick<ConnectionService, 'get' | 'change'>;
  registry: Pick<RegistryService, 'get'>;
}

type OfConnections = Pick<LorelaiService, 'organisationOf' | 'authorise' | 'refresh' | 'revoke' | 'selection' | 'select'>;
type Whose = Pick<Caller, 'organisation'>;

/** Settings that hold what somebody picked, where a datasource has several lists; the first that there is. */
const SELECTIONS = ['selection', 'selected_items', 'items', 'repositories', 'folders', 'files', 'channels', 'spaces', 'sites', 'projects'];

export function createLorelaiConnections(options: LorelaiConnectionsOptions): OfConnections {
  const { database, authorisations, connections, registry } = options;
  const whose = (caller: Whose, connection: string): Promise<string> =>
    organisationOfThing(caller, () => organisationOfConnection(database, connection));

  async function look(caller: Whose, id: string): Promise<{ connection: Connection; setting: ListSetting }> {
    const connection = await connections.get(await whose(caller, id), id);
    const { manifest } = await registry.get(connection.datasource);
    const setting = listSetting(manifest.configSchema);
    if (setting !== undefined) return { connection, setting };
    throw new RequestError('SELECTION_UNSUPPORTED', `The settings of ${connection.datasource} have no list of what is to be read.`, {
      remedy: `Change the config of the connection with PATCH /api/v1/connections/${id}.`,
    });
  }

  return {
    organisationOf: whose,

    async authorise(caller, input, actor) {
      const organisation = await organisationCalled(database, caller, input.org);
      const connected = await connectedDatasource(database, organisation, input.datasource);
      const connection = chosen(connected.connections, input.connection);
      const { attempt } = await authorisations.begin(organisation, connection, {}, actor);
      return { connection, attempt };
    },
    refresh: async (caller, connection) => authorisations.refresh(await whose(caller, connection), connection),
    revoke: async (caller, connection, actor) => authorisations.revoke(await whose(caller, connection), connection, actor),

    async selection(caller, id) {
      const { connection, setting } = await look(caller, id);
      return toSelection(connection, setting);
    },

    async select(caller, id, items, actor) {
      const { connection, setting } = await look(caller, id);
      const { [setting.name]: _before, ...others } = connection.config;
      const picked = items?.map((item) => (setting.takesTexts ? textOf(item) : item));
      const config = picked === undefined ? others : { ...others, [setting.name]: picked };
      const change = { config, ifRevision: connection.revision };
      return toSelection(await connections.change(connection.organisation, id, change, actor), setting);
    },
  };
}

/** UNKNOWN_CONNECTION when it is none of the datasource's, INVALID_REQUEST when none is named of several. */
function chosen(connections: readonly string[], named: string | undefined): string {
  const found = connections.find((id) => id === named) ?? (named === undefined && connections.length === 1 ? connections[0] : undefined);
  if (found !== undefined) return found;
  if (named !== undefined) {
    throw new RequestError('UNKNOWN_CONNECTION', `The datasource has no connection "${named.slice(0, 80)}" in this organisation.`, {
      remedy: 'Name one that GET /api/v1/connections lists.',
    });
  }
  const [reason, remedy] = ['The organisation has several connections of the datasource.', 'Name one by its id.'];
  throw new RequestError('INVALID_REQUEST', reason, { remedy, problems: [{ path: '/connection', reason, remedy }] });
}

interface ListSetting {
  name: string;
  /** Else objects. */
  takesTexts: boolean;
}

/** The list among a connection's settings that says what is read: the only one, or the one with a name that says so. */
function listSetting({ properties }: JsonObject): ListSetting | undefined {
  const lists = Object.entries(isJsonObject(properties) ? properties : {}).filter(
    ([, schema]) => isJsonObject(schema) && schema.type === 'array',
  );
  const name =
    SELECTIONS.find((candidate) => lists.some(([list]) => list === candidate)) ?? (lists.length === 1 ? lists[0]?.[0] : undefined);
  const found = lists.find(([list]) => list === name);
  return found === undefined ? undefined : { name: found[0], takesTexts: itemType(found[1]) !== 'object' };
}

function itemType(schema: Json): Json | undefined {
  return isJsonObject(schema) && isJsonObject(schema.items) ? schema.items.type : undefined;
}

/** INVALID_CONFIG. */
function textOf(item: string | JsonObject): string {
  if (typeof item === 'string') return item;
  if (typeof item.id === 'string') return item.id;
  const [reason, remedy] = ['An item has no id, and the datasource takes texts.', 'Give texts, or objects with an `id`.'];
  throw new RequestError('INVALID_CONFIG', reason, { remedy, problems: [{ path: '/items', reason, remedy }] });
}

function toSelection({ id, config }: Connection, { name }: ListSetting): LorelaiSelection {
  const held = config[name];
  const items = Array.isArray(held) ? held.filter((item) => typeof item === 'string' || isJsonObject(item)) : [];
  return { connection: id, setting: name, items };
}
