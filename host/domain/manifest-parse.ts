import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import schema from '../../schemas/datasource-manifest.schema.json' with { type: 'json' };
import type { Attach, DatasourceManifest, Feature, HttpAsk as HttpAskSource } from '../generated/schemas/datasource-manifest.ts';
import { isJsonObject, type Json } from './json.ts';
import { useLinearUniqueness } from './linear-uniqueness.ts';
import { manifestNotices, pythonPackages } from './manifest-notices.ts';
import { toAuthorisationRules } from './manifest-oauth.ts';
import { checkManifestRules } from './manifest-rules.ts';
import { parseYaml } from './manifest-yaml.ts';
import { toWebhookRules } from './manifest-webhook.ts';
import { toLimitAsks } from './manifest-limits.ts';
import type { AttachRule, HttpAsk, Manifest, ManifestFeature, ManifestNotice, ManifestProblem } from './manifest.ts';
import { schemaProblems } from './schema-problems.ts';
import { checkSettings, toSettingsSchema } from './settings.ts';
import { normaliseRange } from './version-range.ts';

export type ManifestVerdict = { ok: true; manifest: Manifest; notices: ManifestNotice[] } | { ok: false; problems: ManifestProblem[] };

/**
 * Reads the text of a `datasource.yaml`. Every default is filled in; every problem has a JSON Pointer
 * and, where the text has such a place, line and column.
 */
export function parseManifest(text: string): ManifestVerdict {
  const yaml = parseYaml(text);
  if (!yaml.ok) return yaml;
  const checked = checkSchema(yaml.json);
  const problems = checked.ok ? checkManifestRules(checked.source) : checked.problems;
  if (checked.ok && problems.length === 0) {
    const notices = manifestNotices(checked.source).map((notice) => ({ ...notice, ...yaml.locate(notice.path) }));
    return { ok: true, manifest: toManifest(checked.source), notices };
  }
  return { ok: false, problems: problems.map((problem) => ({ ...problem, ...yaml.locate(problem.path) })) };
}

function checkSchema(json: Json): { ok: true; source: DatasourceManifest } | { ok: false; problems: ManifestProblem[] } {
  const ajv = new Ajv2020({ allErrors: true, verbose: true, meta: false, validateSchema: false });
  useLinearUniqueness(ajv);
  addFormats.default(ajv, { mode: 'fast', formats: ['uri'] });
  const validate = ajv.compile<DatasourceManifest>(schema);
  return validate(json) ? { ok: true, source: json } : { ok: false, problems: schemaProblems(validate.errors ?? []) };
}

function toManifest(source: DatasourceManifest): Manifest {
  const collections = (source.database?.tables ?? []).map(({ name, description = '' }) => ({ name, description }));
  return {
    name: source.name,
    version: source.version,
    author: source.author,
    description: source.description,
    license: source.license,
    homepage: source.homepage,
    frameworkVersion: normaliseRange(source.framework_version),
    upgradeFrom: source.upgrade_from === undefined ? undefined : normaliseRange(source.upgrade_from),
    dependencies: toDependencies(source),
    configSchema: toSettingsSchema(source.config_schema, {}),
    features: Object.entries(source.features).map(([name, feature]) => toFeature(name, feature)),
    auth: {
      type: source.auth?.type ?? 'none',
      requiredScopes: source.auth?.required_scopes ?? [],
      attach: (source.auth?.attach ?? []).map((attach) => toAttachRule(attach, source.auth?.type)),
      ...(source.auth?.oauth === undefined ? {} : { oauth: toAuthorisationRules(source.auth.oauth) }),
    },
    envVars: (source.env_vars ?? []).map(({ name, description = '' }) => ({ name, description })),
    capabilities: {
      http: (source.capabilities?.http ?? []).map(toHttpAsk),
      storage: source.capabilities?.storage ?? collections.length > 0,
      limits: toLimitAsks(source.capabilities?.limits ?? {}),
    },
    collections,
    metrics: (source.monitoring?.metrics ?? []).map(({ name, type, description = '' }) => ({ name, type, description })),
    webhook: source.webhook === undefined ? undefined : toWebhookRules(source.webhook),
    ...(source.schedule === undefined ? {} : { schedule: source.schedule }),
  };
}

function toDependencies(source: DatasourceManifest): Manifest['dependencies'] {
  const packages = pythonPackages(source);
  return Object.entries(source.core_dependencies ?? {})
    .filter(([name]) => !packages.includes(name))
    .map(([name, range]) => ({ name, range: normaliseRange(range) }));
}

function toFeature(name: string, feature: Feature): ManifestFeature {
  const given = isJsonObject(feature.config) ? feature.config : {};
  const configSchema = toSettingsSchema(feature.config_schema, given);
  // The rules have found them good; the schema's own defaults are filled in here.
  const verdict = checkSettings(configSchema, given);
  return {
    name,
    description: feature.description ?? name.replaceAll('_', ' '),
    enabled: feature.enabled ?? true,
    config: verdict.ok ? verdict.settings : given,
    configSchema,
    dependsOn: feature.depends_on ?? [],
  };
}

function toAttachRule(attach: Attach, type: string | undefined): AttachRule {
  const basic = type === 'basic' && attach.format === undefined;
  return {
    header: (attach.header ?? 'authorization').toLowerCase(),
    format: attach.format ?? (basic ? 'Basic {secret}' : 'Bearer {secret}'),
    ...((attach.encoding ?? (basic ? 'base64' : 'plain')) === 'base64' ? { encoding: 'base64' as const } : {}),
    origins: attach.origins ?? [],
    originsFromConfig: attach.origins_from_config ?? [],
  };
}

function toHttpAsk(ask: HttpAskSource): HttpAsk {
  if (ask.origin !== undefined) return { kind: 'origin', origin: ask.origin, reason: ask.reason };
  return { kind: 'from-config', configKey: ask.origin_from_config ?? '', reason: ask.reason };
}
