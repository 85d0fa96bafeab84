import { callersWith } from './access.ts';
import { requiredText } from './parameters.ts';
import { defineRoute, noBody, ok, requiredBody, type Route } from './route.ts';
import { PAGE, toPageBody, toPageInput } from './shapes/page.ts';
import { toChangeBody } from './shapes/change.ts';
import { toDatasourceBody, toFeatureStatusBody } from './shapes/datasource.ts';
import { DATASOURCE, FEATURE } from './things.ts';

const NAME = requiredText('The name of an installed datasource.', 'github');

const FEATURE_NAME = requiredText('The name of one of its features.', 'issue_tracking');

export function datasourceRoutes(): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/datasources',
      operationId: 'listDatasources',
      access: callersWith(['reader', 'author'], 'shared'),
      tag: 'Datasources',
      summary: 'List installed datasources',
      description: 'Every installed datasource, by name, with its features, what it asks for and what it was granted.',
      pathParameters: {},
      queryParameters: PAGE,
      body: noBody(),
      success: ok('DatasourcePage', 'A page of installed datasources.'),
      errors: [],
      handle: async (services, { query }) => toPageBody(await services.registry.page(toPageInput(query)), toDatasourceBody),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/datasources/{name}',
      operationId: 'getDatasource',
      of: DATASOURCE,
      access: callersWith(['reader', 'author'], 'shared'),
      tag: 'Datasources',
      summary: 'Read an installed datasource',
      description: 'One installed datasource by its name.',
      pathParameters: { name: NAME },
      queryParameters: {},
      body: noBody(),
      success: ok('Datasource', 'The datasource.'),
      errors: ['UNKNOWN_DATASOURCE'],
      handle: async (services, { path }) => toDatasourceBody(await services.registry.get(path.name)),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/datasources/{name}/features/{feature}',
      operationId: 'setFeature',
      of: FEATURE,
      access: callersWith('operator', 'host'),
      tag: 'Datasources',
      summary: 'Switch or configure a feature',
      description:
        'Sets how connections of this datasource read the feature, unless a connection says otherwise. It takes effect from the next batch on. While it is off its documents are kept, hidden or purged; what is purged is gone from answers at once, and deleted in pieces.',
      pathParameters: { name: NAME, feature: FEATURE_NAME },
      queryParameters: {},
      body: requiredBody('FeatureFlagInput'),
      success: ok('FeatureFlag', 'The feature as it is set now.'),
      errors: ['UNKNOWN_DATASOURCE', 'UNKNOWN_FEATURE', 'INVALID_CONFIG', 'FEATURE_DEPENDENCY', 'CONFLICT'],
      handle: async (services, { path, body, actor }) =>
        toFeatureStatusBody(await services.flags.set(path.name, path.feature, body, actor)),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/datasources/{name}/features/{feature}',
      operationId: 'getFeature',
      of: FEATURE,
      access: callersWith('operator', 'host'),
      tag: 'Datasources',
      summary: 'Read how a feature is set',
      description: 'Also tells what is still to be deleted of a feature that was switched off with `purge`.',
      pathParameters: { name: NAME, feature: FEATURE_NAME },
      queryParameters: {},
      body: noBody(),
      success: ok('FeatureFlag', 'The feature.'),
      errors: ['UNKNOWN_DATASOURCE', 'UNKNOWN_FEATURE'],
      handle: async (services, { path }) => toFeatureStatusBody(await services.flags.get(path.name, path.feature)),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/datasources/{name}/features/{feature}/history',
      operationId: 'listFeatureHistory',
      access: callersWith('operator', 'host'),
      tag: 'Datasources',
      summary: 'Read who set a feature',
      description:
        'Entries of the log of changes about this feature of the datasource, newest first. What single connections say of it is in the logs of their organisations.',
      pathParameters: { name: NAME, feature: FEATURE_NAME },
      queryParameters: PAGE,
      body: noBody(),
      success: ok('ChangePage', 'A page of entries.'),
      errors: ['UNKNOWN_DATASOURCE', 'UNKNOWN_FEATURE'],
      handle: async (services, { path, query }) =>
        toPageBody(await services.flags.history(path.name, path.feature, toPageInput(query)), toChangeBody),
    }),
  ];
}
