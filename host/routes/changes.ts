import { callersWith } from './access.ts';
import { text } from './parameters.ts';
import { defineRoute, noBody, ok, textStream, type Route } from './route.ts';
import { toChainVerdictBody, toChangeBody } from './shapes/change.ts';
import { PAGE, toPageBody, toPageInput } from './shapes/page.ts';

const WHOSE = text('Whose log. A caller of one organisation means its own when it is left out, a caller of the host that of the host.', {
  fallback: undefined,
  maxLength: 63,
});

export function changeRoutes(): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/changes',
      operationId: 'listChanges',
      access: callersWith('admin', 'query'),
      tag: 'Changes',
      summary: 'Read the log of changes',
      description: 'Who changed what, and who was refused: newest first, in pages. Entries are never altered and never taken out.',
      pathParameters: {},
      queryParameters: { organisation: WHOSE, ...PAGE },
      body: noBody(),
      success: ok('ChangePage', 'A page of entries.'),
      errors: [],
      handle: async (services, { query }) => toPageBody(await services.changes.list(query.organisation, toPageInput(query)), toChangeBody),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/changes/export',
      operationId: 'exportChanges',
      access: callersWith('admin', 'query'),
      tag: 'Changes',
      summary: 'Export the log of changes',
      description:
        'The whole log, oldest first, a JSON object a line: `sequence`, `entry` (the text that was hashed), `previous` and `hash`. Whoever has it can verify it without this host.',
      pathParameters: {},
      queryParameters: { organisation: WHOSE },
      body: noBody(),
      success: textStream('application/x-ndjson', 'The log as JSON lines.'),
      errors: [],
      handle: async (services, { query }) => services.changes.exportLines(query.organisation),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/changes/verification',
      operationId: 'verifyChanges',
      access: callersWith('admin', 'query'),
      tag: 'Changes',
      summary: 'Verify the log of changes',
      description: 'Computes every hash of the log again and says where it is broken, if it is.',
      pathParameters: {},
      queryParameters: { organisation: WHOSE },
      body: noBody(),
      success: ok('ChainVerdict', 'What was found.'),
      errors: [],
      handle: async (services, { query }) => toChainVerdictBody(await services.changes.verify(query.organisation)),
    }),
  ];
}
