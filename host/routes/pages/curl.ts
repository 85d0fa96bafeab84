import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import type { OpenApiOperation } from '../openapi.ts';

/** One operation and where it is. */
export interface Address {
  /** With parameters in braces. */
  path: string;
  /** Lower case. */
  method: string;
  operation: OpenApiOperation;
}

/**
 * A command line that calls the operation with its examples.
 * @param origin Where the host is: `http://127.0.0.1:8787`.
 */
export function curlExample({ path, method, operation }: Address, schemas: Readonly<Record<string, JsonObject>>, origin: string): string {
  const filled = path.replaceAll(
    /\{(\w+)\}/g,
    (_, name: string) => operation.parameters.find((parameter) => parameter.name === name)?.example ?? name,
  );
  const url = quote(`${origin}${filled}`);
  const verb = method === 'get' ? '' : `-X ${method.toUpperCase()} `;
  const body = bodyExample(operation, schemas);
  const key = operation.security.length === 0 ? '' : ` \\\n  -H "authorization: Bearer $KEY"`;
  if (body === undefined) return `curl -s ${verb}${url}${key}`;
  return `curl -s ${method === 'post' ? '' : verb}${url}${key} \\\n  -H 'content-type: application/json' \\\n  -d ${quote(JSON.stringify(body))}`;
}

function bodyExample(operation: OpenApiOperation, schemas: Readonly<Record<string, JsonObject>>): Json | undefined {
  const schema = operation.requestBody?.content['application/json']?.schema;
  const named = typeof schema?.$ref === 'string' ? schemas[schema.$ref.replace(/^.*\//, '')] : schema;
  return isJsonObject(named) && Array.isArray(named.examples) ? named.examples[0] : undefined;
}

/** As one word of a POSIX shell. */
function quote(text: string): string {
  return /^[\w:/.@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
