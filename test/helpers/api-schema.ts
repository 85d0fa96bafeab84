import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { isJsonObject, type Json } from '../../host/domain/json.ts';
import { apiSchemas } from '../../host/routes/schemas.ts';

/**
 * Checks values against the schemas of the API, more strictly than the schemas do: a property that no
 * schema names is a fault, so that nothing reaches a caller by accident.
 */
export function strictApiSchemas(): (name: string, value: unknown) => string[] {
  const ajv = new Ajv2020({ allErrors: true, strict: true, strictTypes: false, allowUnionTypes: true });
  addFormats.default(ajv);
  ajv.addSchema({ $id: 'urn:test:api', $defs: closed(apiSchemas('#/$defs/')) });
  return (name, value) => {
    const validate = ajv.getSchema(`urn:test:api#/$defs/${name}`);
    if (validate === undefined) return [`there is no schema ${name}`];
    return validate(value) === true
      ? []
      : (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message ?? ''} ${JSON.stringify(error.params)}`);
  };
}

function closed(value: Json): Json {
  if (Array.isArray(value)) return value.map(closed);
  if (!isJsonObject(value)) return value;
  const inner = Object.fromEntries(Object.entries(value).map(([key, nested]) => [key, key === 'examples' ? nested : closed(nested)]));
  return value.type === 'object' && isJsonObject(value.properties) && value.additionalProperties === undefined
    ? { ...inner, additionalProperties: false }
    : inner;
}
