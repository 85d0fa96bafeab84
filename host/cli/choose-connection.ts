import { RequestError } from '../domain/errors.ts';
import type { Connection } from '../services/connections/connection-service.ts';
import type { Services } from '../services/services.ts';
import { allPages } from './all-pages.ts';

/** The connection of an organisation with this id or, when one only has it, this name. UNKNOWN_CONNECTION. */
export async function chooseConnection({ connections }: Services, organisation: string, name: string): Promise<Connection> {
  return connectionNamed(await allPages((page) => connections.list(organisation, page)), name);
}

/** The same among connections that are at hand. */
export function connectionNamed(known: readonly Connection[], name: string): Connection {
  const byId = known.find(({ id }) => id === name);
  if (byId !== undefined) return byId;
  const [only, ...others] = known.filter((connection) => connection.name === name);
  if (only !== undefined && others.length === 0) return only;
  const reason =
    only === undefined ? `No connection has the id or the name "${name}".` : `${others.length + 1} connections are called "${name}".`;
  throw new RequestError('UNKNOWN_CONNECTION', reason, { remedy: 'See the ids with: datasources list' });
}
