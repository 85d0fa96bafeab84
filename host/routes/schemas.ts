import audit from '../../schemas/api/audit.schema.json' with { type: 'json' };
import change from '../../schemas/api/change.schema.json' with { type: 'json' };
import authorisation from '../../schemas/api/authorisation.schema.json' with { type: 'json' };
import common from '../../schemas/api/common.schema.json' with { type: 'json' };
import connection from '../../schemas/api/connection.schema.json' with { type: 'json' };
import datasource from '../../schemas/api/datasource.schema.json' with { type: 'json' };
import health from '../../schemas/api/health.schema.json' with { type: 'json' };
import key from '../../schemas/api/key.schema.json' with { type: 'json' };
import lorelai from '../../schemas/api/lorelai.schema.json' with { type: 'json' };
import organisation from '../../schemas/api/organisation.schema.json' with { type: 'json' };
import person from '../../schemas/api/person.schema.json' with { type: 'json' };
import problem from '../../schemas/api/problem.schema.json' with { type: 'json' };
import retrieval from '../../schemas/api/retrieval.schema.json' with { type: 'json' };
import run from '../../schemas/api/run.schema.json' with { type: 'json' };
import schedule from '../../schemas/api/schedule.schema.json' with { type: 'json' };
import source from '../../schemas/api/source.schema.json' with { type: 'json' };
import trust from '../../schemas/api/trust.schema.json' with { type: 'json' };
import vectors from '../../schemas/api/vectors.schema.json' with { type: 'json' };
import version from '../../schemas/api/version.schema.json' with { type: 'json' };
import webhook from '../../schemas/api/webhook.schema.json' with { type: 'json' };
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import { errorCodes } from '../domain/errors.ts';
import { grantLimitsSchema, limitsSchema } from './limits-schema.ts';

/** The files of schemas/api: a new one is added here. Every name under `$defs` is used once in all of them. What a table says comes from there. */
const FILES: readonly { $defs: JsonObject }[] = [
  common,
  problem,
  organisation,
  key,
  change,
  datasource,
  connection,
  authorisation,
  audit,
  run,
  schedule,
  trust,
  source,
  version,
  webhook,
  retrieval,
  vectors,
  person,
  lorelai,
  health,
  { $defs: { Limits: limitsSchema(), GrantLimits: grantLimitsSchema(), ErrorCode: errorCodeSchema() } },
];

/**
 * Every schema of the API by name, with references to one another written as `refPrefix` and the
 * name: `#/$defs/` for one JSON Schema, `#/components/schemas/` for an OpenAPI document.
 */
export function apiSchemas(refPrefix: string): Record<string, JsonObject> {
  const schemas: Record<string, JsonObject> = {};
  for (const [name, schema] of FILES.flatMap((file) => Object.entries(file.$defs))) {
    if (name in schemas) throw new Error(`two schemas of the API are called ${name}`);
    const rewritten = rewriteReferences(schema, refPrefix);
    if (isJsonObject(rewritten)) schemas[name] = rewritten;
  }
  return schemas;
}

function errorCodeSchema(): JsonObject {
  return {
    type: 'string',
    description: 'What went wrong, for programs. New codes may be added; treat an unknown one by its HTTP status.',
    enum: errorCodes(),
  };
}

function rewriteReferences(value: Json, refPrefix: string): Json {
  if (Array.isArray(value)) return value.map((item) => rewriteReferences(item, refPrefix));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (key === '$ref' && typeof inner === 'string') return [key, inner.replace(/^.*#\/\$defs\//, refPrefix)];
      return [key, rewriteReferences(inner, refPrefix)];
    }),
  );
}
