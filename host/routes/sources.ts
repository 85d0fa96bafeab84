import type { ErrorCode } from '../domain/errors.ts';
import { joinGrants } from '../domain/grant-difference.ts';
import { parseGrant } from '../domain/grant-parse.ts';
import type { ApiSchemas } from '../generated/api.ts';
import type { GrantFor } from '../services/sources/source-services.ts';
import { callersWith } from './access.ts';
import { requiredText, text } from './parameters.ts';
import { defineRoute, noBody, ok, optionalBody, requiredBody, type Route } from './route.ts';
import { toDatasourceBody } from './shapes/datasource.ts';
import { toTakenVersionBody } from './shapes/source.ts';

/** What may be amiss with where something comes from. */
export const FETCH_ERRORS: readonly ErrorCode[] = ['SOURCE_UNREACHABLE', 'SOURCE_DENIED', 'SOURCE_UNUSABLE', 'INVALID_SETTING'];

/** What may be amiss with what comes. */
const TAKE_ERRORS: readonly ErrorCode[] = [
  ...FETCH_ERRORS,
  'NOT_IN_MARKET',
  'INDEX_EXPIRED',
  'DIGEST_MISMATCH',
  'SIGNATURE_MISSING',
  'SIGNATURE_INVALID',
  'UNTRUSTED_PUBLISHER',
  'BUNDLE_UNUSABLE',
  'BUNDLE_DIGEST_MISMATCH',
  'UNTRUSTED_ROOT',
  'LOG_ENTRY_MISSING',
  'LOG_ENTRY_INVALID',
  'LOG_ENTRY_MISMATCH',
  'TIMESTAMP_MISSING',
  'CERTIFICATE_EXPIRED',
  'CERTIFICATE_NOT_LOGGED',
  'UNTRUSTED_ISSUER',
  'UNTRUSTED_SUBJECT',
  'PUBLISHER_NOT_ALLOWED',
  'PUBLISHER_CHANGED',
  'LOOK_ALIKE_NAME',
  'DIGEST_CHANGED',
  'NOT_A_COMPONENT',
  'COMPONENT_TOO_LARGE',
  'WRONG_WORLD',
  'INVALID_MANIFEST',
  'WRONG_FRAMEWORK',
  'DATASOURCE_FAULT',
];
const SWITCH_ERRORS: readonly ErrorCode[] = ['UNKNOWN_VERSION', 'INVALID_GRANT', 'DEPENDENCY_UNMET', 'INCOMPATIBLE_UPGRADE', 'CONFLICT'];

const FROM =
  'From a registry, an https address with its digest, or a market; over the API only from public addresses and from hosts that LORELAI_SOURCE_HOSTS lists. It must be signed by a publisher who is trusted for its name.';

/** Brings datasources in. Files of the host's machine are for commands there. */
export function sourceRoutes(): Route[] {
  return [takeRoute(), atHandRoute(), installRoute(), installVersionRoute()];
}

function takeRoute(): Route {
  return defineRoute({
    method: 'POST',
    path: '/api/v1/datasource-versions',
    operationId: 'takeVersion',
    access: callersWith('operator', 'host'),
    tag: 'Datasources',
    summary: 'Bring a version in',
    description: `It is kept beside the one that runs, and nothing is switched: look at what it asks for, then install it or upgrade to it. ${FROM}`,
    pathParameters: {},
    queryParameters: {},
    body: requiredBody('TakeInput'),
    success: ok('TakenVersion', 'The version, and what it asks for.'),
    errors: TAKE_ERRORS,
    handle: async (services, { body, actor }) => toTakenVersionBody(await services.sources.take(body.source, actor)),
  });
}

function atHandRoute(): Route {
  return defineRoute({
    method: 'GET',
    path: '/api/v1/datasource-versions/{name}',
    operationId: 'getVersionAtHand',
    access: callersWith('author', 'shared'),
    tag: 'Datasources',
    summary: 'Read what a version at hand asks for',
    description: 'Also of a datasource that was found in a folder or brought in, and does not run yet.',
    pathParameters: { name: requiredText('The name of a datasource.', 'github') },
    queryParameters: { version: text('The version; the highest at hand when left out.', { fallback: undefined, maxLength: 64 }) },
    body: noBody(),
    success: ok('TakenVersion', 'The version, and what it asks for.'),
    errors: ['UNKNOWN_VERSION'],
    handle: async (services, { path, query: { version } }) =>
      toTakenVersionBody(await services.sources.atHand({ name: path.name, ...(version === undefined ? {} : { version }) })),
  });
}

function installRoute(): Route {
  return defineRoute({
    method: 'POST',
    path: '/api/v1/datasources',
    operationId: 'installDatasource',
    access: callersWith('operator', 'host'),
    tag: 'Datasources',
    summary: 'Bring a datasource in and run it',
    description: `Whatever version of it ran before is replaced, and so is its grant. ${FROM}`,
    pathParameters: {},
    queryParameters: {},
    body: requiredBody('InstallInput'),
    success: ok('Datasource', 'The datasource, with what it asks for and what it was given.'),
    errors: [...TAKE_ERRORS, ...SWITCH_ERRORS],
    handle: async ({ sources, registry }, { body, actor }) => {
      const { manifest } = await sources.install(body.source, grantOf(body), actor);
      return toDatasourceBody(await registry.get(manifest.name));
    },
  });
}

function installVersionRoute(): Route {
  return defineRoute({
    method: 'POST',
    path: '/api/v1/datasources/{name}/versions/{version}/install',
    operationId: 'installVersion',
    access: callersWith('operator', 'host'),
    tag: 'Datasources',
    summary: 'Run a version at hand',
    description:
      'One that was brought in or found in a folder. Whatever version ran before is replaced, and so is its grant; no way between the two is asked for.',
    pathParameters: { name: requiredText('The name of a datasource.', 'github'), version: requiredText('A version at hand.', '1.2.0') },
    queryParameters: {},
    body: optionalBody('InstallVersionInput'),
    success: ok('Datasource', 'The datasource, with what it asks for and what it was given.'),
    errors: [...SWITCH_ERRORS, 'DIGEST_CHANGED'],
    handle: async ({ sources, registry }, { path: { name, version }, body, actor }) => {
      const { digest } = body;
      await sources.installFound({ name, version, ...(digest === undefined ? {} : { digest }) }, grantOf(body), actor);
      return toDatasourceBody(await registry.get(name));
    },
  });
}

/** What a body gives, once it is known what is asked for; where both set a limit, that of the body holds. INVALID_GRANT before anything is fetched. */
function grantOf({ grant = {}, grantAsked = false }: ApiSchemas['InstallVersionInput']): GrantFor {
  const given = parseGrant(grant);
  return (asked) => (grantAsked ? joinGrants(asked, given) : given);
}
