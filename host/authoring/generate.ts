import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import type { Manifest } from '../domain/manifest.ts';

/** The file beside `source.ts` that gives an author's code its types. */
export const GENERATED_FILE = 'datasource.generated.ts';

/** The text of `datasource.generated.ts`: the manifest as a constant, and the types of its config and settings. */
export function generateManifestModule(manifest: Manifest): string {
  const features = manifest.features.map(
    ({ name, description, config, configSchema }) =>
      `${toComment(description, '  ')}  ${name}: ${settingsType(configSchema, Object.keys(config), '  ')};\n`,
  );
  const metrics = (type: 'counter' | 'gauge') => manifest.metrics.filter((metric) => metric.type === type).map(({ name }) => name);
  const collections = manifest.collections.map(({ name }) => name);
  const constant = {
    name: manifest.name,
    version: manifest.version,
    features: manifest.features.map(({ name, description }) => ({ name, description })),
    configSchema: manifest.configSchema,
    collections,
    counters: metrics('counter'),
    gauges: metrics('gauge'),
  };
  return `// Generated from datasource.yaml by \`datasources build\`. Do not edit.
import type { DatasourceManifest } from '@lorelai/datasource-sdk';

/** The settings of a connection. */
export type Config = ${settingsType(manifest.configSchema, [], '')};

/** The settings of each feature. */
export interface Features {
${features.join('')}}

export interface ManifestTypes {
  config: Config;
  features: Features;
  collections: ${unionOf(collections)};
  counters: ${unionOf(metrics('counter'))};
  gauges: ${unionOf(metrics('gauge'))};
}

export const manifest: DatasourceManifest<ManifestTypes> = ${JSON.stringify(constant, undefined, 2)};
`;
}

/** The TypeScript type of settings. `defaulted` are keys that are there even when nobody sets them. */
function settingsType(schema: JsonObject, defaulted: readonly string[], indent: string): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  switch (schema.type) {
    case 'object':
      return objectType(schema, defaulted, indent);
    case 'array':
      return `readonly (${isJsonObject(schema.items) ? settingsType(schema.items, [], indent) : 'unknown'})[]`;
    case 'string':
    case 'boolean':
      return schema.type;
    case 'number':
    case 'integer':
      return 'number';
    default:
      return 'unknown';
  }
}

function objectType(schema: JsonObject, defaulted: readonly string[], indent: string): string {
  const properties = isJsonObject(schema.properties) ? Object.entries(schema.properties) : [];
  const required = new Set([...(Array.isArray(schema.required) ? schema.required : []), ...defaulted]);
  const inner = `${indent}  `;
  const lines = properties.map(([key, property]) => {
    const always = required.has(key) || hasDefault(property);
    const type = isJsonObject(property) ? settingsType(property, [], inner) : 'unknown';
    const comment = isJsonObject(property) && typeof property.description === 'string' ? toComment(property.description, inner) : '';
    return `${comment}${inner}readonly ${key}${always ? '' : '?'}: ${type}${always ? '' : ' | undefined'};\n`;
  });
  // Where the schema does not say, `additionalProperties` has been set to false by the manifest's parser.
  if (schema.additionalProperties !== false) lines.push(`${inner}readonly [key: string]: unknown;\n`);
  return lines.length === 0 ? '{}' : `{\n${lines.join('')}${indent}}`;
}

function hasDefault(property: Json): boolean {
  return isJsonObject(property) && property.default !== undefined;
}

function toComment(text: string, indent: string): string {
  const line = text.replace(/\s+/g, ' ').replaceAll('*/', '* /').trim();
  return line === '' ? '' : `${indent}/** ${line} */\n`;
}

function unionOf(names: readonly string[]): string {
  return names.length === 0 ? 'never' : names.map((name) => JSON.stringify(name)).join(' | ');
}
