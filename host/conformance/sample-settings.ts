import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import { checkSettings } from '../domain/settings.ts';

/** Where nobody is: RFC 6761 keeps `.invalid` free for ever. */
const NOWHERE = 'https://conformance.invalid';
const MAX_DEPTH = 8;

/** Settings that satisfy a schema: its defaults, its examples, or the plainest values. Undefined when none are found. */
export function sampleSettings(schema: JsonObject, given: JsonObject = {}): JsonObject | undefined {
  const filled = { ...requiredOf(schema, 0), ...given };
  const verdict = checkSettings(schema, filled);
  return verdict.ok ? verdict.settings : undefined;
}

function requiredOf(schema: JsonObject, depth: number): JsonObject {
  const properties = isJsonObject(schema.properties) ? schema.properties : {};
  const required = Array.isArray(schema.required) ? schema.required : [];
  const members = required.flatMap((key) => {
    const member = typeof key === 'string' ? properties[key] : undefined;
    return typeof key === 'string' && isJsonObject(member) && member.default === undefined
      ? [[key, sampleOf(member, depth + 1)] as const]
      : [];
  });
  return Object.fromEntries(members);
}

function sampleOf(schema: JsonObject, depth: number): Json {
  const { type, format, examples, enum: choices, const: only, minLength, minimum, minItems, items } = schema;
  if (only !== undefined) return only;
  if (Array.isArray(examples) && examples[0] !== undefined) return examples[0];
  if (Array.isArray(choices) && choices[0] !== undefined) return choices[0];
  if (depth > MAX_DEPTH) return null;
  switch (type) {
    case 'integer':
    case 'number':
      return typeof minimum === 'number' ? minimum : 1;
    case 'boolean':
      return false;
    case 'array':
      return Array.from({ length: Math.min(10, Number(minItems ?? 0)) }, () =>
        isJsonObject(items) ? sampleOf(items, depth + 1) : 'sample',
      );
    case 'object':
      return requiredOf(schema, depth);
    default:
      return textOf(format, Number(minLength ?? 0));
  }
}

function textOf(format: Json | undefined, minLength: number): string {
  switch (format) {
    case 'uri':
      return NOWHERE;
    case 'email':
      return 'somebody@conformance.invalid';
    case 'date':
      return '2026-01-01';
    case 'date-time':
      return '2026-01-01T00:00:00Z';
    default:
      return 'sample'.padEnd(Math.min(minLength, 1_000), 'x');
  }
}
