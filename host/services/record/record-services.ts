import type { AuditEvent, AuditKind } from '../../domain/audit.ts';
import type { Page, PageInput } from '../page.ts';

export interface AuditService {
  /**
   * What a connection asked for, was denied and was ended for, with what its datasource was granted; newest first.
   * UNKNOWN_CONNECTION, INVALID_REQUEST.
   */
  list(organisation: string, connection: string, filter: { kind?: AuditKind }, page: PageInput): Promise<Page<AuditEvent>>;
}

export interface MetricsService {
  /** All metrics of this host since its start, in the text format of Prometheus 0.0.4. */
  text(): Promise<string>;
}
