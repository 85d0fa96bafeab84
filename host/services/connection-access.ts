import type { Actor } from '../domain/caller.ts';
import { recording } from '../store/changes.ts';
import { getConnectionAccess, setAccessMaxAge } from '../store/connection-access.ts';
import type { Database } from '../store/database.ts';
import { unknownConnection } from './call-targets.ts';
import type { OrganisationService } from './services.ts';

/** How fresh it is what a source said of who may see what. */
export interface ConnectionAccess {
  readAtMs: number | undefined;
  groupsAtMs: number | undefined;
  groups: number;
  /** How long it is believed. */
  maxAgeMs: number;
  /** Whether it is too old: documents whose access names groups are hidden from people, or all that there are. */
  stale: boolean;
}

export interface ConnectionAccessService {
  /** UNKNOWN_ORGANISATION, UNKNOWN_CONNECTION. */
  get(organisation: string, connection: string): Promise<ConnectionAccess>;
  /** In milliseconds; null: as the host is set. Takes effect with the next question. As `get`. */
  setMaxAge(organisation: string, connection: string, maxAgeMs: number | null, actor: Actor): Promise<ConnectionAccess>;
}

export interface ConnectionAccessOptions {
  database: Database;
  organisations: OrganisationService;
  maxAgeMs: number;
}

export function createConnectionAccess(options: ConnectionAccessOptions): ConnectionAccessService {
  const { database, organisations } = options;
  const service: ConnectionAccessService = {
    async get(organisation, connection) {
      await organisations.get(organisation);
      const stored = await getConnectionAccess(database, organisation, connection);
      if (stored === undefined) throw unknownConnection(connection);
      const { readAtMs, groupsAtMs, groups, namesGroups } = stored;
      const maxAgeMs = stored.maxAgeMs ?? options.maxAgeMs;
      const confirmedAtMs = namesGroups ? (groupsAtMs ?? 0) : Math.max(readAtMs ?? 0, groupsAtMs ?? 0);
      return { readAtMs, groupsAtMs, groups, maxAgeMs, stale: confirmedAtMs <= Date.now() - maxAgeMs };
    },

    async setMaxAge(organisation, connection, maxAgeMs, actor) {
      const before = await service.get(organisation, connection);
      const recorded = recording(database, {
        actor,
        organisation,
        action: 'connection.access-age',
        target: `connection/${connection}`,
        before: { maxAgeMs: before.maxAgeMs },
        after: { maxAgeMs },
      });
      if (!(await setAccessMaxAge(recorded, { organisation, id: connection }, maxAgeMs))) throw unknownConnection(connection);
      return service.get(organisation, connection);
    },
  };
  return service;
}
