import { callersWith } from './access.ts';
import { requiredText } from './parameters.ts';
import { defineRoute, done, noBody, ok, requiredBody, type Route } from './route.ts';
import { toTrustedKeyBody } from './shapes/trust.ts';
import { TRUSTED_KEYS } from './things.ts';

export function trustRoutes(): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/trusted-keys',
      operationId: 'listTrustedKeys',
      of: TRUSTED_KEYS,
      access: callersWith('author', 'shared'),
      tag: 'Datasources',
      summary: 'List the keys that are trusted',
      description: 'Whose datasources may come in from elsewhere, by publisher, and under which names.',
      pathParameters: {},
      queryParameters: {},
      body: noBody(),
      success: ok('TrustedKeys', 'The keys.'),
      errors: [],
      handle: async (services) => ({ items: (await services.trust.list()).map(toTrustedKeyBody) }),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/trusted-keys',
      operationId: 'trustKey',
      of: TRUSTED_KEYS,
      access: callersWith('admin', 'host'),
      tag: 'Datasources',
      summary: 'Trust a key of a publisher',
      description: 'For the names that are given and for no others; said again, it holds for those that are given then.',
      pathParameters: {},
      queryParameters: {},
      body: requiredBody('TrustedKeyInput'),
      success: ok('TrustedKey', 'The key as it is trusted now.'),
      errors: ['INVALID_SIGNING_KEY', 'LOOK_ALIKE_NAME', 'CONFLICT'],
      handle: async (services, { body, actor }) => toTrustedKeyBody(await services.trust.add(body, actor)),
    }),
    defineRoute({
      method: 'DELETE',
      path: '/api/v1/trusted-keys/{id}',
      operationId: 'distrustKey',
      of: TRUSTED_KEYS,
      access: callersWith('admin', 'host'),
      tag: 'Datasources',
      summary: 'Trust a key no more',
      description: 'What it signed and is here stays; nothing new comes in by it.',
      pathParameters: { id: requiredText('The id of the key.', '8b1f0c3d5e7a9b2c4d6e8f0a1b3c5d7e') },
      queryParameters: {},
      body: noBody(),
      success: done('It is trusted no more.'),
      errors: ['UNKNOWN_PUBLISHER_KEY'],
      handle: async (services, { path, actor }) => services.trust.remove(path.id, actor),
    }),
  ];
}
