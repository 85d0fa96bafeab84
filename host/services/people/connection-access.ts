import { recording } from '../../store/changes.ts';
import { getConnectionAccess, setAccessMaxAge } from '../../store/connection-access.ts';
import type { Database } from '../../store/database.ts';
import { unknownConnection } from '../connections/call-targets.ts';
import type { ConnectionAccessService } from './people-services.ts';
import type { OrganisationService } from './organisation-service.ts';

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
