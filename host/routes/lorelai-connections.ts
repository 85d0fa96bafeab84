import { callersWith, OPEN } from './access.ts';
import { BEGIN_ERRORS, cameBackRoute, unserved } from './authorisation-links.ts';
import { requiredText, text } from './parameters.ts';
import { defineRoute, noBody, ok, plainText, requiredBody, type Route } from './route.ts';
import { toLorelaiRevocationBody, toOAuthStartBody, toTokenStateBody } from './shapes/lorelai.ts';
import { CALLERS_CONNECTION } from './things.ts';

const DATASOURCE = { datasource: requiredText('The datasource, in any spelling.', 'Google Drive') };

const OF_CONNECTION = {
  access: callersWith('operator', 'caller'),
  tag: 'Lorelai',
  pathParameters: { id: requiredText('The id of the connection.', '01KATM4X7Z6V0R1Q2W3E4R5T6Y') },
  queryParameters: {},
} as const;

/** How connections are authorised and what they read, in Lorelai's words. */
export function lorelaiConnectionRoutes(): Route[] {
  return [...startRoutes(), callbackRoute(), forwardedCallbackRoute(), ...tokenRoutes(), ...selectionRoutes()];
}

function startRoutes(): Route[] {
  const shared = {
    path: '/v1/oauth/{datasource}/start',
    access: callersWith('operator', 'caller'),
    tag: 'Lorelai',
    summary: 'Begin to authorise a connection',
    description:
      'Gives a link of this host for the browser of a person: it says who asks, and sends them on to where they agree. The source sends the browser back to this host, and the connection has its token then; Lorelai never sees one.',
    pathParameters: DATASOURCE,
    success: ok('LorelaiOAuthStart', 'What a person needs.'),
    errors: ['UNKNOWN_ORGANISATION', 'CONFLICT', 'UNKNOWN_DATASOURCE', ...BEGIN_ERRORS],
  } as const;
  return [
    defineRoute({
      ...shared,
      method: 'POST',
      operationId: 'lorelaiBeginOAuth',
      queryParameters: {},
      body: requiredBody('LorelaiOAuthInput'),
      handle: async (services, { path: { datasource }, body: { org, connection }, caller, actor }) =>
        toOAuthStartBody(await services.lorelai.authorise(caller, { org, datasource, connection }, actor)),
    }),
    defineRoute({
      ...shared,
      method: 'GET',
      operationId: 'lorelaiBeginOAuthByAddress',
      queryParameters: {
        org: requiredText('The id or the exact name of the organisation.', 'acme'),
        connection: text('The id of the connection, where there are several.', { fallback: undefined, maxLength: 64 }),
      },
      body: noBody(),
      handle: async (services, { path: { datasource }, query: { org, connection }, caller, actor }) =>
        toOAuthStartBody(await services.lorelai.authorise(caller, { org, datasource, connection }, actor)),
    }),
  ];
}

/** As the callback of the API, whatever the address says of the datasource. */
function callbackRoute(): Route {
  return cameBackRoute(
    defineRoute({
      method: 'GET',
      path: '/v1/oauth/{datasource}/callback',
      operationId: 'lorelaiFinishOAuth',
      access: OPEN,
      tag: 'Lorelai',
      summary: 'Come back from a source',
      description: 'For a proxy that keeps the addresses of Lorelai: the same as `GET /api/v1/authorisations/callback`.',
      pathParameters: DATASOURCE,
      queryParameters: {},
      body: noBody(),
      success: plainText('text/html; charset=utf-8', 'A page that says whether it worked.'),
      errors: [],
      handle: unserved,
    }),
  );
}

function forwardedCallbackRoute(): Route {
  return defineRoute({
    method: 'POST',
    path: '/v1/oauth/{datasource}/callback',
    operationId: 'lorelaiForwardOAuth',
    access: callersWith('operator', 'caller'),
    tag: 'Lorelai',
    summary: 'Hand over what a source sent a browser back with',
    description:
      'For a Lorelai to which sources send browsers back. `state` says which attempt it is, once and for ten minutes, and the caller has to be the one that began it: that the answer comes from the browser of its own user is for Lorelai to see to.',
    pathParameters: DATASOURCE,
    queryParameters: {},
    body: requiredBody('LorelaiOAuthCallback'),
    success: ok('LorelaiOAuthEnd', 'Whether it worked.'),
    errors: [],
    handle: async (services, { body, actor }) => {
      const given = Object.entries(body).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
      const end = await services.authorisations.finish(new URLSearchParams(given), { kind: 'caller', actor });
      return end.ok ? { authorised: true } : { authorised: false, error: end.reason };
    },
  });
}

function tokenRoutes(): Route[] {
  return [
    defineRoute({
      ...OF_CONNECTION,
      method: 'POST',
      path: '/v1/connections/{id}/refresh',
      operationId: 'lorelaiRefresh',
      summary: 'See to a token that is good',
      description:
        'Refreshes the token when it is not good for a call now. Nobody needs to call this: the host does so by itself, without a person.',
      body: noBody(),
      success: ok('LorelaiTokenState', 'How the connection is authorised.'),
      errors: ['UNKNOWN_CONNECTION', 'CREDENTIAL_MISSING', 'UPSTREAM_FAULT'],
      handle: async (services, { path, caller }) => toTokenStateBody(path.id, await services.lorelai.refresh(caller, path.id)),
    }),
    defineRoute({
      ...OF_CONNECTION,
      method: 'POST',
      path: '/v1/connections/{id}/revoke',
      operationId: 'lorelaiRevoke',
      of: CALLERS_CONNECTION,
      summary: 'Revoke the access of a connection',
      description:
        'Ends its tokens at the source and deletes what was read with them: documents, passages and access. Cancel its run first.',
      body: noBody(),
      success: ok('LorelaiRevocation', 'What was done.'),
      errors: ['UNKNOWN_CONNECTION', 'RUN_IN_PROGRESS'],
      handle: async (services, { path, caller, actor }) =>
        toLorelaiRevocationBody(path.id, await services.lorelai.revoke(caller, path.id, actor)),
    }),
  ];
}

function selectionRoutes(): Route[] {
  const shared = {
    ...OF_CONNECTION,
    path: '/v1/connections/{id}/selection',
    success: ok('LorelaiSelection', 'What is read.'),
  } as const;
  const changing = ['UNKNOWN_CONNECTION', 'SELECTION_UNSUPPORTED', 'INVALID_CONFIG', 'CHANGED_MEANWHILE', 'DATASOURCE_FAULT'] as const;
  return [
    defineRoute({
      ...shared,
      method: 'GET',
      operationId: 'lorelaiSelection',
      of: CALLERS_CONNECTION,
      summary: 'Read what was picked',
      description: 'The list among the settings of the connection that says what of the source is read.',
      body: noBody(),
      errors: ['UNKNOWN_CONNECTION', 'SELECTION_UNSUPPORTED'],
      handle: async (services, { path, caller }) => services.lorelai.selection(caller, path.id),
    }),
    defineRoute({
      ...shared,
      method: 'PUT',
      operationId: 'lorelaiSelect',
      of: CALLERS_CONNECTION,
      summary: 'Pick what is read',
      description:
        'Takes the place of what was picked before. The datasource checks it as it checks all settings; it counts from the next run on.',
      body: requiredBody('LorelaiSelectionInput'),
      errors: changing,
      handle: async (services, { path, body, caller, actor }) => services.lorelai.select(caller, path.id, body.items, actor),
    }),
    defineRoute({
      ...shared,
      method: 'DELETE',
      operationId: 'lorelaiUnselect',
      of: CALLERS_CONNECTION,
      summary: 'Forget what was picked',
      description: 'What is read then is what the datasource reads by default, which may be everything.',
      body: noBody(),
      errors: changing,
      handle: async (services, { path, caller, actor }) => services.lorelai.select(caller, path.id, undefined, actor),
    }),
  ];
}
