import { callersWith } from './access.ts';
import { ORGANISATION, ORGANISATION_OR_BODY, organisationOf } from './organisation-parameter.ts';
import { requiredText } from './parameters.ts';
import { created, defineRoute, done, noBody, ok, requiredBody, type Route } from './route.ts';
import { toConnectionBody, toConnectionCheckBody } from './shapes/connection.ts';
import { PAGE, toPageBody, toPageInput } from './shapes/page.ts';
import { CONNECTION } from './things.ts';

const ONE_CONNECTION = {
  pathParameters: { id: requiredText('The id of the connection.', '01KATM4X7Z6V0R1Q2W3E4R5T6Y') },
  queryParameters: { organisation: ORGANISATION },
  tag: 'Connections',
} as const;

export function connectionRoutes(): Route[] {
  return [...collectionRoutes(), ...oneConnectionRoutes()];
}

function collectionRoutes(): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/connections',
      operationId: 'listConnections',
      access: callersWith(['operator', 'author'], 'query'),
      tag: 'Connections',
      summary: 'List connections',
      description: 'The connections of one organisation, in pages.',
      pathParameters: {},
      queryParameters: { organisation: ORGANISATION, ...PAGE },
      body: noBody(),
      success: ok('ConnectionPage', 'A page of connections.'),
      errors: ['UNKNOWN_ORGANISATION'],
      handle: async (services, { query }) =>
        toPageBody(await services.connections.list(query.organisation, toPageInput(query)), toConnectionBody),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/connections',
      operationId: 'createConnection',
      makes: true,
      access: callersWith('operator', 'query-or-body'),
      tag: 'Connections',
      summary: 'Create a connection',
      description: 'Sets an installed datasource up for an organisation. Nothing is read yet: check the connection, then start a run.',
      pathParameters: {},
      queryParameters: { organisation: ORGANISATION_OR_BODY },
      body: requiredBody('ConnectionInput'),
      success: created(
        'Connection',
        'The new connection.',
        ({ id, organisation }) => `/api/v1/connections/${id}?organisation=${organisation}`,
      ),
      errors: ['UNKNOWN_ORGANISATION', 'UNKNOWN_DATASOURCE', 'UNKNOWN_FEATURE', 'FEATURE_DEPENDENCY', 'INVALID_CONFIG', 'DATASOURCE_FAULT'],
      handle: async (services, { query, body: { organisation, ...input }, actor }) =>
        toConnectionBody(await services.connections.create(organisationOf(query, { organisation }), input, actor)),
    }),
  ];
}

function oneConnectionRoutes(): Route[] {
  return [
    defineRoute({
      ...ONE_CONNECTION,
      method: 'GET',
      path: '/api/v1/connections/{id}',
      operationId: 'getConnection',
      of: CONNECTION,
      access: callersWith(['operator', 'author'], 'query'),
      summary: 'Read a connection',
      description: 'One connection by its id, with how much of it is indexed.',
      body: noBody(),
      success: ok('Connection', 'The connection.'),
      errors: ['UNKNOWN_ORGANISATION', 'UNKNOWN_CONNECTION'],
      handle: async (services, { path, query }) => toConnectionBody(await services.connections.get(query.organisation, path.id)),
    }),
    defineRoute({
      ...ONE_CONNECTION,
      method: 'PATCH',
      path: '/api/v1/connections/{id}',
      operationId: 'changeConnection',
      of: CONNECTION,
      access: callersWith('operator', 'query'),
      summary: 'Change a connection',
      description: 'Changes what the body names and leaves the rest. It takes effect from the next batch on.',
      body: requiredBody('ConnectionChange'),
      success: ok('Connection', 'The connection as it is now.'),
      errors: [
        'UNKNOWN_ORGANISATION',
        'UNKNOWN_CONNECTION',
        'UNKNOWN_FEATURE',
        'FEATURE_DEPENDENCY',
        'INVALID_CONFIG',
        'DATASOURCE_FAULT',
        'CONFLICT',
      ],
      handle: async (services, { path, query, body, actor }) =>
        toConnectionBody(await services.connections.change(query.organisation, path.id, body, actor)),
    }),
    defineRoute({
      ...ONE_CONNECTION,
      method: 'DELETE',
      path: '/api/v1/connections/{id}',
      operationId: 'deleteConnection',
      of: CONNECTION,
      access: callersWith('operator', 'query'),
      summary: 'Delete a connection',
      description: 'Removes it with its credential, documents, passages, checkpoints, collections and runs. Cancel its run first.',
      body: noBody(),
      success: done('The connection is gone.'),
      errors: ['UNKNOWN_ORGANISATION', 'UNKNOWN_CONNECTION', 'RUN_IN_PROGRESS'],
      handle: (services, { path, query, actor }) => services.connections.remove(query.organisation, path.id, actor),
    }),
    defineRoute({
      ...ONE_CONNECTION,
      method: 'POST',
      path: '/api/v1/connections/{id}/check',
      operationId: 'checkConnection',
      access: callersWith('operator', 'query'),
      summary: 'Check a connection',
      description:
        'Asks the datasource, in its sandbox, whether its settings and its credential work. An answer that they do not is a 200 with `ready` false.',
      body: noBody(),
      success: ok('ConnectionCheck', 'What the datasource found.'),
      errors: [
        'UNKNOWN_ORGANISATION',
        'UNKNOWN_CONNECTION',
        'DATASOURCE_DISABLED',
        'CREDENTIAL_MISSING',
        'UPSTREAM_FAULT',
        'DATASOURCE_FAULT',
      ],
      handle: async (services, { path, query }) => toConnectionCheckBody(await services.connections.check(query.organisation, path.id)),
    }),
  ];
}
