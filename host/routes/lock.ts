import { callersWith } from './access.ts';
import { requiredText } from './parameters.ts';
import { defineRoute, done, noBody, ok, requiredBody, type Route } from './route.ts';
import { toLockBody } from './shapes/source.ts';

const LOCK = { tag: 'Datasources', path: '/api/v1/lock', pathParameters: {}, queryParameters: {} } as const;

export function lockRoutes(): Route[] {
  return [
    defineRoute({
      ...LOCK,
      method: 'GET',
      operationId: 'getLock',
      access: callersWith('operator', 'host'),
      summary: 'Read which bytes each version has',
      description:
        'What came from elsewhere is pinned by digest when it comes in, for good: with other bytes it is refused, also after it was removed.',
      body: noBody(),
      success: ok('Lock', 'All that is pinned.'),
      errors: [],
      handle: async (services) => toLockBody(await services.trust.pins()),
    }),
    defineRoute({
      ...LOCK,
      method: 'POST',
      operationId: 'takeOverLock',
      access: callersWith('admin', 'host'),
      summary: 'Take over what another host has pinned',
      description: 'All of it or, where one version has other bytes here, nothing.',
      body: requiredBody('Lock'),
      success: ok('Lock', 'All that is pinned now.'),
      errors: ['DIGEST_CHANGED'],
      handle: async (services, { body, actor }) => {
        await services.trust.pin(body.datasources, actor);
        return toLockBody(await services.trust.pins());
      },
    }),
    defineRoute({
      ...LOCK,
      method: 'DELETE',
      path: '/api/v1/lock/{name}/{version}',
      operationId: 'releaseVersion',
      access: callersWith('admin', 'host'),
      summary: 'Pin a version no more',
      description: 'It may come again with other bytes then.',
      pathParameters: { name: requiredText('The name of a datasource.', 'wiki'), version: requiredText('A pinned version.', '1.0.0') },
      body: noBody(),
      success: done('It is pinned no more.'),
      errors: ['UNKNOWN_VERSION'],
      handle: async (services, { path, actor }) => services.trust.release(path.name, path.version, actor),
    }),
  ];
}
