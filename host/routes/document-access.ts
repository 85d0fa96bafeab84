import { RequestError } from '../domain/errors.ts';
import type { Whom } from '../services/people/people-services.ts';
import { callersWith } from './access.ts';
import { ORGANISATION } from './organisation-parameter.ts';
import { requiredText, text } from './parameters.ts';
import { defineRoute, noBody, ok, requiredBody, type Route } from './route.ts';
import { toAccessExplanationBody, toConnectionAccessBody } from './shapes/person.ts';
import { CONNECTION } from './things.ts';

const PRINCIPAL = /^(account|email|group|domain):(.+)$/su;
const HOUR_MS = 3_600_000;

export function documentAccessRoutes(): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/documents/{id}/access',
      operationId: 'explainAccess',
      access: callersWith('operator', 'query'),
      tag: 'People',
      summary: 'Explain why somebody may or may not see a document',
      description:
        'For a person, or for a principal as the source of the document names it: which sets of its access are satisfied, over which groups, and which are not.',
      pathParameters: { id: requiredText('The `documentId` of a passage.', '01KATM4X7Z6V0R1Q2W3E4R5T6Y') },
      queryParameters: {
        organisation: ORGANISATION,
        person: text('A person by id or address.', { fallback: undefined, maxLength: 320, example: 'ada@acme.example' }),
        principal: text('A principal of the connection: its kind, a colon, its id.', {
          fallback: undefined,
          maxLength: 600,
          example: 'account:octocat',
        }),
      },
      body: noBody(),
      success: ok('AccessExplanation', 'Whether they may see it, and why.'),
      errors: ['UNKNOWN_DOCUMENT', 'UNKNOWN_PERSON'],
      handle: async (services, { path, query }) =>
        toAccessExplanationBody(await services.access.explain(query.organisation, path.id, toWhom(query))),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/connections/{id}/access',
      operationId: 'getConnectionAccess',
      of: CONNECTION,
      access: callersWith('author', 'query'),
      tag: 'Connections',
      summary: 'Read how fresh the access of a connection is',
      description: 'When its source last said who may see what, and whether that is still believed.',
      pathParameters: { id: requiredText('The id of the connection.', '01KATM4X7Z6V0R1Q2W3E4R5T6Y') },
      queryParameters: { organisation: ORGANISATION },
      body: noBody(),
      success: ok('ConnectionAccess', 'How fresh it is.'),
      errors: ['UNKNOWN_CONNECTION'],
      handle: async (services, { path, query }) => toConnectionAccessBody(await services.connectionAccess.get(query.organisation, path.id)),
    }),
    defineRoute({
      method: 'PATCH',
      path: '/api/v1/connections/{id}/access',
      operationId: 'setConnectionAccess',
      of: CONNECTION,
      access: callersWith('operator', 'query'),
      tag: 'Connections',
      summary: 'Set how long the access of a connection is believed',
      description:
        'Who may see what is forgotten when the source has not confirmed it for so long: then only admins see its documents. It takes effect with the next question.',
      pathParameters: { id: requiredText('The id of the connection.', '01KATM4X7Z6V0R1Q2W3E4R5T6Y') },
      queryParameters: { organisation: ORGANISATION },
      body: requiredBody('ConnectionAccessChange'),
      success: ok('ConnectionAccess', 'How fresh it is.'),
      errors: ['UNKNOWN_CONNECTION'],
      handle: async (services, { path, query, body: { maxAgeHours }, actor }) => {
        const maxAgeMs = maxAgeHours === null ? null : Math.ceil(maxAgeHours * HOUR_MS);
        return toConnectionAccessBody(await services.connectionAccess.setMaxAge(query.organisation, path.id, maxAgeMs, actor));
      },
    }),
  ];
}

/** INVALID_REQUEST unless exactly one of both is given. */
function toWhom({ person, principal }: { person: string | undefined; principal: string | undefined }): Whom {
  if (person !== undefined && principal === undefined) return { person };
  if (person === undefined && principal !== undefined) {
    const [, kind, id] = PRINCIPAL.exec(principal) ?? [];
    if ((kind === 'account' || kind === 'email' || kind === 'group' || kind === 'domain') && id !== undefined)
      return { principal: { kind, id } };
    throw invalid('principal', 'It is not account, email, group or domain, a colon and an id.', 'Write it as in account:octocat.');
  }
  throw invalid('person', 'It is not said for whom, or twice.', 'Give either `person` or `principal`.');
}

function invalid(path: string, reason: string, remedy: string): RequestError {
  return new RequestError('INVALID_REQUEST', `The access cannot be explained: ${reason}`, { remedy, problems: [{ path, reason, remedy }] });
}
