import type { Schemas } from '../../../clients/typescript/client.ts';
import type { Manifest } from '../../domain/manifest.ts';
import type { InstalledDatasource, RegistryService } from '../../services/registry/registry-service.ts';
import type { VersionService } from '../../services/registry/version-service.ts';
import { allPages } from '../all-pages.ts';
import { pageQuery, toMs, toPage, type RemoteHost } from './remote-host.ts';
import { toCapabilities } from './sources.ts';

export function remoteRegistry({ client, ask }: RemoteHost): Partial<RegistryService> {
  const page: RegistryService['page'] = async (wanted) =>
    toPage(await ask(client.GET('/api/v1/datasources', { params: { query: pageQuery(wanted) } })), toInstalled);
  return {
    page,
    list: () => allPages(page),
    get: async (name) => toInstalled(await ask(client.GET('/api/v1/datasources/{name}', { params: { path: { name } } }))),
  };
}

export function remoteVersions({ client, ask }: RemoteHost): Partial<VersionService> {
  return {
    async list(name) {
      const { items } = await ask(client.GET('/api/v1/datasources/{name}/versions', { params: { path: { name } } }));
      return items.map(({ addedAt, updatedAt, reason, ...body }) => ({
        ...body,
        reason,
        addedAtMs: Date.parse(addedAt),
        updatedAtMs: Date.parse(updatedAt),
      }));
    },
    history: async (name, page) =>
      toPage(
        await ask(client.GET('/api/v1/datasources/{name}/history', { params: { path: { name }, query: pageQuery(page) } })),
        ({ at, from, ...body }) => ({ ...body, from, atMs: Date.parse(at) }),
      ),
    path: async (name, to) =>
      (await ask(client.GET('/api/v1/datasources/{name}/path', { params: { path: { name }, query: { to } } }))).steps,
    upgrade: async (name, body) => ask(client.POST('/api/v1/datasources/{name}/upgrade', { params: { path: { name } }, body })),
    async rollback(name) {
      await ask(client.POST('/api/v1/datasources/{name}/rollback', { params: { path: { name } } }));
    },
    async setEnabled(name, enabled, reason) {
      const options = { params: { path: { name } }, body: { reason } };
      await ask(
        enabled ? client.POST('/api/v1/datasources/{name}/enable', options) : client.POST('/api/v1/datasources/{name}/disable', options),
      );
    },
    async setGrant(name, grant) {
      // Checked by the host as it comes.
      const body = grant as Schemas['GrantInput'];
      await ask(client.PUT('/api/v1/datasources/{name}/grant', { params: { path: { name } }, body }));
    },
    remove: async (name, { connections }) =>
      ask(client.DELETE('/api/v1/datasources/{name}', { params: { path: { name }, query: { withConnections: connections } } })),
    async graph() {
      const { order, ...graph } = await ask(client.GET('/api/v1/datasources/graph', {}));
      return { ...graph, order };
    },
    async matrix(name, framework) {
      const query = { ...(name === undefined ? {} : { name }), ...(framework === undefined ? {} : { framework }) };
      return (await ask(client.GET('/api/v1/datasources/matrix', { params: { query } }))).items;
    },
  };
}

function toInstalled(body: Schemas['Datasource']): InstalledDatasource {
  const { name, version, digest, grant, limits, enabled, previousVersion, features, installedAt } = body;
  return {
    name,
    version,
    digest,
    manifest: toManifest(body),
    grant,
    limits,
    enabled,
    previousVersion,
    features: features.map(({ updatedAt, configSchema: _schema, dependsOn: _needs, ...feature }) => ({
      ...feature,
      updatedAtMs: toMs(updatedAt),
    })),
    installedAtMs: Date.parse(installedAt),
  };
}

/** As far as the API tells of it: nothing of how credentials are used. */
function toManifest(body: Schemas['Datasource']): Manifest {
  const { name, version, author, description, license, homepage, frameworkVersion, configSchema, features, auth, asks } = body;
  return {
    name,
    version,
    author,
    description,
    license,
    homepage,
    frameworkVersion,
    upgradeFrom: undefined,
    dependencies: [],
    configSchema,
    features: features.map(({ feature, description: text, enabled, config, configSchema: schema, dependsOn }) => ({
      name: feature,
      description: text,
      enabled,
      config,
      configSchema: schema,
      dependsOn,
    })),
    auth: { type: auth.type, requiredScopes: auth.requiredScopes, attach: [] },
    envVars: [],
    capabilities: toCapabilities(asks),
    collections: body.collections,
    metrics: body.metrics,
    webhook: undefined,
  };
}
