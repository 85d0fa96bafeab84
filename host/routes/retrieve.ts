import type { ApiSchemas } from '../generated/api.ts';
import type { RetrievalInput } from '../services/retrieval/retrieval-service.ts';
import { callersWith } from './access.ts';
import { ORGANISATION_OR_BODY, organisationOf } from './organisation-parameter.ts';
import { defineRoute, ok, requiredBody, type Route } from './route.ts';
import { toRetrievalBody } from './shapes/retrieval.ts';

const DEFAULT_K = 10;
const DEFAULT_LIVE_DEADLINE_MS = 3_000;

export function retrieveRoutes(): Route[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/api/v1/retrieve',
      operationId: 'retrieve',
      access: callersWith('reader', 'query-or-body'),
      tag: 'Retrieval',
      summary: 'Find passages that answer a question',
      description:
        'Searches what was indexed for one organisation and gives the best passages with their links. With `person` it looks at exactly what that person may see, which needs the scope `on-behalf-of`. Without, callers that may see everything of the organisation (`operator`, `admin`) get everything, and all others public documents only.',
      pathParameters: {},
      queryParameters: { organisation: ORGANISATION_OR_BODY },
      body: requiredBody('RetrievalInput'),
      success: ok('Retrieval', 'The best passages, best first; none when nothing fits.'),
      errors: ['UNKNOWN_ORGANISATION', 'UNKNOWN_DATASOURCE', 'UNKNOWN_PERSON'],
      handle: async (services, { query, body: { organisation, person, ...question }, caller, actor }) => {
        const asker = { caller, requestId: actor.requestId, ...(person === undefined ? {} : { person }) };
        const input = { ...toInput(question), organisation: organisationOf(query, { organisation }), asker };
        return toRetrievalBody(await services.retrieval.retrieve(input));
      },
    }),
  ];
}

function toInput(body: Omit<ApiSchemas['RetrievalInput'], 'organisation' | 'person'>): Omit<RetrievalInput, 'organisation' | 'asker'> {
  const { k = DEFAULT_K, updatedAfter, updatedBefore, live = false, liveDeadlineMs = DEFAULT_LIVE_DEADLINE_MS, ...input } = body;
  return {
    ...input,
    k,
    ...(updatedAfter === undefined ? {} : { updatedFromMs: Date.parse(updatedAfter) }),
    ...(updatedBefore === undefined ? {} : { updatedBeforeMs: Date.parse(updatedBefore) }),
    ...(live ? { live: { deadlineMs: liveDeadlineMs } } : {}),
  };
}
