import { callersWith } from './access.ts';
import { ORGANISATION } from './organisation-parameter.ts';
import { requiredText } from './parameters.ts';
import { defineRoute, noBody, ok, requiredBody, type Route } from './route.ts';
import { toVariableListBody } from './shapes/authorisation.ts';
import { DATASOURCE, VARIABLES } from './things.ts';

const OF_DATASOURCE = { name: requiredText('The name of the datasource.', 'github') };

/** Of one organisation below its query parameter, and of the whole host below an address of its own: who may set them differs. */
export function variableRoutes(): Route[] {
  return [...organisationRoutes(), ...hostRoutes()];
}

function organisationRoutes(): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/datasources/{name}/variables',
      operationId: 'listVariables',
      of: VARIABLES,
      access: callersWith('admin', 'query'),
      tag: 'Authorisations',
      summary: 'List the variables of a datasource',
      description:
        "The manifest's `env_vars`, such as client ids and secrets: whether each has a value, and for whom it was set. Never a value.",
      pathParameters: OF_DATASOURCE,
      queryParameters: { organisation: ORGANISATION },
      body: noBody(),
      success: ok('VariableList', 'Every variable.'),
      errors: ['UNKNOWN_DATASOURCE', 'UNKNOWN_ORGANISATION'],
      handle: async (services, { path, query }) => toVariableListBody(await services.variables.list(query.organisation, path.name)),
    }),
    defineRoute({
      method: 'PATCH',
      path: '/api/v1/datasources/{name}/variables',
      operationId: 'setVariables',
      of: VARIABLES,
      access: callersWith('admin', 'query'),
      tag: 'Authorisations',
      summary: 'Set variables of a datasource for an organisation',
      description: 'They count before those of the host. Values are sealed, used by the host alone, and never shown again.',
      pathParameters: OF_DATASOURCE,
      queryParameters: { organisation: ORGANISATION },
      body: requiredBody('VariableChange'),
      success: ok('VariableList', 'Every variable.'),
      errors: ['UNKNOWN_DATASOURCE', 'UNKNOWN_ORGANISATION'],
      handle: async (services, { path, query, body, actor }) =>
        toVariableListBody(await services.variables.set(query.organisation, path.name, body.values, actor)),
    }),
  ];
}

function hostRoutes(): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/datasources/{name}/host-variables',
      operationId: 'listHostVariables',
      of: DATASOURCE,
      access: callersWith('admin', 'host'),
      tag: 'Authorisations',
      summary: 'List the variables of a datasource for all organisations',
      description: 'Those that count where an organisation has none of its own. Never a value.',
      pathParameters: OF_DATASOURCE,
      queryParameters: {},
      body: noBody(),
      success: ok('VariableList', 'Every variable.'),
      errors: ['UNKNOWN_DATASOURCE'],
      handle: async (services, { path }) => toVariableListBody(await services.variables.list(undefined, path.name)),
    }),
    defineRoute({
      method: 'PATCH',
      path: '/api/v1/datasources/{name}/host-variables',
      operationId: 'setHostVariables',
      of: DATASOURCE,
      access: callersWith('admin', 'host'),
      tag: 'Authorisations',
      summary: 'Set variables of a datasource for all organisations',
      description: 'Values are sealed, used by the host alone, and never shown again.',
      pathParameters: OF_DATASOURCE,
      queryParameters: {},
      body: requiredBody('VariableChange'),
      success: ok('VariableList', 'Every variable.'),
      errors: ['UNKNOWN_DATASOURCE'],
      handle: async (services, { path, body, actor }) =>
        toVariableListBody(await services.variables.set(undefined, path.name, body.values, actor)),
    }),
  ];
}
