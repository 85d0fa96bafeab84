import { callersWith } from './access.ts';
import { namedOrganisation } from './organisation-parameter.ts';
import { requiredText, text } from './parameters.ts';
import { created, defineRoute, noBody, ok, optionalBody, requiredBody, type Route } from './route.ts';
import { toKeyBody, toMadeKeyBody } from './shapes/key.ts';
import { PAGE, toPageBody, toPageInput } from './shapes/page.ts';
import { KEY } from './things.ts';

const DEFAULT_OVERLAP_MS = 24 * 60 * 60_000;

/** A caller of the host who leaves it out means every organisation, and the host itself. */
const REACH = text('Only keys of this organisation. A caller of one organisation means its own when it is left out.', {
  fallback: undefined,
  maxLength: 63,
});

const ONE_KEY = {
  pathParameters: { id: requiredText('The id of the key.', '01KATM4X7Z6V0R1Q2W3E4R5T6Y') },
  queryParameters: { organisation: REACH },
  tag: 'Keys',
} as const;

export function keyRoutes(): Route[] {
  return [...collectionRoutes(), ...oneKeyRoutes()];
}

function collectionRoutes(): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/keys',
      operationId: 'listKeys',
      access: callersWith('admin', 'query'),
      tag: 'Keys',
      summary: 'List keys',
      description: 'Keys with what they may do and when they were last used, which is written at most once a minute. In pages.',
      pathParameters: {},
      queryParameters: { organisation: REACH, ...PAGE },
      body: noBody(),
      success: ok('KeyPage', 'A page of keys.'),
      errors: [],
      handle: async (services, { query }) =>
        toPageBody(await services.keys.list({ organisation: query.organisation }, toPageInput(query)), toKeyBody),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/keys',
      operationId: 'createKey',
      access: callersWith('admin', 'query-or-body'),
      tag: 'Keys',
      summary: 'Create a key',
      description:
        'Makes a key for an organisation; a caller of the host who names none makes one for the whole host. The secret is in this answer and nowhere else.',
      pathParameters: {},
      queryParameters: {
        organisation: text('Whose it is; may be given in the body instead. A caller of one organisation means its own.', {
          fallback: undefined,
          maxLength: 63,
        }),
      },
      body: requiredBody('KeyInput'),
      success: created('MadeKey', 'The new key with its secret.', ({ key }) => `/api/v1/keys/${key.id}`),
      errors: ['UNKNOWN_ORGANISATION'],
      handle: async (services, { query, body: { organisation, expiresAt, ...input }, actor }) => {
        const expiry = expiresAt === undefined ? {} : { expiresAtMs: Date.parse(expiresAt) };
        const wanted = { ...input, ...expiry, organisation: namedOrganisation(query, { organisation }) };
        return toMadeKeyBody(await services.keys.create(wanted, actor));
      },
    }),
  ];
}

function oneKeyRoutes(): Route[] {
  return [
    defineRoute({
      ...ONE_KEY,
      method: 'GET',
      path: '/api/v1/keys/{id}',
      operationId: 'getKey',
      of: KEY,
      access: callersWith('admin', 'query'),
      summary: 'Read a key',
      description: 'One key by its id, without its secret.',
      body: noBody(),
      success: ok('Key', 'The key.'),
      errors: ['UNKNOWN_KEY'],
      handle: async (services, { path, query }) => toKeyBody(await services.keys.get(query, path.id)),
    }),
    defineRoute({
      ...ONE_KEY,
      method: 'POST',
      path: '/api/v1/keys/{id}/rotate',
      operationId: 'rotateKey',
      of: KEY,
      access: callersWith('admin', 'query'),
      summary: 'Replace a key',
      description: 'Makes another key with the same rights. The old one stays in force for a while, so that its holders can change over.',
      body: optionalBody('KeyRotation'),
      success: created('MadeKey', 'The new key with its secret.', ({ key }) => `/api/v1/keys/${key.id}`),
      errors: ['UNKNOWN_KEY', 'CONFLICT'],
      handle: async (services, { path, query, body: { overlapMs = DEFAULT_OVERLAP_MS }, actor }) =>
        toMadeKeyBody(await services.keys.rotate(query, path.id, overlapMs, actor)),
    }),
    defineRoute({
      ...ONE_KEY,
      method: 'POST',
      path: '/api/v1/keys/{id}/revoke',
      operationId: 'revokeKey',
      of: KEY,
      access: callersWith('admin', 'query'),
      summary: 'Revoke a key',
      description: 'Every host refuses it from the next request on. It stays listed, so that records can be read.',
      body: noBody(),
      success: ok('Key', 'The key as it is now.'),
      errors: ['UNKNOWN_KEY'],
      handle: async (services, { path, query, actor }) => toKeyBody(await services.keys.revoke(query, path.id, actor)),
    }),
  ];
}
