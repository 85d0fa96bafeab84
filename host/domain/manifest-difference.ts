import type { JsonObject } from './json.ts';
import { limitLine } from './grant-difference.ts';
import type { Manifest } from './manifest.ts';

/** Parts of a manifest whose change somebody should know before a version is switched. */
export const MANIFEST_AREAS = [
  'contract',
  'dependencies',
  'features',
  'capabilities',
  'credential',
  'config',
  'collections',
  'metrics',
  'webhook',
] as const;

export type ManifestArea = (typeof MANIFEST_AREAS)[number];

/** One thing that differs between two versions. */
export interface ManifestDifference {
  area: ManifestArea;
  change: 'added' | 'removed' | 'changed';
  /** The thing, in a few words: `feature issue_tracking`. */
  what: string;
}

/** What is not the same in a later version, area by area. Texts for people alone are left out. */
export function manifestDifferences(before: Manifest, after: Manifest): ManifestDifference[] {
  const [was, is] = [partsOf(before), partsOf(after)];
  return MANIFEST_AREAS.flatMap((area) => differences(area, was[area], is[area]));
}

/** Things by their name, each with a text that tells whether it has changed. */
type Parts = Record<ManifestArea, Map<string, string>>;

function partsOf(manifest: Manifest): Parts {
  const { auth, capabilities } = manifest;
  return {
    contract: new Map([['framework version', manifest.frameworkVersion]]),
    dependencies: new Map(manifest.dependencies.map(({ name, range }) => [name, range])),
    features: new Map(
      manifest.features.map(({ name, enabled, config, configSchema, dependsOn }) => [
        `feature ${name}`,
        JSON.stringify([enabled, config, withoutTexts(configSchema), dependsOn]),
      ]),
    ),
    capabilities: new Map([
      ...capabilityLines(manifest).map((line): [string, string] => [line, '']),
      ...(capabilities.storage ? [['storage', ''] as const] : []),
      ...capabilities.limits.flatMap(({ limit, value }) => limitLine(limit, value)).map((line) => [line, ''] as const),
    ]),
    credential: new Map([
      ['kind of credential', auth.type],
      ...auth.requiredScopes.map((scope) => [`scope ${scope}`, ''] as const),
      ...attachments(manifest),
    ]),
    config: settingsOf(manifest.configSchema),
    collections: new Map(manifest.collections.map(({ name }) => [`collection ${name}`, ''])),
    metrics: new Map(manifest.metrics.map(({ name, type }) => [`metric ${name}`, type])),
    webhook: new Map(manifest.webhook === undefined ? [] : [['webhook', JSON.stringify(manifest.webhook)]]),
  };
}

function capabilityLines({ capabilities }: Manifest): string[] {
  return capabilities.http.map((ask) => (ask.kind === 'origin' ? `http ${ask.origin}` : `http to the setting "${ask.configKey}"`));
}

function attachments({ auth }: Manifest): [string, string][] {
  return auth.attach.flatMap(({ header, format, origins, originsFromConfig }) => [
    ...origins.map((origin): [string, string] => [`credential to ${origin}`, `${header}: ${format}`]),
    ...originsFromConfig.map((key): [string, string] => [`credential to the setting "${key}"`, `${header}: ${format}`]),
  ]);
}

function settingsOf(schema: JsonObject): Map<string, string> {
  const { properties, required } = schema;
  const needed = Array.isArray(required) ? required : [];
  const entries = typeof properties === 'object' && properties !== null && !Array.isArray(properties) ? Object.entries(properties) : [];
  return new Map(entries.map(([key, setting]) => [`setting ${key}`, JSON.stringify([withoutTexts(setting), needed.includes(key)])]));
}

/** Of a schema, what decides which values are good. */
function withoutTexts(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutTexts);
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([key, value]) => !((key === 'description' || key === 'title') && typeof value === 'string') && key !== 'examples')
      .map(([key, value]) => [key, withoutTexts(value)]),
  );
}

function differences(area: ManifestArea, before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): ManifestDifference[] {
  const found: ManifestDifference[] = [];
  for (const what of before.keys()) if (!after.has(what)) found.push({ area, change: 'removed', what });
  for (const [what, text] of after) {
    const was = before.get(what);
    if (was !== text) found.push({ area, change: was === undefined ? 'added' : 'changed', what });
  }
  return found;
}
