import { askedAuthorisationOrigins } from '../../domain/authorisation.ts';
import type { Grant } from '../../domain/grant.ts';
import { DEFAULT_LIMITS } from '../../domain/limits.ts';
import type { HttpAsk, Manifest } from '../../domain/manifest.ts';
import type { ApiSchemas } from '../../generated/api.ts';
import type { FeatureStatus, InstalledDatasource } from '../../services/registry/registry-service.ts';
import { present, toOptionalTimestamp, toTimestamp } from './present.ts';

export function toDatasourceBody(installed: InstalledDatasource): ApiSchemas['Datasource'] {
  const { manifest, grant, limits } = installed;
  return present({
    name: installed.name,
    version: installed.version,
    digest: installed.digest,
    author: manifest.author,
    description: manifest.description,
    license: manifest.license,
    homepage: manifest.homepage,
    frameworkVersion: manifest.frameworkVersion,
    configSchema: manifest.configSchema,
    features: manifest.features.map((feature) => {
      const flag = installed.features.find((candidate) => candidate.feature === feature.name);
      return present({
        feature: feature.name,
        description: feature.description,
        enabled: flag?.enabled ?? feature.enabled,
        config: flag?.config ?? feature.config,
        configSchema: feature.configSchema,
        dependsOn: feature.dependsOn,
        documents: flag?.documents ?? 'keep',
        updatedAt: toOptionalTimestamp(flag?.updatedAtMs),
      });
    }),
    auth: {
      type: manifest.auth.type,
      requiredScopes: manifest.auth.requiredScopes,
      ...(manifest.auth.oauth === undefined
        ? {}
        : { flows: manifest.auth.oauth.flows, origins: askedAuthorisationOrigins(manifest.auth.oauth) }),
    },
    asks: toAsksBody(manifest),
    grant: toGrantBody(grant),
    limits,
    metrics: manifest.metrics,
    collections: manifest.collections,
    enabled: installed.enabled,
    previousVersion: installed.previousVersion,
    installedAt: toTimestamp(installed.installedAtMs),
  });
}

export function toGrantBody({ http, authorisation, storage, limits }: Grant): ApiSchemas['Grant'] {
  return { http, ...(authorisation === undefined ? {} : { authorisation }), storage, limits: present(limits) };
}

export function toAsksBody({ capabilities: { http, storage, limits } }: Pick<Manifest, 'capabilities'>): ApiSchemas['Asks'] {
  return {
    http: http.map(toAskBody),
    storage,
    limits: limits.map(({ limit, value, reason }) => ({ limit, value, default: DEFAULT_LIMITS[limit], reason })),
  };
}

function toAskBody(ask: HttpAsk): ApiSchemas['HttpAsk'] {
  return ask.kind === 'origin' ? { origin: ask.origin, reason: ask.reason } : { configKey: ask.configKey, reason: ask.reason };
}

export function toFeatureStatusBody({ updatedAtMs, ...flag }: FeatureStatus): ApiSchemas['FeatureFlag'] {
  return present({ ...flag, updatedAt: toOptionalTimestamp(updatedAtMs) });
}
