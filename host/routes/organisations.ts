import { callersWith } from './access.ts';
import { requiredText } from './parameters.ts';
import { created, defineRoute, noBody, ok, requiredBody, type Route } from './route.ts';
import { PAGE, toPageBody, toPageInput } from './shapes/page.ts';
import { toOrganisationBody } from './shapes/organisation.ts';

export function organisationRoutes(): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/organisations',
      operationId: 'listOrganisations',
      access: callersWith(['reader', 'author'], 'caller'),
      tag: 'Organisations',
      summary: 'List organisations',
      description: 'Every organisation of this host, by id; a caller of one organisation sees that one.',
      pathParameters: {},
      queryParameters: PAGE,
      body: noBody(),
      success: ok('OrganisationPage', 'A page of organisations.'),
      errors: [],
      handle: async (services, { caller, query }) =>
        toPageBody(await services.organisations.list(caller, toPageInput(query)), toOrganisationBody),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/organisations',
      operationId: 'createOrganisation',
      access: callersWith('admin', 'host'),
      tag: 'Organisations',
      summary: 'Create an organisation',
      description: 'The id is chosen by the caller and cannot be changed later. `default` exists from the start.',
      pathParameters: {},
      queryParameters: {},
      body: requiredBody('OrganisationInput'),
      success: created('Organisation', 'The new organisation.', ({ id }) => `/api/v1/organisations/${id}`),
      errors: ['CONFLICT'],
      handle: async (services, { body, actor }) => toOrganisationBody(await services.organisations.create(body, actor)),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/organisations/{id}',
      operationId: 'getOrganisation',
      access: callersWith(['reader', 'author'], { path: 'id' }),
      tag: 'Organisations',
      summary: 'Read an organisation',
      description: 'One organisation by its id.',
      pathParameters: { id: requiredText('The id of the organisation.', 'default') },
      queryParameters: {},
      body: noBody(),
      success: ok('Organisation', 'The organisation.'),
      errors: ['UNKNOWN_ORGANISATION'],
      handle: async (services, { path }) => toOrganisationBody(await services.organisations.get(path.id)),
    }),
  ];
}
