import type { JsonObject } from '../domain/json.ts';
import { LIMIT_NAMES, LIMITS } from '../domain/limits.ts';

/** The schema of every limit in force, from the table that they are enforced by. */
export function limitsSchema(): JsonObject {
  return {
    type: 'object',
    description: 'Every limit in force, enforced on each call.',
    required: [...LIMIT_NAMES],
    properties: limitProperties(),
  };
}

/** The schema of the limits that a grant sets. */
export function grantLimitsSchema(): JsonObject {
  return {
    type: 'object',
    description: 'Limits that differ from their defaults.',
    additionalProperties: false,
    properties: limitProperties(),
  };
}

function limitProperties(): JsonObject {
  return Object.fromEntries(
    LIMIT_NAMES.map((name) => {
      const { least, most, description, default: standard } = LIMITS[name];
      return [name, { type: 'integer', minimum: least, maximum: most, default: standard, description }];
    }),
  );
}
