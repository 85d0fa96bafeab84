import { Ajv2020 } from 'ajv/dist/2020.js';
import type { AnyValidateFunction } from 'ajv/dist/types/index.js';
import addFormats from 'ajv-formats';
import { RequestError } from '../domain/errors.ts';
import { useLinearUniqueness } from '../domain/linear-uniqueness.ts';
import { schemaProblems } from '../domain/schema-problems.ts';
import type { ApiSchemas } from '../generated/api.ts';
import { apiSchemas } from './schemas.ts';

/** The name of a schema in schemas/api. */
export type SchemaName = keyof ApiSchemas;

/** Checks bodies against the schemas of the API. */
export interface Validation {
  /** The value itself when it fits; INVALID_REQUEST with one problem for each thing that is wrong. */
  parse<N extends SchemaName>(name: N, value: unknown): ApiSchemas[N];
}

const API_ID = 'urn:lorelai:schema:api';

/** Compiles each schema when it is first needed. */
export function createValidation(): Validation {
  const ajv = new Ajv2020({ allErrors: true, verbose: true, strict: true, strictTypes: false, allowUnionTypes: true });
  useLinearUniqueness(ajv);
  addFormats.default(ajv, { mode: 'fast', formats: ['date-time', 'uri-reference'] });
  ajv.addSchema({ $id: API_ID, $defs: apiSchemas('#/$defs/') });
  return {
    parse<N extends SchemaName>(name: N, value: unknown): ApiSchemas[N] {
      const validate = ajv.getSchema<ApiSchemas[N]>(`${API_ID}#/$defs/${name}`);
      if (validate === undefined) throw new Error(`the API has no schema called ${name}`);
      if (fits(validate, value)) return value;
      throw invalidBody(schemaProblems(validate.errors ?? []));
    },
  };
}

function fits<T>(validate: AnyValidateFunction<T>, value: unknown): value is T {
  return validate(value) === true;
}

function invalidBody(problems: ReturnType<typeof schemaProblems>): RequestError {
  const [first] = problems;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  const where = first === undefined || first.path === '' ? 'The body' : `The body's ${first.path}`;
  return new RequestError('INVALID_REQUEST', `${where} cannot be used: ${first?.reason ?? 'it does not fit its schema.'}${more}`, {
    ...(first === undefined ? {} : { remedy: first.remedy }),
    problems,
  });
}
