import { callersWith } from './access.ts';
import { ORGANISATION } from './organisation-parameter.ts';
import { RUN_KINDS, RUN_STATES } from '../domain/run-kind.ts';
import { choice, requiredText, text } from './parameters.ts';
import { accepted, defineRoute, noBody, ok, optionalBody, type Route } from './route.ts';
import { PAGE, toPageBody, toPageInput } from './shapes/page.ts';
import { present } from './shapes/present.ts';
import { toFailedItemBody, toHeldDocumentBody, toRunBody } from './shapes/run.ts';

const ONE_RUN = {
  pathParameters: { id: requiredText('The id of the run.', '01KATM4X7Z6V0R1Q2W3E4R5T6Y') },
  queryParameters: { organisation: ORGANISATION },
  tag: 'Runs',
} as const;

export function runRoutes(): Route[] {
  return [...collectionRoutes(), ...oneRunRoutes(), ...heldRoutes(), ...failedItemRoutes()];
}

function collectionRoutes(): Route[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/api/v1/connections/{id}/runs',
      operationId: 'startRun',
      access: callersWith('operator', 'query'),
      tag: 'Runs',
      summary: 'Start a run',
      description:
        'Begins to read a connection and answers at once. Follow the run at the address in `Location`. Runs also come by themselves: see the schedule of the connection.',
      pathParameters: { id: requiredText('The id of the connection.', '01KATM4X7Z6V0R1Q2W3E4R5T6Y') },
      queryParameters: { organisation: ORGANISATION },
      body: optionalBody('RunInput'),
      success: accepted('Run', 'The queued run.', ({ id, organisation }) => `/api/v1/runs/${id}?organisation=${organisation}`),
      errors: [
        'UNKNOWN_ORGANISATION',
        'UNKNOWN_CONNECTION',
        'DATASOURCE_DISABLED',
        'UNKNOWN_FEATURE',
        'CREDENTIAL_MISSING',
        'RUN_IN_PROGRESS',
        'CONNECTION_PAUSED',
      ],
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
        state: choice('Only runs in this state.', RUN_STATES),
        kind: choice('Only runs of this kind.', RUN_KINDS),
        ...PAGE,
      },
      body: noBody(),
      success: ok('RunPage', 'A page of runs.'),
      errors: ['UNKNOWN_ORGANISATION'],
      handle: async (services, { query }) => {
        const { connection, state, kind } = query;
        return toPageBody(
          await services.runs.list(query.organisation, present({ connection, state, kind }), toPageInput(query)),
          toRunBody,
        );
      },
    }),
  ];
}

function oneRunRoutes(): Route[] {
  return [
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
      description:
        'Ends a run within its current call. What it has committed stays, and the next run goes on from there. A held one is dismissed.',
      body: noBody(),
      success: ok('Run', 'The run as it is now.'),
      errors: ['UNKNOWN_ORGANISATION', 'UNKNOWN_RUN', 'RUN_NOT_ACTIVE', 'RUN_NOT_HELD'],
      handle: async (services, { path, query, actor }) => toRunBody(await services.runs.cancel(query.organisation, path.id, actor)),
    }),
  ];
}

/** Prunes that wait for an operator. */
function heldRoutes(): Route[] {
  return [
    defineRoute({
      ...ONE_RUN,
      method: 'GET',
      path: '/api/v1/runs/{id}/held',
      operationId: 'listHeld',
      access: callersWith('operator', 'query'),
      summary: 'List what a held prune would remove',
      description: 'The documents that were not listed any more, in pages. `GET /api/v1/runs?state=held` lists the runs.',
      queryParameters: { organisation: ORGANISATION, ...PAGE },
      body: noBody(),
      success: ok('HeldDocumentPage', 'A page of documents.'),
      errors: ['UNKNOWN_ORGANISATION', 'UNKNOWN_RUN', 'RUN_NOT_HELD'],
      handle: async (services, { path, query }) =>
        toPageBody(await services.runs.held(query.organisation, path.id, toPageInput(query)), toHeldDocumentBody),
    }),
    defineRoute({
      ...ONE_RUN,
      method: 'POST',
      path: '/api/v1/runs/{id}/approve',
      operationId: 'approveRun',
      access: callersWith('operator', 'query'),
      summary: 'Let a held prune go on',
      description:
        'Asks the source once more, and removes those of the documents it was held for that are still not listed. Nothing else is removed.',
      body: noBody(),
      success: ok('Run', 'The run as it is now.'),
      errors: ['UNKNOWN_ORGANISATION', 'UNKNOWN_RUN', 'RUN_NOT_HELD', 'RUN_IN_PROGRESS', 'CONNECTION_PAUSED'],
      handle: async (services, { path, query, actor }) => toRunBody(await services.runs.approve(query.organisation, path.id, actor)),
    }),
    defineRoute({
      ...ONE_RUN,
      method: 'POST',
      path: '/api/v1/runs/{id}/dismiss',
      operationId: 'dismissRun',
      access: callersWith('operator', 'query'),
      summary: 'Dismiss a held prune',
      description: 'Ends it. Nothing is removed; the next prune judges anew.',
      body: noBody(),
      success: ok('Run', 'The run as it is now.'),
      errors: ['UNKNOWN_ORGANISATION', 'UNKNOWN_RUN', 'RUN_NOT_HELD'],
      handle: async (services, { path, query, actor }) => toRunBody(await services.runs.dismiss(query.organisation, path.id, actor)),
    }),
  ];
}

function failedItemRoutes(): Route[] {
  const ofConnection = { id: requiredText('The id of the connection.', '01KATM4X7Z6V0R1Q2W3E4R5T6Y') };
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/connections/{id}/failed-items',
      operationId: 'listFailedItems',
      access: callersWith(['operator', 'author'], 'query'),
      tag: 'Runs',
      summary: 'List failed items',
      description:
        'Items of a connection that are not, or not wholly, in the index, each with its reason, in pages. One that comes well later is off the list.',
      pathParameters: ofConnection,
      queryParameters: { organisation: ORGANISATION, ...PAGE },
      body: noBody(),
      success: ok('FailedItemPage', 'A page of failed items.'),
      errors: ['UNKNOWN_ORGANISATION', 'UNKNOWN_CONNECTION'],
      handle: async (services, { path, query }) =>
        toPageBody(await services.runs.failedItems(query.organisation, path.id, toPageInput(query)), toFailedItemBody),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/connections/{id}/failed-items/retry',
      operationId: 'retryFailedItems',
      access: callersWith('operator', 'query'),
      tag: 'Runs',
      summary: 'Take failed items up again',
      description: 'Starts a run that works on the failed items that the host has kept, and on nothing else. The source is not asked.',
      pathParameters: ofConnection,
      queryParameters: { organisation: ORGANISATION },
      body: noBody(),
      success: accepted('Run', 'The queued run.', ({ id, organisation }) => `/api/v1/runs/${id}?organisation=${organisation}`),
      errors: ['UNKNOWN_ORGANISATION', 'UNKNOWN_CONNECTION', 'NOTHING_TO_RETRY', 'RUN_IN_PROGRESS', 'CONNECTION_PAUSED'],
      handle: async (services, { path, query, actor }) => toRunBody(await services.runs.retryFailed(query.organisation, path.id, actor)),
    }),
  ];
}
