import { hasScope } from '../domain/caller.ts';
import { callersWith } from './access.ts';
import { BEGIN_ERRORS, linkRoutes } from './authorisation-links.ts';
import { ORGANISATION } from './organisation-parameter.ts';
import { requiredText } from './parameters.ts';
import { defineRoute, noBody, ok, optionalBody, requiredBody, type Route } from './route.ts';
import { toAuthorisationBody, toRevocationBody } from './shapes/authorisation.ts';
import { CONNECTION } from './things.ts';

const OF_CONNECTION = {
  pathParameters: { id: requiredText('The id of the connection.', '01KATM4X7Z6V0R1Q2W3E4R5T6Y') },
  queryParameters: { organisation: ORGANISATION },
  tag: 'Authorisations',
} as const;

export function authorisationRoutes(): Route[] {
  return [...connectionRoutes(), ...linkRoutes()];
}

function connectionRoutes(): Route[] {
  return [
    defineRoute({
      ...OF_CONNECTION,
      method: 'GET',
      path: '/api/v1/connections/{id}/authorisation',
      operationId: 'getAuthorisation',
      of: CONNECTION,
      access: callersWith(['operator', 'author'], 'query'),
      summary: 'Read how a connection is authorised',
      description: 'Whether the host keeps tokens of its source, what for, and what the newest attempt came to. Never a token.',
      body: noBody(),
      success: ok('Authorisation', 'The authorisation.'),
      errors: ['UNKNOWN_ORGANISATION', 'UNKNOWN_CONNECTION'],
      handle: async (services, { path, query, caller }) => {
        const { reconnectUrl, ...status } = await services.authorisations.status(query.organisation, path.id);
        // The link does what an operator may do, for whoever has it.
        const shown = hasScope(caller, 'operator') ? { ...status, reconnectUrl } : status;
        return toAuthorisationBody({ organisation: query.organisation, connection: path.id }, shown);
      },
    }),
    defineRoute({
      ...OF_CONNECTION,
      method: 'POST',
      path: '/api/v1/connections/{id}/authorisation',
      operationId: 'beginAuthorisation',
      of: CONNECTION,
      access: callersWith('operator', 'query'),
      summary: 'Authorise a connection',
      description:
        'Begins a flow. Send a person to the `authorizationUrl` of the attempt within ten minutes, where this host says who asks and sends them on to the source, or show the `userCode` and the `verificationUri`; then read the authorisation until the attempt has ended. A flow without a person is over at once. Tokens that were kept before stay until new ones have come.',
      body: optionalBody('AuthorisationInput'),
      success: ok('Authorisation', 'The authorisation, with what a person needs.'),
      errors: ['UNKNOWN_ORGANISATION', ...BEGIN_ERRORS],
      handle: async (services, { path, query, body, actor }) => {
        const begun = await services.authorisations.begin(query.organisation, path.id, body, actor);
        return toAuthorisationBody({ organisation: query.organisation, connection: path.id }, begun.authorisation, begun.attempt);
      },
    }),
    defineRoute({
      ...OF_CONNECTION,
      method: 'POST',
      path: '/api/v1/connections/{id}/authorisation/choice',
      operationId: 'chooseAuthorisation',
      of: CONNECTION,
      access: callersWith('operator', 'query'),
      summary: 'Choose what a token is used for',
      description: 'Where the source gave a token for several sites: names the one of this connection, which goes on then.',
      body: requiredBody('AuthorisationChoice'),
      success: ok('Authorisation', 'The authorisation.'),
      errors: ['UNKNOWN_ORGANISATION', 'UNKNOWN_CONNECTION', 'UNKNOWN_AUTHORISATION'],
      handle: async (services, { path, query, body, actor }) =>
        toAuthorisationBody(
          { organisation: query.organisation, connection: path.id },
          await services.authorisations.choose(query.organisation, path.id, body.choice, actor),
        ),
    }),
    defineRoute({
      ...OF_CONNECTION,
      method: 'POST',
      path: '/api/v1/connections/{id}/revoke',
      operationId: 'revokeConnection',
      of: CONNECTION,
      access: callersWith('operator', 'query'),
      summary: 'Revoke the access of a connection',
      description:
        'Tells the source that its tokens are worth nothing any more, where the source can be told, and deletes the credential with all documents, passages and access that were read with it. The connection, its settings and the history of its runs stay; it is paused until it is authorised again. Cancel its run first.',
      body: noBody(),
      success: ok('Revocation', 'What was done, and what has to be done by hand.'),
      errors: ['UNKNOWN_ORGANISATION', 'UNKNOWN_CONNECTION', 'RUN_IN_PROGRESS'],
      handle: async (services, { path, query, actor }) =>
        toRevocationBody(await services.authorisations.revoke(query.organisation, path.id, actor)),
    }),
  ];
}
