import { listAuditEvents } from '../../store/audit.ts';
import type { Database } from '../../store/database.ts';
import type { AuditService } from './record-services.ts';
import type { ConnectionService } from '../connections/connection-service.ts';

export function createAudit({ database, connections }: { database: Database; connections: ConnectionService }): AuditService {
  return {
    async list(organisation, id, filter, page) {
      const { datasource } = await connections.get(organisation, id);
      return listAuditEvents(database, { organisation, connection: id, datasource }, filter, page);
    },
  };
}
