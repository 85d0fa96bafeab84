import { DEFAULT_WITNESSES } from '../domain/sigstore.ts';
import { callersWith } from './access.ts';
import { requiredText } from './parameters.ts';
import { defineRoute, done, noBody, ok, requiredBody, type Route } from './route.ts';
import { toSigstoreRootBody, toTrustedIdentityBody } from './shapes/trust.ts';
import { SIGSTORE_ROOTS, TRUSTED_IDENTITIES } from './things.ts';

const NAME = requiredText('What the root is called.', 'sigstore');

export function sigstoreRoutes(): Route[] {
  return [...rootRoutes(), ...identityRoutes()];
}

function rootRoutes(): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/sigstore-roots',
      operationId: 'listSigstoreRoots',
      of: SIGSTORE_ROOTS,
      access: callersWith('author', 'shared'),
      tag: 'Datasources',
      summary: 'List the sigstore instances that are believed',
      description: 'With what of each has come to its end. The host asks no instance for a newer root: it is given one.',
      pathParameters: {},
      queryParameters: {},
      body: noBody(),
      success: ok('SigstoreRoots', 'The roots.'),
      errors: [],
      handle: async (services) => ({ items: (await services.sigstore.roots()).map(toSigstoreRootBody) }),
    }),
    defineRoute({
      method: 'PUT',
      path: '/api/v1/sigstore-roots/{name}',
      operationId: 'putSigstoreRoot',
      of: SIGSTORE_ROOTS,
      access: callersWith('admin', 'host'),
      tag: 'Datasources',
      summary: 'Believe a sigstore instance, or its newer root',
      description: 'Identities of this name are believed from then on when this root proves them.',
      pathParameters: { name: NAME },
      queryParameters: {},
      body: requiredBody('SigstoreRootInput'),
      success: ok('SigstoreRoot', 'The root as it is believed now.'),
      errors: ['INVALID_SIGSTORE_ROOT', 'CONFLICT'],
      handle: async (services, { path: { name }, body: { trustedRoot: text, witnesses = DEFAULT_WITNESSES }, actor }) =>
        toSigstoreRootBody(await services.sigstore.putRoot({ name, text, witnesses }, actor)),
    }),
    defineRoute({
      method: 'DELETE',
      path: '/api/v1/sigstore-roots/{name}',
      operationId: 'removeSigstoreRoot',
      of: SIGSTORE_ROOTS,
      access: callersWith('admin', 'host'),
      tag: 'Datasources',
      summary: 'Believe a sigstore instance no more',
      description: 'Identities of it stay listed and prove nothing, until a root of this name is there again.',
      pathParameters: { name: NAME },
      queryParameters: {},
      body: noBody(),
      success: done('It is believed no more.'),
      errors: ['UNKNOWN_SIGSTORE_ROOT'],
      handle: async (services, { path, actor }) => services.sigstore.removeRoot(path.name, actor),
    }),
  ];
}

function identityRoutes(): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/trusted-identities',
      operationId: 'listTrustedIdentities',
      of: TRUSTED_IDENTITIES,
      access: callersWith('author', 'shared'),
      tag: 'Datasources',
      summary: 'List the identities that are trusted',
      description: 'Who may sign datasources by sigstore, by publisher, and under which names.',
      pathParameters: {},
      queryParameters: {},
      body: noBody(),
      success: ok('TrustedIdentities', 'The identities.'),
      errors: [],
      handle: async (services) => ({ items: (await services.sigstore.identities()).map(toTrustedIdentityBody) }),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/trusted-identities',
      operationId: 'trustIdentity',
      of: TRUSTED_IDENTITIES,
      access: callersWith('admin', 'host'),
      tag: 'Datasources',
      summary: 'Trust an identity of a publisher',
      description: 'For the names that are given and for no others; said again, it holds for those that are given then.',
      pathParameters: {},
      queryParameters: {},
      body: requiredBody('TrustedIdentityInput'),
      success: ok('TrustedIdentity', 'The identity as it is trusted now.'),
      errors: ['UNKNOWN_SIGSTORE_ROOT', 'LOOK_ALIKE_NAME', 'CONFLICT'],
      handle: async (services, { body: { match = 'exact', ...body }, actor }) =>
        toTrustedIdentityBody(await services.sigstore.addIdentity({ ...body, match }, actor)),
    }),
    defineRoute({
      method: 'DELETE',
      path: '/api/v1/trusted-identities/{id}',
      operationId: 'distrustIdentity',
      of: TRUSTED_IDENTITIES,
      access: callersWith('admin', 'host'),
      tag: 'Datasources',
      summary: 'Trust an identity no more',
      description: 'What it signed and is here stays; nothing new comes in by it.',
      pathParameters: { id: requiredText('The id of the identity.', '3d1f0c3d5e7a9b2c4d6e8f0a1b3c5d7e') },
      queryParameters: {},
      body: noBody(),
      success: done('It is trusted no more.'),
      errors: ['UNKNOWN_IDENTITY'],
      handle: async (services, { path, actor }) => services.sigstore.removeIdentity(path.id, actor),
    }),
  ];
}
