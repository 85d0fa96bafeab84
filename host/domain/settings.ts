import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { Problem } from './errors.ts';
import { isJsonObject, type Json, type JsonObject } from './json.ts';
import { useLinearUniqueness } from './linear-uniqueness.ts';
import { schemaProblems } from './schema-problems.ts';

/** What a check of settings found: the settings with the schema's defaults filled in, or what is wrong. */
export type SettingsVerdict = { ok: true; settings: JsonObject } | { ok: false; problems: Problem[] };

/**
 * Checks a connection's config or a feature's settings against a schema of a manifest. Paths in the
 * problems are JSON Pointers into `settings`. Never changes `settings`.
 */
export function checkSettings(schema: JsonObject, settings: JsonObject): SettingsVerdict {
  // `fast` formats are linear in the length of the text; the schema and the text may both be hostile.
  // The manifest's schema has vouched for this one, which saves compiling the meta-schema each time.
  const ajv = new Ajv2020({ allErrors: true, strict: false, useDefaults: true, verbose: true, meta: false, validateSchema: false });
  useLinearUniqueness(ajv);
  addFormats.default(ajv, { mode: 'fast', formats: ['uri', 'email', 'date', 'date-time'] });
  const filled = structuredClone(settings);
  const validate = ajv.compile<JsonObject>(schema);
  if (validate(filled)) return { ok: true, settings: filled };
  return { ok: false, problems: schemaProblems(validate.errors ?? []) };
}

/**
 * The JSON Schema of settings. One that the author gave is closed: objects that name their properties
 * refuse others unless they say otherwise, so that a misspelt setting is an error. Without one the
 * defaults describe it: these keys, these types, no others.
 */
export function toSettingsSchema(given: unknown, defaults: JsonObject): JsonObject {
  return isJsonObject(given) ? closeSchema(given) : inferSettingsSchema(defaults);
}

function inferSettingsSchema(defaults: JsonObject): JsonObject {
  const properties = Object.entries(defaults).map(([key, value]) => [key, inferSchema(value)] as const);
  return { type: 'object', properties: Object.fromEntries(properties), additionalProperties: false };
}

function inferSchema(value: Json): JsonObject {
  if (value === null) return {};
  if (Array.isArray(value)) return inferArraySchema(value);
  if (isJsonObject(value)) return inferSettingsSchema(value);
  if (typeof value === 'number') return { type: Number.isInteger(value) ? 'integer' : 'number' };
  return { type: typeof value };
}

function inferArraySchema(items: Json[]): JsonObject {
  const schemas = new Map(items.map((item) => [JSON.stringify(inferSchema(item)), inferSchema(item)]));
  const [only] = schemas.values();
  return schemas.size === 1 && only !== undefined ? { type: 'array', items: only } : { type: 'array' };
}

function closeSchema(schema: JsonObject): JsonObject {
  const closed: JsonObject = { ...schema };
  if (isJsonObject(schema.properties)) {
    const properties = Object.entries(schema.properties);
    closed.properties = Object.fromEntries(properties.map(([key, value]) => [key, isJsonObject(value) ? closeSchema(value) : value]));
    closed.additionalProperties ??= false;
  }
  if (isJsonObject(schema.items)) closed.items = closeSchema(schema.items);
  return closed;
}
