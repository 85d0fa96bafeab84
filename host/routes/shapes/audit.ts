import type { AuditEvent } from '../../domain/audit.ts';
import type { ApiSchemas } from '../../generated/api.ts';
import { present, toTimestamp } from './present.ts';

export function toAuditEventBody(event: AuditEvent): ApiSchemas['AuditEvent'] {
  const { id, atMs, kind, datasource, request, cause, reason, grant, missing } = event;
  return present({ id, at: toTimestamp(atMs), kind, datasource, request, cause, reason, grant, missing });
}
