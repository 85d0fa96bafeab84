import type { ErrorCode } from '../domain/errors.ts';
import { callersWith } from './access.ts';
import { flag, requiredText, text } from './parameters.ts';
import { defineRoute, noBody, ok, optionalBody, requiredBody, type Route } from './route.ts';
import { toDatasourceBody } from './shapes/datasource.ts';
import { PAGE, toPageBody, toPageInput } from './shapes/page.ts';
import { DATASOURCE } from './things.ts';
import {
  toDatasourceVersionBody,
  toDependencyGraphBody,
  toMatrixRowBody,
  toNewAsksBody,
  toUpgradeStepBody,
  toVersionTransitionBody,
} from './shapes/version.ts';

const NAMED = { pathParameters: { name: requiredText('The name of an installed datasource.', 'github') }, tag: 'Datasources' } as const;

const ONE_VERSION = {
  pathParameters: {
    name: requiredText('The name of an installed datasource.', 'github'),
    version: requiredText('A version at hand.', '1.2.0'),
  },
  tag: 'Datasources',
} as const;

/** What a switch may meet. */
const SWITCH_ERRORS: readonly ErrorCode[] = [
  'UNKNOWN_DATASOURCE',
  'UNKNOWN_VERSION',
  'DEPENDENCY_UNMET',
  'INCOMPATIBLE_UPGRADE',
  'CONFLICT',
];

export function versionRoutes(): Route[] {
  return [...overviewRoutes(), ...readingRoutes(), ...changingRoutes()];
}

/** Before the routes of one datasource: `graph` and `matrix` are no names. */
function overviewRoutes(): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/datasources/graph',
      operationId: 'getDependencyGraph',
      access: callersWith('author', 'shared'),
      tag: 'Datasources',
      summary: 'Read what needs what',
      description: 'Every datasource that runs with what it needs, and what is amiss with it. Nothing is loaded for it.',
      pathParameters: {},
      queryParameters: {},
      body: noBody(),
      success: ok('DependencyGraph', 'The graph.'),
      errors: [],
      handle: async (services) => toDependencyGraphBody(await services.versions.graph()),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/datasources/matrix',
      operationId: 'getCompatibilityMatrix',
      access: callersWith('author', 'shared'),
      tag: 'Datasources',
      summary: 'Read which versions fit the framework',
      description: 'Every version at hand against the framework of this host, by name and then the highest version first.',
      pathParameters: {},
      queryParameters: {
        name: text('Only versions of this datasource.', { fallback: undefined, maxLength: 64 }),
        framework: text('Another version of the framework to hold them against, before a host is replaced.', {
          fallback: undefined,
          maxLength: 64,
          example: '2.0.0',
        }),
      },
      body: noBody(),
      success: ok('CompatibilityMatrix', 'The matrix.'),
      errors: [],
      handle: async (services, { query: { name, framework } }) => ({
        items: (await services.versions.matrix(name, framework)).map(toMatrixRowBody),
      }),
    }),
  ];
}

function readingRoutes(): Route[] {
  return [
    defineRoute({
      ...NAMED,
      method: 'GET',
      path: '/api/v1/datasources/{name}/versions',
      operationId: 'listVersions',
      of: DATASOURCE,
      access: callersWith('author', 'shared'),
      summary: 'List the versions of a datasource',
      description: 'Those that this host has, the highest first. One of them runs.',
      queryParameters: {},
      body: noBody(),
      success: ok('DatasourceVersions', 'The versions.'),
      errors: ['UNKNOWN_DATASOURCE'],
      handle: async (services, { path }) => ({ items: (await services.versions.list(path.name)).map(toDatasourceVersionBody) }),
    }),
    defineRoute({
      ...NAMED,
      method: 'GET',
      path: '/api/v1/datasources/{name}/history',
      operationId: 'listVersionHistory',
      access: callersWith('author', 'shared'),
      summary: 'Read the history of a datasource',
      description: 'Every change of state of its versions with who, why and when, newest first; also after it was removed.',
      queryParameters: { ...PAGE },
      body: noBody(),
      success: ok('VersionHistory', 'A page of changes.'),
      errors: [],
      handle: async (services, { path, query }) =>
        toPageBody(await services.versions.history(path.name, toPageInput(query)), toVersionTransitionBody),
    }),
    defineRoute({
      ...NAMED,
      method: 'GET',
      path: '/api/v1/datasources/{name}/path',
      operationId: 'getUpgradePath',
      access: callersWith('author', 'shared'),
      summary: 'Read how to get to a version',
      description: 'The steps through the versions at hand, each with what changes. Nothing is switched.',
      queryParameters: { to: requiredText('The version to get to.', '2.0.0') },
      body: noBody(),
      success: ok('UpgradeSteps', 'The steps.'),
      errors: ['UNKNOWN_DATASOURCE', 'UNKNOWN_VERSION', 'NO_UPGRADE_PATH'],
      handle: async (services, { path, query }) => ({ steps: (await services.versions.path(path.name, query.to)).map(toUpgradeStepBody) }),
    }),
    defineRoute({
      ...ONE_VERSION,
      method: 'GET',
      path: '/api/v1/datasources/{name}/versions/{version}/asks',
      operationId: 'listNewAsks',
      access: callersWith('author', 'shared'),
      summary: 'Read what a version newly asks for',
      description: 'What the version that runs does not ask for and nobody has given, with the reasons of its author.',
      queryParameters: {},
      body: noBody(),
      success: ok('NewAsks', 'What an operator would give by approving it.'),
      errors: ['UNKNOWN_DATASOURCE', 'UNKNOWN_VERSION'],
      handle: async (services, { path }) => toNewAsksBody(await services.versions.asks(path.name, path.version)),
    }),
  ];
}

function changingRoutes(): Route[] {
  return [
    defineRoute({
      ...NAMED,
      method: 'POST',
      path: '/api/v1/datasources/{name}/upgrade',
      operationId: 'upgradeDatasource',
      of: DATASOURCE,
      access: callersWith('operator', 'host'),
      summary: 'Switch to a higher version',
      description:
        'Goes to a version at hand, step by step, each verified before the switch. A version that asks for more waits for approval while the one before it keeps running. Runs go on with the new version from their next batch on.',
      queryParameters: {},
      body: optionalBody('UpgradeInput'),
      success: ok('UpgradeSteps', 'The steps that were taken.'),
      errors: [...SWITCH_ERRORS, 'NO_UPGRADE_PATH', 'APPROVAL_NEEDED', 'DATASOURCE_FAULT'],
      handle: async (services, { path, body, actor }) => ({
        steps: (await services.versions.upgrade(path.name, body, actor)).steps.map(toUpgradeStepBody),
      }),
    }),
    defineRoute({
      ...ONE_VERSION,
      method: 'POST',
      path: '/api/v1/datasources/{name}/versions/{version}/approval',
      operationId: 'approveVersion',
      of: DATASOURCE,
      access: callersWith('operator', 'host'),
      summary: 'Approve what a version newly asks for',
      description: 'Gives a version that waits for approval what it asks for, and switches to it.',
      queryParameters: {},
      body: optionalBody('ApprovalInput'),
      success: ok('UpgradeSteps', 'The steps that were taken.'),
      errors: [...SWITCH_ERRORS, 'NO_UPGRADE_PATH', 'APPROVAL_NEEDED', 'DIGEST_CHANGED', 'DATASOURCE_FAULT'],
      handle: async (services, { path, body, actor }) => ({
        steps: (await services.versions.approve(path.name, path.version, body, actor)).steps.map(toUpgradeStepBody),
      }),
    }),
    defineRoute({
      ...NAMED,
      method: 'POST',
      path: '/api/v1/datasources/{name}/rollback',
      operationId: 'rollbackDatasource',
      of: DATASOURCE,
      access: callersWith('operator', 'host'),
      summary: 'Go back to the version before',
      description: 'In one step, with the checkpoints and collections of then; what changed since is read again by the version before.',
      queryParameters: {},
      body: noBody(),
      success: ok('Datasource', 'The datasource with the version that runs now.'),
      errors: [...SWITCH_ERRORS, 'NOTHING_TO_ROLL_BACK'],
      handle: async (services, { path, actor }) => {
        await services.versions.rollback(path.name, actor);
        return toDatasourceBody(await services.registry.get(path.name));
      },
    }),
    ...(['enable', 'disable'] as const).map((verb) => switchRoute(verb)),
    defineRoute({
      ...NAMED,
      method: 'PUT',
      path: '/api/v1/datasources/{name}/grant',
      operationId: 'setGrant',
      of: DATASOURCE,
      access: callersWith('operator', 'host'),
      summary: 'Set what a datasource may use',
      description: 'Replaces the whole grant; it holds from the next call on. What is left out is denied.',
      queryParameters: {},
      body: requiredBody('GrantInput'),
      success: ok('Datasource', 'The datasource with its grant.'),
      errors: ['UNKNOWN_DATASOURCE', 'INVALID_GRANT'],
      handle: async (services, { path, body, actor }) => {
        await services.versions.setGrant(path.name, body, actor);
        return toDatasourceBody(await services.registry.get(path.name));
      },
    }),
    defineRoute({
      ...NAMED,
      method: 'DELETE',
      path: '/api/v1/datasources/{name}',
      operationId: 'removeDatasource',
      of: DATASOURCE,
      access: callersWith('operator', 'host'),
      summary: 'Remove a datasource',
      description:
        'Takes out all of its versions with their files, and the values that were set for its `env_vars`. Its connections go only where that is said: their documents go with them.',
      queryParameters: { withConnections: flag('Whether its connections are removed, of all organisations.') },
      body: noBody(),
      success: ok('RemovedDatasource', 'What was removed.'),
      errors: ['UNKNOWN_DATASOURCE', 'DATASOURCE_IN_USE', 'RUN_IN_PROGRESS', 'CONFLICT'],
      handle: (services, { path, query, actor }) => services.versions.remove(path.name, { connections: query.withConnections }, actor),
    }),
  ];
}

function switchRoute(verb: 'enable' | 'disable'): Route {
  return defineRoute({
    ...NAMED,
    method: 'POST',
    path: `/api/v1/datasources/{name}/${verb}`,
    operationId: `${verb}Datasource`,
    of: DATASOURCE,
    access: callersWith('operator', 'host'),
    summary: verb === 'enable' ? 'Switch a datasource on' : 'Switch a datasource off',
    description:
      verb === 'enable'
        ? 'Its connections are worked on again.'
        : 'None of its connections is worked on until it is switched on; what was read stays to be found.',
    queryParameters: {},
    body: optionalBody('ReasonInput'),
    success: ok('Datasource', 'The datasource.'),
    errors: ['UNKNOWN_DATASOURCE', 'CONFLICT'],
    handle: async (services, { path, body, actor }) => {
      await services.versions.setEnabled(path.name, verb === 'enable', body.reason ?? 'no reason was given', actor);
      return toDatasourceBody(await services.registry.get(path.name));
    },
  });
}
