import { callersWith } from './access.ts';
import { AUDIT_KINDS } from '../domain/audit.ts';
import { ORGANISATION } from './organisation-parameter.ts';
import { choice, requiredText } from './parameters.ts';
import { defineRoute, noBody, ok, type Route } from './route.ts';
import { toAuditEventBody } from './shapes/audit.ts';
import { PAGE, toPageBody, toPageInput } from './shapes/page.ts';

export function auditRoutes(): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/connections/{id}/audit',
      operationId: 'listAuditEvents',
      access: callersWith(['operator', 'author'], 'query'),
      tag: 'Connections',
      summary: 'Read the record of a connection',
      description:
        'What a connection asked for, what it was denied and by what line it would be allowed, why its calls were ended, and what its datasource was granted: newest first, in pages. Requests are listed about a quarter of a second after they ended, all else at once.',
      pathParameters: { id: requiredText('The id of the connection.', '01KATM4X7Z6V0R1Q2W3E4R5T6Y') },
      queryParameters: { organisation: ORGANISATION, kind: choice('Only events of this kind.', AUDIT_KINDS), ...PAGE },
      body: noBody(),
      success: ok('AuditPage', 'A page of events.'),
      errors: ['UNKNOWN_ORGANISATION', 'UNKNOWN_CONNECTION'],
      handle: async (services, { path, query }) => {
        const filter = query.kind === undefined ? {} : { kind: query.kind };
        return toPageBody(await services.audit.list(query.organisation, path.id, filter, toPageInput(query)), toAuditEventBody);
      },
    }),
  ];
}
