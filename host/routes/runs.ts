import { callersWith } from './access.ts';
import { ORGANISATION } from './organisation-parameter.ts';
import { requiredText, text } from './parameters.ts';
import { accepted, defineRoute, noBody, ok, optionalBody, type Route } from './route.ts';
import { PAGE, toPageBody, toPageInput } from './shapes/page.ts';
import { toRunBody } from './shapes/run.ts';

const ONE_RUN = {
  pathParameters: { id: requiredText('The id of the run.', '01KATM4X7Z6V0R1Q2W3E4R5T6Y') },
  queryParameters: { organisation: ORGANISATION },
  tag: 'Runs',
} as const;

export function runRoutes(): Route[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/api/v1/connections/{id}/runs',
      operationId: 'startRun',
      access: callersWith('operator', 'query'),
      tag: 'Runs',
      summary: 'Start a run',
      description: 'Begins to index a connection and answers at once. Follow the run at the address in `Location`.',
      pathParameters: { id: requiredText('The id of the connection.', '01KATM4X7Z6V0R1Q2W3E4R5T6Y') },
      queryParameters: { organisation: ORGANISATION },
      body: optionalBody('RunInput'),
      success: accepted('Run', 'The queued run.', ({ id, organisation }) => `/api/v1/runs/${id}?organisation=${organisation}`),
      errors: ['UNKNOWN_ORGANISATION', 'UNKNOWN_CONNECTION', 'UNKNOWN_FEATURE', 'CREDENTIAL_MISSING', 'RUN_IN_PROGRESS'],
      handle: async (services, { path, query, body, actor }) =>
        toRunBody(await services.runs.start(query.organisation, path.id, body, actor)),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/runs',
      operationId: 'listRuns',
      access: callersWith(['operator', 'author'], 'query'),
      tag: 'Runs',
      summary: 'List runs',
      description: 'The runs of one organisation, newest first, in pages.',
      pathParameters: {},
      queryParameters: {
        organisation: ORGANISATION,
        connection: text('Only runs of this connection.', { fallback: undefined, maxLength: 200 }),
        ...PAGE,
      },
      body: noBody(),
      success: ok('RunPage', 'A page of runs.'),
      errors: ['UNKNOWN_ORGANISATION'],
      handle: async (services, { query }) => {
        const filter = query.connection === undefined ? {} : { connection: query.connection };
        return toPageBody(await services.runs.list(query.organisation, filter, toPageInput(query)), toRunBody);
      },
    }),
    defineRoute({
      ...ONE_RUN,
      method: 'GET',
      path: '/api/v1/runs/{id}',
      operationId: 'getRun',
      access: callersWith(['operator', 'author'], 'query'),
      summary: 'Read a run',
      description: 'One run by its id, with how far each feature has come.',
      body: noBody(),
      success: ok('Run', 'The run.'),
      errors: ['UNKNOWN_ORGANISATION', 'UNKNOWN_RUN'],
      handle: async (services, { path, query }) => toRunBody(await services.runs.get(query.organisation, path.id)),
    }),
    defineRoute({
      ...ONE_RUN,
      method: 'POST',
      path: '/api/v1/runs/{id}/cancel',
      operationId: 'cancelRun',
      access: callersWith('operator', 'query'),
      summary: 'Cancel a run',
      description: 'Ends a run within its current call. What it has committed stays, and the next run goes on from there.',
      body: noBody(),
      success: ok('Run', 'The run as it is now.'),
      errors: ['UNKNOWN_ORGANISATION', 'UNKNOWN_RUN', 'RUN_NOT_ACTIVE'],
      handle: async (services, { path, query, actor }) => toRunBody(await services.runs.cancel(query.organisation, path.id, actor)),
    }),
  ];
}
