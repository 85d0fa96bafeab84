import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { describe, expect, test } from 'vitest';
import { errorCodes } from '../../../host/domain/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../../host/domain/json.ts';
import { PROBLEM_KINDS } from '../../../host/middleware/problem.ts';
import type { OpenApiOperation } from '../../../host/routes/openapi.ts';
import { routeErrors } from '../../../host/routes/route.ts';
import { apiRoutes } from '../../../host/routes/routes.ts';
import { apiSchemas } from '../../../host/routes/schemas.ts';
import { edge } from '../../helpers/edge.ts';

const { routes, document } = apiRoutes();
const schemas = document.components.schemas;

const OF_THE_MANIFEST = 'as many as one manifest names';
const BY_HAND = 'as many as an operator has put in by hand';

/** Lists that are answered whole, each with what bounds it. */
const WHOLE: Readonly<Record<string, string>> = {
  listVariables: OF_THE_MANIFEST,
  listHostVariables: OF_THE_MANIFEST,
  listNewAsks: OF_THE_MANIFEST,
  listPersonPrincipals: 'what one person is',
  listVersions: BY_HAND,
  getCompatibilityMatrix: BY_HAND,
  listTrustedKeys: BY_HAND,
  listTrustedIdentities: BY_HAND,
  listSigstoreRoots: BY_HAND,
  listMarkets: BY_HAND,
  listSourceFolders: BY_HAND,
  lorelaiRunItems: 'pages of the numbers that Lorelai asks for',
  lorelaiSelection: 'a setting of one connection',
};

function operationOf(route: { path: string; method: string }): OpenApiOperation {
  const operation = document.paths[route.path]?.[route.method.toLowerCase()];
  if (operation === undefined) throw new Error(`${route.method} ${route.path} is not in the document`);
  return operation;
}

/** Every `$ref` in a value. */
function references(value: Json): string[] {
  if (Array.isArray(value)) return value.flatMap(references);
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => (key === '$ref' && typeof inner === 'string' ? [inner] : references(inner)));
}

/** The properties in a schema that neither they nor the schema they name explain. */
function unexplained(value: Json): string[] {
  if (Array.isArray(value)) return value.flatMap(unexplained);
  if (!isJsonObject(value)) return [];
  const own = isJsonObject(value.properties) ? Object.entries(value.properties) : [];
  const bare = own.filter(([, property]) => {
    if (!isJsonObject(property)) return true;
    const items = isJsonObject(property.items) ? property.items : {};
    return property.description === undefined && property.$ref === undefined && items.$ref === undefined;
  });
  return [
    ...bare.map(([name]) => name),
    ...Object.entries(value).flatMap(([key, inner]) => (key === 'examples' ? [] : unexplained(inner))),
  ];
}

describe('GET /openapi.json', () => {
  test('is the document that was made of the routes', async () => {
    const response = await edge().app.request('/openapi.json');
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual(JSON.parse(JSON.stringify(document)));
  });

  test('fits the schema of OpenAPI 3.1 that its makers publish', async () => {
    expect(document.openapi).toMatch(/^3\.1\.\d$/);
    expect(await new Validator().validate(structuredClone(document))).toEqual({ valid: true });
  });

  test('and that schema refuses what is amiss', async () => {
    const broken = { ...structuredClone(document), paths: { 'no-slash': {} } };
    expect(await new Validator().validate(broken)).toMatchObject({ valid: false });
  });

  test('holds no reference that leads nowhere', () => {
    const whole: JsonObject = JSON.parse(JSON.stringify(document));
    for (const reference of references(whole)) {
      const found = reference
        .slice(2)
        .split('/')
        .reduce<Json | undefined>((at, key) => (isJsonObject(at) ? at[key] : undefined), whole);
      expect(found, reference).toBeDefined();
    }
  });

  test('names every operation once', () => {
    const ids = routes.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every((id) => /^[a-z][A-Za-z]+$/.test(id))).toBe(true);
  });

  test('uses every schema', () => {
    const used = new Set(references(JSON.parse(JSON.stringify(document))).map((reference) => reference.replace(/^.*\//, '')));
    expect(Object.keys(schemas).filter((name) => !used.has(name))).toEqual([]);
  });
});

describe.each(routes.map((route) => [`${route.method} ${route.path}`, route] as const))('%s', (_name, route) => {
  const operation = operationOf(route);

  test('declares each parameter of its path as required, and no others there', () => {
    const inPath = [...route.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    const declared = operation.parameters.filter((parameter) => parameter.in === 'path');
    expect(declared.map(({ name }) => name)).toEqual(inPath);
    expect(declared.every(({ required }) => required)).toBe(true);
  });

  test('explains itself and each parameter', () => {
    expect(route.summary).toMatch(/[^.]$/);
    expect(route.description).toMatch(/\.$/);
    for (const { name, description } of operation.parameters) expect(description, name).toMatch(/\.$/);
  });

  test('declares its success and every error with its status', () => {
    const codes = routeErrors(route);
    const statuses = new Set([String(route.success.status), ...codes.map((code) => String(PROBLEM_KINDS[code].status))]);
    expect(new Set(Object.keys(operation.responses))).toEqual(statuses);
    for (const code of codes) expect(operation.responses[PROBLEM_KINDS[code].status]?.description).toContain(`\`${code}\``);
  });

  test('says who may call it', () => {
    expect(operation.security).toEqual(route.access.kind === 'open' ? [] : [{ bearer: [] }]);
    expect(operation['x-lorelai-access']?.scopes).toEqual(route.access.kind === 'open' ? undefined : route.access.scopes);
  });

  test('gives examples of its parameters that fit them', () => {
    const ajv = new Ajv2020({ strict: true, strictTypes: false });
    for (const { name, schema, example } of operation.parameters) {
      if (example !== undefined) expect(ajv.validate(schema, example), name).toBe(true);
      if ('default' in schema) expect(ajv.validate(schema, schema.default), name).toBe(true);
    }
  });

  test('declares the headers by which a caller goes on', () => {
    const headersOf = (status: number): string[] => Object.keys(operation.responses[status]?.headers ?? {});
    expect(headersOf(route.success.status).includes('Location')).toBe(route.success.located);
    if (route.access.kind === 'open') return;
    expect(headersOf(429)).toContain('Retry-After');
    expect(headersOf(401)).toContain('WWW-Authenticate');
    const named = operation.parameters.filter((parameter) => parameter.in === 'header').map(({ name }) => name);
    expect(named.includes('Idempotency-Key')).toBe(headersOf(route.success.status).includes('Idempotency-Replayed'));
    if (named.includes('If-Match')) expect(Object.keys(operation.responses)).toContain('412');
  });

  test('has the parameter that its access takes the organisation from', () => {
    if (route.access.kind === 'open') return;
    const { organisation } = route.access;
    if (typeof organisation === 'object') expect(route.pathParameters).toHaveProperty(organisation.path);
    expect('organisation' in route.queryParameters).toBe(organisation === 'query' || organisation === 'query-or-body');
  });

  test('gives a list in pages', () => {
    const { properties } = schemas[route.success.schema ?? ''] ?? {};
    if (route.method !== 'GET' || !isJsonObject(properties) || !('items' in properties)) return;
    expect('next' in properties, 'a list has pages, or a reason to have none').toBe(!(route.operationId in WHOLE));
    if ('next' in properties) expect(Object.keys(route.queryParameters)).toEqual(expect.arrayContaining(['limit', 'after']));
  });

  test('takes a body only where HTTP has one', () => {
    if (route.method === 'GET' || route.method === 'DELETE') expect(operation.requestBody).toBeUndefined();
    expect(operation.requestBody !== undefined).toBe(route.body.takes !== 'nothing');
  });

  test('is served: it does not answer with 404 or 405', async () => {
    const path = route.path.replaceAll(/\{\w+\}/g, 'x');
    const body = route.body.schema === undefined ? {} : { body: '{', headers: { 'content-type': 'application/json' } };
    const response = await edge().app.request(path, { method: route.method, ...body });
    expect([404, 405]).not.toContain(response.status);
    const code = response.status === 200 ? undefined : ((await response.json()) as { code: string }).code;
    expect(code === undefined || routeErrors(route).some((declared) => declared === code)).toBe(true);
  });
});

describe('the schemas of the API', () => {
  const ajv = new Ajv2020({ allErrors: true, strict: true, strictTypes: false, allowUnionTypes: true });
  addFormats.default(ajv);
  ajv.addSchema({ $id: 'urn:test:api', $defs: apiSchemas('#/$defs/') });

  test.each(Object.entries(schemas))('%s is valid JSON Schema 2020-12, explained, and its examples fit', (name, schema) => {
    expect(ajv.validateSchema(schema), JSON.stringify(ajv.errors)).toBe(true);
    expect(schema.description).toMatch(/\.$/);
    const validate = ajv.getSchema(`urn:test:api#/$defs/${name}`);
    for (const example of Array.isArray(schema.examples) ? schema.examples : []) {
      expect(validate?.(example), `${JSON.stringify(example)}: ${JSON.stringify(validate?.errors)}`).toBe(true);
    }
  });

  test.each(Object.entries(schemas))('explain every property of %s', (_name, schema) => {
    expect(unexplained(schema)).toEqual([]);
  });

  test('refuse unknown properties in every body that comes in', () => {
    const bodies = routes.flatMap(({ body }) => (body.schema === undefined ? [] : [body.schema]));
    expect(bodies.length).toBeGreaterThan(4);
    // What a source puts into an address is its own.
    const ours = bodies.filter((name) => name !== 'LorelaiOAuthCallback');
    for (const name of ours) expect(schemas[name]?.additionalProperties, name).toBe(false);
  });

  test('know exactly the error codes of the host', () => {
    const { enum: codes } = schemas.ErrorCode ?? {};
    expect(codes).toEqual(errorCodes());
  });
});
