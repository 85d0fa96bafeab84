import type { Caller } from '../../domain/caller.ts';
import { RequestError } from '../../domain/errors.ts';
import { DEFAULT_ORGANISATION, unknownOrganisation } from '../../domain/organisation.ts';
import { connectedDatasources, datasourceNames, type ConnectedDatasource } from '../../store/connected-datasources.ts';
import type { Database } from '../../store/database.ts';
import { organisationsCalled } from '../../store/organisations.ts';

type Whose = Pick<Caller, 'organisation'>;

/**
 * The id of the organisation that is called so. UNKNOWN_ORGANISATION, also for one that is not the caller's; CONFLICT when the
 * text is the id of one and the name of another, or the name of two: to guess would show one what belongs to the other.
 */
export async function organisationCalled(database: Database, caller: Whose, text: string): Promise<string> {
  const called = await organisationsCalled(database, text);
  const own = caller.organisation === undefined ? called : called.filter(({ id }) => id === caller.organisation);
  const [only, second] = own;
  if (only === undefined) throw unknownOrganisation(text);
  if (second === undefined) return only.id;
  throw new RequestError('CONFLICT', `"${text.slice(0, 80)}" could mean more than one organisation.`, {
    remedy: 'Name it by its id, or give it a name that no other one has as its name or id.',
  });
}

/** The caller's organisation, or for a caller of the whole host whosever the thing is; nothing is found in it then. */
export async function organisationOfThing(caller: Whose, find: () => Promise<string | undefined>): Promise<string> {
  return caller.organisation ?? (await find()) ?? DEFAULT_ORGANISATION;
}

/** Datasources are spelt in many ways: case, spaces and punctuation do not count. */
function folded(name: string): string {
  return name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');
}

/** The installed datasource that is meant; undefined when there is none, or could be several. */
export function datasourceMeant(name: string, installed: readonly string[]): string | undefined {
  if (installed.includes(name)) return name;
  const alike = installed.filter((candidate) => folded(candidate) === folded(name));
  return alike.length === 1 ? alike[0] : undefined;
}

/** UNKNOWN_DATASOURCE. */
export function unknownDatasource(name: string, installed: readonly string[]): RequestError {
  const alike = installed.filter((candidate) => folded(candidate) === folded(name));
  const message = alike.length > 1 ? `"${name}" could mean ${alike.join(' and ')}.` : `No datasource "${name}" is installed.`;
  return new RequestError('UNKNOWN_DATASOURCE', message, { remedy: 'Name one that GET /api/v1/datasources lists.' });
}

/** The datasource that is meant with the connections that the organisation has of it. UNKNOWN_DATASOURCE, UNKNOWN_CONNECTION when there is none. */
export async function connectedDatasource(database: Database, organisation: string, name: string): Promise<ConnectedDatasource> {
  const installed = await datasourceNames(database);
  const meant = datasourceMeant(name, installed);
  if (meant === undefined) throw unknownDatasource(name, installed);
  const connected = (await connectedDatasources(database, organisation)).find((candidate) => candidate.name === meant);
  if (connected !== undefined) return connected;
  throw new RequestError('UNKNOWN_CONNECTION', `The organisation ${organisation} has no connection of the datasource ${meant}.`, {
    remedy: 'Create one with POST /api/v1/connections, or `datasources connect`.',
  });
}
