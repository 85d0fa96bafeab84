import type { ErrorObject } from 'ajv';
import type { Problem } from './errors.ts';
import { escapePointer } from './json-pointer.ts';
import { nearest } from './nearest.ts';

const MAX_PROBLEMS = 50;
const MAX_QUOTED_CHARACTERS = 80;

const TYPES: Readonly<Record<string, string>> = {
  object: 'an object',
  array: 'a list',
  string: 'text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
};

/** Keywords that set a limit, and what is to be said of a value beyond it. */
const LIMITS: Readonly<Record<string, (limit: string) => string>> = {
  minLength: (limit) => `It has fewer than ${limit} characters.`,
  maxLength: (limit) => `It has more than ${limit} characters.`,
  minimum: (limit) => `It is less than ${limit}.`,
  maximum: (limit) => `It is more than ${limit}.`,
  minItems: (limit) => `It has fewer than ${limit} items.`,
  maxItems: (limit) => `It has more than ${limit} items.`,
  uniqueItems: () => 'It holds the same item twice.',
};

/** What a JSON Schema check found, for people: at most 50 problems, each with a JSON Pointer, no duplicates. */
export function schemaProblems(errors: readonly ErrorObject[]): Problem[] {
  const problems = new Map<string, Problem>();
  // Several errors may say the same; a hostile input can cause thousands.
  for (const error of errors.slice(0, 4 * MAX_PROBLEMS)) {
    const problem = schemaProblem(error);
    if (problem !== undefined) problems.set(`${problem.path} ${problem.reason}`, problem);
  }
  return [...problems.values()].slice(0, MAX_PROBLEMS);
}

function schemaProblem(error: ErrorObject): Problem | undefined {
  const path = error.instancePath;
  const params: Record<string, unknown> = error.params;
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = String(params.additionalProperty);
      return {
        path: `${path}/${escapePointer(key)}`,
        reason: `"${shorten(key)}" is not known here.`,
        remedy: remedyForUnknown(error, key),
      };
    }
    case 'required':
      return { path, reason: `"${String(params.missingProperty)}" is missing.`, remedy: `Add "${String(params.missingProperty)}".` };
    case 'type':
      return {
        path,
        reason: `It must be ${[params.type]
          .flat()
          .map((type) => TYPES[String(type)] ?? String(type))
          .join(' or ')}.`,
        remedy: 'Change the value, or its quotes.',
      };
    case 'enum':
    case 'const': {
      const allowed = 'allowedValues' in params ? params.allowedValues : [params.allowedValue];
      const list = Array.isArray(allowed) ? allowed.map((value) => JSON.stringify(value)).join(', ') : '';
      return { path, reason: `It must be one of: ${list}.`, remedy: 'Use one of these values.' };
    }
    case 'pattern':
      return { path, reason: 'It is not spelt as it must be.', remedy: `Use this form: ${describe(error)}` };
    case 'propertyNames': {
      const key = String(params.propertyName);
      return {
        path: `${path}/${escapePointer(key)}`,
        reason: `"${shorten(key)}" cannot be a name.`,
        remedy: 'Use a letter, then letters, digits and "_"; at most 64, lower-case for features.',
      };
    }
    case 'minProperties':
    case 'maxProperties':
      return { path, reason: 'It has too few or too many keys.', remedy: `Give what belongs here: ${describe(error)}` };
    // What these wrap is reported by itself.
    case 'if':
    case 'anyOf':
    case 'oneOf':
    case 'not':
      return undefined;
    default: {
      const limit = LIMITS[error.keyword]?.(String(params.limit));
      return { path, reason: limit ?? `It ${error.message ?? 'is not valid'}.`, remedy: limitRemedy(error) };
    }
  }
}

function limitRemedy({ parentSchema }: ErrorObject): string {
  const description: unknown = parentSchema?.description;
  return typeof description === 'string' ? `Give what belongs here: ${description}` : 'Change the value.';
}

function remedyForUnknown(error: ErrorObject, key: string): string {
  const properties: unknown = error.parentSchema?.properties;
  const known = typeof properties === 'object' && properties !== null ? Object.keys(properties) : [];
  const candidate = nearest(key, known);
  if (candidate !== undefined) return `Write "${candidate}", or remove it.`;
  return known.length === 0 ? 'Remove it.' : `Remove it, or use one of: ${known.join(', ')}.`;
}

function shorten(text: string): string {
  return text.length > MAX_QUOTED_CHARACTERS ? `${text.slice(0, MAX_QUOTED_CHARACTERS)}…` : text;
}

function describe(error: ErrorObject): string {
  const description: unknown = error.parentSchema?.description;
  return typeof description === 'string' ? description : String(error.parentSchema?.pattern ?? 'see the schema');
}
