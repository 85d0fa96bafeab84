import { ringOfFeatures } from './feature-dependencies.ts';
import type { DatasourceManifest } from '../generated/schemas/datasource-manifest.ts';
import type { Problem } from './errors.ts';
import { isJsonObject } from './json.ts';
import { escapePointer } from './json-pointer.ts';
import { pythonPackages } from './manifest-notices.ts';
import { checkLimitAsks } from './manifest-limits.ts';
import { checkOAuth } from './manifest-oauth.ts';
import { checkWebhook } from './manifest-webhook.ts';
import { nearest } from './nearest.ts';
import { scheduleFault } from './schedule.ts';
import { checkSettings, toSettingsSchema } from './settings.ts';
import { isRange, isVersion } from './version-range.ts';

/** What no schema can say about a manifest that satisfies its schema. */
export function checkManifestRules(source: DatasourceManifest): Problem[] {
  return [
    ...checkVersions(source),
    ...checkFeatures(source),
    ...checkNames(source),
    ...checkHttp(source),
    ...checkLimitAsks(source.capabilities?.limits ?? {}),
    ...checkAttach(source),
    ...checkOAuth(source),
    ...checkStorage(source),
    ...checkWebhook(source),
    ...checkSchedule(source),
  ];
}

function checkVersions(source: DatasourceManifest): Problem[] {
  const problems: Problem[] = [];
  if (!isVersion(source.version)) {
    problems.push({ path: '/version', reason: `"${source.version}" is no semantic version.`, remedy: 'Write three numbers: 1.0.0.' });
  }
  if (!isRange(source.framework_version)) {
    const reason = `"${source.framework_version}" is no range of versions.`;
    problems.push({ path: '/framework_version', reason, remedy: 'Write a range: >=1.0.0,<2.0.0.' });
  }
  if (source.upgrade_from !== undefined && !isRange(source.upgrade_from)) {
    const reason = `"${source.upgrade_from}" is no range of versions.`;
    problems.push({ path: '/upgrade_from', reason, remedy: 'Write a range: >=1.0.0,<2.0.0.' });
  }
  for (const [name, range] of Object.entries(source.core_dependencies ?? {})) {
    if (isRange(range) || pythonPackages(source).includes(name)) continue;
    const reason = `"${range}" is no range of versions.`;
    problems.push({ path: `/core_dependencies/${escapePointer(name)}`, reason, remedy: 'Write a range: >=1.0.0,<2.0.0.' });
  }
  return problems;
}

function checkFeatures(source: DatasourceManifest): Problem[] {
  const names = Object.keys(source.features);
  const each = Object.entries(source.features).flatMap(([name, feature]) => {
    const path = `/features/${name}`;
    const config = isJsonObject(feature.config) ? feature.config : {};
    const verdict = checkSettings(toSettingsSchema(feature.config_schema, config), config);
    const settings = verdict.ok ? [] : verdict.problems.map((problem) => ({ ...problem, path: `${path}/config${problem.path}` }));
    const dependencies = (feature.depends_on ?? []).flatMap((other, index) => {
      const at = `${path}/depends_on/${index}`;
      if (other === name) return [{ path: at, reason: `"${name}" depends on itself.`, remedy: 'Remove it.' }];
      return names.includes(other) ? [] : [{ path: at, reason: `There is no feature "${other}".`, remedy: useOneOf(other, names) }];
    });
    return [...settings, ...dependencies];
  });
  return [...each, ...checkRing(source)];
}

/** Features of a ring could be switched neither on nor off one after the other. */
function checkRing({ features }: DatasourceManifest): Problem[] {
  const ring = ringOfFeatures(Object.entries(features).map(([name, { depends_on: dependsOn = [] }]) => ({ name, dependsOn })));
  // One that needs itself is told of where it says so.
  if (ring === undefined || ring.length < 2) return [];
  const reason = `${[...ring, ring[0]].join(' needs ')}: none of them could be switched on first.`;
  return [{ path: `/features/${ring[0]}/depends_on`, reason, remedy: 'Let one of them not need the next.' }];
}

function checkNames(source: DatasourceManifest): Problem[] {
  return [
    ...checkUnique('/database/tables', source.database?.tables ?? []),
    ...checkUnique('/monitoring/metrics', source.monitoring?.metrics ?? []),
    ...checkUnique('/env_vars', source.env_vars ?? []),
  ];
}

function checkUnique(path: string, items: readonly { name: string }[]): Problem[] {
  return items.flatMap(({ name }, index) => {
    const first = items.findIndex((item) => item.name === name);
    if (first === index) return [];
    return [{ path: `${path}/${index}/name`, reason: `"${name}" is there twice.`, remedy: 'Remove one, or rename it.' }];
  });
}

function checkHttp(source: DatasourceManifest): Problem[] {
  return (source.capabilities?.http ?? []).flatMap((ask, index) => {
    const path = `/capabilities/http/${index}`;
    if (ask.origin_from_config !== undefined) return checkConfigKey(source, ask.origin_from_config, `${path}/origin_from_config`);
    return ask.origin === undefined ? [] : checkPort(ask.origin, `${path}/origin`);
  });
}

function checkPort(origin: string, path: string): Problem[] {
  // `*` is no host of a URL; the rest of the origin is checked with a label in its place.
  if (URL.canParse(origin.replace('*', 'any'))) return [];
  return [{ path, reason: `"${origin}" is no origin.`, remedy: 'Write scheme, host and port: https://example.com:8443.' }];
}

/** A credential may only go where the datasource has asked to go. */
function checkAttach(source: DatasourceManifest): Problem[] {
  const rules = source.auth?.attach ?? [];
  if (rules.length > 0 && source.auth?.type === 'none') {
    return [
      { path: '/auth/attach', reason: 'There is no credential to attach: type is none.', remedy: 'Remove "attach", or change "type".' },
    ];
  }
  const asks = source.capabilities?.http ?? [];
  return rules.flatMap((rule, index) => {
    const path = `/auth/attach/${index}`;
    const { origins = [], origins_from_config: keys = [] } = rule;
    if (origins.length + keys.length === 0) {
      return [{ path, reason: 'It attaches the credential to no origin.', remedy: 'Add "origins" or "origins_from_config".' }];
    }
    const unasked = origins.flatMap((origin, at) => {
      if (asks.some((ask) => ask.origin === origin)) return [];
      return [{ path: `${path}/origins/${at}`, reason: `"${origin}" is not in capabilities.http.`, remedy: 'Add it there with a reason.' }];
    });
    const unaskedKeys = keys.flatMap((key, at) => {
      if (asks.some((ask) => ask.origin_from_config === key)) return [];
      return [
        {
          path: `${path}/origins_from_config/${at}`,
          reason: `"${key}" is not in capabilities.http.`,
          remedy: 'Add it there with a reason.',
        },
      ];
    });
    return [...unasked, ...unaskedKeys];
  });
}

function checkSchedule(source: DatasourceManifest): Problem[] {
  return Object.entries(source.schedule ?? {}).flatMap(([kind, text]) => {
    const reason = typeof text === 'string' ? scheduleFault(text) : undefined;
    if (reason === undefined) return [];
    return [{ path: `/schedule/${kind}`, reason, remedy: 'Write five fields of cron in UTC, such as "*/15 * * * *", or "off".' }];
  });
}

function checkConfigKey(source: DatasourceManifest, key: string, path: string): Problem[] {
  const properties: unknown = source.config_schema?.properties;
  const known = isJsonObject(properties) ? properties : {};
  const property = known[key];
  if (property === undefined) {
    return [{ path, reason: `config_schema has no property "${key}".`, remedy: useOneOf(key, Object.keys(known)) }];
  }
  if (isJsonObject(property) && property.type === 'string') return [];
  return [{ path, reason: `"${key}" is not text.`, remedy: 'Give it "type: string" and "format: uri" in config_schema.' }];
}

function checkStorage(source: DatasourceManifest): Problem[] {
  const tables = source.database?.tables ?? [];
  const asked = source.capabilities?.storage;
  if (asked === false && tables.length > 0) {
    const reason = 'database.tables names tables, and storage is false.';
    return [{ path: '/capabilities/storage', reason, remedy: 'Remove the tables, or this line.' }];
  }
  if (asked === true && tables.length === 0) {
    const reason = 'Values are kept in tables, and database.tables names none.';
    return [{ path: '/capabilities/storage', reason, remedy: 'Add database.tables with a name, or remove this line.' }];
  }
  return [];
}

function useOneOf(word: string, known: readonly string[]): string {
  const candidate = nearest(word, known);
  if (candidate !== undefined) return `Write "${candidate}".`;
  return known.length === 0 ? 'Remove it.' : `Use one of: ${known.join(', ')}.`;
}
