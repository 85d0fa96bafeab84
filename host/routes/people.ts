import { callersWith } from './access.ts';
import { ORGANISATION, ORGANISATION_OR_BODY, organisationOf } from './organisation-parameter.ts';
import { requiredText, text } from './parameters.ts';
import { created, defineRoute, done, noBody, ok, requiredBody, type Route } from './route.ts';
import { PAGE, toPageBody, toPageInput } from './shapes/page.ts';
import { toPersonBody, toPersonQuestionBody, toPrincipalBody } from './shapes/person.ts';
import { present } from './shapes/present.ts';
import { PERSON } from './things.ts';

const ONE_PERSON = {
  pathParameters: { id: requiredText('The id of the person, or any address of theirs.', 'ada@acme.example') },
  queryParameters: { organisation: ORGANISATION },
  tag: 'People',
} as const;

export function peopleRoutes(): Route[] {
  return [...collectionRoutes(), ...reportRoutes(), ...onePersonRoutes()];
}

function collectionRoutes(): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/people',
      operationId: 'listPeople',
      access: callersWith('operator', 'query'),
      tag: 'People',
      summary: 'List people',
      description: 'The people of one organisation by id, with their addresses and accounts, in pages.',
      pathParameters: {},
      queryParameters: { organisation: ORGANISATION, ...PAGE },
      body: noBody(),
      success: ok('PersonPage', 'A page of people.'),
      errors: [],
      handle: async (services, { query }) => toPageBody(await services.people.list(query.organisation, toPageInput(query)), toPersonBody),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/people',
      operationId: 'createPerson',
      makes: true,
      access: callersWith('operator', 'query-or-body'),
      tag: 'People',
      summary: 'Create a person',
      description:
        'Makes somebody known, so that questions can be asked for them: only then is anything found for them, public documents included.',
      pathParameters: {},
      queryParameters: { organisation: ORGANISATION_OR_BODY },
      body: requiredBody('PersonInput'),
      success: created('Person', 'The new person.', ({ id, organisation }) => `/api/v1/people/${id}?organisation=${organisation}`),
      errors: ['UNKNOWN_ORGANISATION', 'UNKNOWN_CONNECTION', 'CONFLICT'],
      handle: async (services, { query, body: { organisation, ...input }, actor }) =>
        toPersonBody(await services.people.create(organisationOf(query, { organisation }), input, actor)),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/people/import',
      operationId: 'importPeople',
      access: callersWith('operator', 'query-or-body'),
      tag: 'People',
      summary: 'Create or change many people',
      description:
        'Creates whoever has an address that is nobody’s yet, and changes the others. It stops at the first that is refused; those before it stay, and the import may be sent again.',
      pathParameters: {},
      queryParameters: { organisation: ORGANISATION_OR_BODY },
      body: requiredBody('PersonImportInput'),
      success: ok('PersonImport', 'What came of it.'),
      errors: ['UNKNOWN_ORGANISATION', 'UNKNOWN_CONNECTION', 'CONFLICT'],
      handle: async (services, { query, body: { organisation, people }, actor }) =>
        services.people.import(organisationOf(query, { organisation }), people, actor),
    }),
  ];
}

function reportRoutes(): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/unmapped-accounts',
      operationId: 'listUnmappedAccounts',
      access: callersWith('operator', 'query'),
      tag: 'People',
      summary: 'List accounts that are nobody’s',
      description:
        'Accounts that documents or groups of the sources name and that belong to no known person. Give them to a person with PATCH /api/v1/people/{id}. In pages.',
      pathParameters: {},
      queryParameters: { organisation: ORGANISATION, ...PAGE },
      body: noBody(),
      success: ok('UnmappedAccountPage', 'A page of accounts.'),
      errors: [],
      handle: async (services, { query }) =>
        toPageBody(await services.people.unmapped(query.organisation, toPageInput(query)), (account) => present(account)),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/person-questions',
      operationId: 'listPersonQuestions',
      access: callersWith('admin', 'query'),
      tag: 'People',
      summary: 'Read who asked for whom',
      description: 'Every question that a caller asked for a person, refused ones included, newest first: who asked, not what. In pages.',
      pathParameters: {},
      queryParameters: {
        organisation: ORGANISATION,
        person: text('Only for this person, by id or address.', { fallback: undefined, maxLength: 320 }),
        ...PAGE,
      },
      body: noBody(),
      success: ok('PersonQuestionPage', 'A page of the record.'),
      errors: [],
      handle: async (services, { query }) => {
        const filter = query.person === undefined ? {} : { person: query.person };
        return toPageBody(await services.questions.list(query.organisation, filter, toPageInput(query)), toPersonQuestionBody);
      },
    }),
  ];
}

function onePersonRoutes(): Route[] {
  return [
    defineRoute({
      ...ONE_PERSON,
      method: 'GET',
      path: '/api/v1/people/{id}',
      operationId: 'getPerson',
      of: PERSON,
      access: callersWith('operator', 'query'),
      summary: 'Read a person',
      description: 'One person by id or address.',
      body: noBody(),
      success: ok('Person', 'The person.'),
      errors: ['UNKNOWN_PERSON'],
      handle: async (services, { path, query }) => toPersonBody(await services.people.get(query.organisation, path.id)),
    }),
    defineRoute({
      ...ONE_PERSON,
      method: 'PATCH',
      path: '/api/v1/people/{id}',
      operationId: 'changePerson',
      of: PERSON,
      access: callersWith('operator', 'query'),
      summary: 'Change a person',
      description: 'Changes what the body names and leaves the rest. It takes effect with the next question.',
      body: requiredBody('PersonChange'),
      success: ok('Person', 'The person as they are now.'),
      errors: ['UNKNOWN_PERSON', 'UNKNOWN_CONNECTION', 'CONFLICT'],
      handle: async (services, { path, query, body, actor }) =>
        toPersonBody(await services.people.change(query.organisation, path.id, body, actor)),
    }),
    defineRoute({
      ...ONE_PERSON,
      method: 'DELETE',
      path: '/api/v1/people/{id}',
      operationId: 'deletePerson',
      of: PERSON,
      access: callersWith('operator', 'query'),
      summary: 'Forget a person',
      description: 'Forgets them with their addresses and accounts. From then on a question for them is refused.',
      body: noBody(),
      success: done('The person is not known any more.'),
      errors: ['UNKNOWN_PERSON'],
      handle: (services, { path, query, actor }) => services.people.remove(query.organisation, path.id, actor),
    }),
    defineRoute({
      ...ONE_PERSON,
      method: 'GET',
      path: '/api/v1/people/{id}/principals',
      operationId: 'listPersonPrincipals',
      access: callersWith('operator', 'query'),
      summary: 'Read what a person is to the sources',
      description: 'Addresses, domains, accounts, and groups of any depth, as far as a source has named them.',
      body: noBody(),
      success: ok('PersonPrincipals', 'All principals of the person.'),
      errors: ['UNKNOWN_PERSON'],
      handle: async (services, { path, query }) => ({
        items: (await services.people.principals(query.organisation, path.id)).map(toPrincipalBody),
      }),
    }),
  ];
}
