import type { ErrorCode } from '../domain/errors.ts';
import type { JsonObject } from '../domain/json.ts';
import { CHALLENGED, PROBLEM_KINDS, PROBLEM_MEDIA_TYPE, RETRIED_SOON } from '../middleware/problem.ts';
import { HEADERS, type HeaderName, type OpenApiHeader } from './openapi-headers.ts';
import { routeErrors, takesIdempotencyKey, type Route, type Tag } from './route.ts';
import type { OrganisationSource } from './access.ts';
import { apiSchemas } from './schemas.ts';
import type { SchemaName } from './validation.ts';

const SCHEMAS = '#/components/schemas/';

const TAGS: readonly { name: Tag; description: string }[] = [
  { name: 'Retrieval', description: 'Answers from what was indexed.' },
  { name: 'Connections', description: 'Datasources set up for an organisation.' },
  { name: 'Runs', description: 'Indexing jobs of connections.' },
  { name: 'Authorisations', description: 'How connections get tokens of their sources, and the values that this needs.' },
  { name: 'People', description: 'Who they are to the sources, and what they may see.' },
  { name: 'Webhooks', description: 'What sources send by themselves.' },
  { name: 'Datasources', description: 'What is installed, and its features.' },
  { name: 'Organisations', description: 'Tenants. Nothing of one is ever visible to another.' },
  { name: 'Keys', description: 'Who may call this API.' },
  { name: 'Changes', description: 'Who changed what.' },
  { name: 'Lorelai', description: 'What Lorelai asks of its own indexers and retrievers, in its words.' },
  { name: 'Host', description: 'The host itself.' },
];

/** The parts of OpenAPI 3.1 that ours uses. */
export type OpenApiDocument = {
  openapi: string;
  info: { title: string; version: string; description: string; license: { name: string; identifier: string } };
  servers: { url: string; description: string }[];
  tags: { name: Tag; description: string }[];
  /** By path, then by method in lower case. */
  paths: Record<string, Record<string, OpenApiOperation>>;
  components: { schemas: Record<string, JsonObject>; headers: Record<string, OpenApiHeader>; securitySchemes: Record<string, JsonObject> };
};

export type OpenApiOperation = {
  operationId: string;
  tags: Tag[];
  summary: string;
  description: string;
  parameters: OpenApiParameter[];
  /** None for everybody. */
  security: { bearer: string[] }[];
  'x-lorelai-access'?: { scopes: string[]; organisation: OrganisationSource };
  requestBody?: { required: boolean; content: OpenApiContent };
  /** By status. */
  responses: Record<string, OpenApiResponse>;
};

export type OpenApiParameter = {
  name: string;
  in: 'path' | 'query' | 'header';
  required: boolean;
  description: string;
  schema: JsonObject;
  example?: string;
};

export type OpenApiResponse = { description: string; headers: Record<string, { $ref: string }>; content?: OpenApiContent };
/** By media type. */
type OpenApiContent = Record<string, { schema: JsonObject }>;

const TEXT: OpenApiContent = { 'text/plain': { schema: { type: 'string' } } };

/** Watched every few seconds: requests of it are not counted. */
const UNCOUNTED_PATHS: readonly string[] = ['/healthz', '/readyz'];

/** The document of these routes. */
export function openApiDocument(routes: readonly Route[]): OpenApiDocument {
  const paths: OpenApiDocument['paths'] = {};
  for (const route of routes) paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route) };
  return {
    openapi: '3.1.0',
    info: {
      title: 'Lorelai datasource host',
      version: '1',
      description:
        'Indexes what datasources read and answers questions from it. Bodies are JSON in UTF-8, times are RFC 3339 in UTC, and what does not apply is absent. ' +
        'Lists come in pages `{items, next}`: give `next` as `after` for the page that follows, until there is none. Every failed request gets `application/problem+json` with a `code`. ' +
        'A POST that takes an `Idempotency-Key` takes effect once, however often it is sent with the same key. What has an `ETag` can be changed with `If-Match`, ' +
        'so that nobody overwrites what they have not seen. Requests are counted: see `RateLimit`, and wait as long as `Retry-After` says. ' +
        'Any request may also meet 408 `REQUEST_TIMEOUT` and 431 `HEADERS_TOO_LARGE`, and an address without its method 405 `METHOD_NOT_ALLOWED` with `Allow`.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'This host.' }],
    tags: TAGS.map(({ name, description }) => ({ name, description })),
    paths,
    components: {
      schemas: apiSchemas(SCHEMAS),
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description:
            'A key of this host (`lorelai_…`), or a token of its OpenID provider. Each operation says under `x-lorelai-access` which scopes suffice, and where the organisation comes from.',
        },
      },
      headers: HEADERS,
    },
  };
}

function operation(route: Route): OpenApiOperation {
  const { operationId, tag, summary, description, body, success, access } = route;
  return {
    operationId,
    tags: [tag],
    summary,
    description,
    parameters: [...parameterList('path', route.pathParameters), ...parameterList('query', route.queryParameters), ...headerList(route)],
    security: access.kind === 'open' ? [] : [{ bearer: [] }],
    ...(access.kind === 'open' ? {} : { 'x-lorelai-access': { scopes: [...access.scopes], organisation: access.organisation } }),
    ...(body.schema === undefined ? {} : { requestBody: { required: body.required, content: bodyContent(body.takes, body.schema) } }),
    ...(body.takes === 'delivery' ? { requestBody: { required: false, content: { '*/*': { schema: {} } } } } : {}),
    responses: { [success.status]: successResponse(route), ...problemResponses(route) },
  };
}

function bodyContent(takes: Route['body']['takes'], schema: SchemaName): OpenApiContent {
  const content = { schema: { $ref: SCHEMAS + schema } };
  return takes === 'form' ? { 'application/x-www-form-urlencoded': content } : { 'application/json': content };
}

function jsonContent(schema: SchemaName): OpenApiContent {
  return { 'application/json': { schema: { $ref: SCHEMAS + schema } } };
}

function parameterList(place: 'path' | 'query', parameters: Route['pathParameters']): OpenApiParameter[] {
  return Object.entries(parameters).map(([name, { description, required, schema, example }]) => ({
    name,
    in: place,
    required,
    description,
    schema,
    ...(example === undefined ? {} : { example }),
  }));
}

function header(name: string, description: string, schema: JsonObject): OpenApiParameter {
  return { name, in: 'header', required: false, description, schema: { type: 'string', ...schema } };
}

function headerList(route: Route): OpenApiParameter[] {
  return [
    ...(takesIdempotencyKey(route)
      ? [
          header(
            'Idempotency-Key',
            'Makes it take effect once, however often it is sent within 24 hours: a random UUID. The first answer is given again.',
            { pattern: '^[!-~]{16,200}$' },
          ),
        ]
      : []),
    ...(route.conditional
      ? [
          header('If-Match', 'The ETag of the state that is meant to be changed; without it, whatever state there is.', {
            pattern: '^(\\*|"[0-9]{1,15}")$',
          }),
        ]
      : []),
  ];
}

function successResponse(route: Route): OpenApiResponse {
  const { success } = route;
  return {
    description: success.description,
    headers: {
      ...commonHeaders(route),
      ...(success.located ? headersNamed('Location') : {}),
      ...(route.tagged ? headersNamed('ETag') : {}),
      ...(takesIdempotencyKey(route) ? headersNamed('Idempotency-Replayed') : {}),
    },
    ...(success.schema === undefined ? {} : { content: { ...jsonContent(success.schema), ...(success.orText ? TEXT : {}) } }),
    ...(success.mediaType === undefined ? {} : { content: { [success.mediaType]: { schema: { type: 'string' } } } }),
  };
}

/** One response for each status, which names the codes that come with it. */
function problemResponses(route: Route): Record<string, OpenApiResponse> {
  const byStatus = Map.groupBy(routeErrors(route), (code) => PROBLEM_KINDS[code].status);
  return Object.fromEntries([...byStatus].map(([status, group]) => [status, problemsOf(route, group)]));
}

function problemsOf(route: Route, codes: readonly ErrorCode[]): OpenApiResponse {
  const thisCode = { type: 'object', properties: { code: { type: 'string', enum: [...codes] } } };
  return {
    description: codes.map((code) => `\`${code}\`: ${PROBLEM_KINDS[code].title}.`).join(' '),
    headers: {
      ...commonHeaders(route),
      ...(codes.some((code) => code === 'RATE_LIMITED' || RETRIED_SOON.includes(code)) ? headersNamed('Retry-After') : {}),
      ...(codes.some((code) => CHALLENGED.includes(code)) ? headersNamed('WWW-Authenticate') : {}),
    },
    content: { [PROBLEM_MEDIA_TYPE]: { schema: { allOf: [{ $ref: `${SCHEMAS}Problem` }, thisCode] } } },
  };
}

function commonHeaders({ path }: Route): OpenApiResponse['headers'] {
  return { ...headersNamed('X-Request-Id'), ...(UNCOUNTED_PATHS.includes(path) ? {} : headersNamed('RateLimit', 'RateLimit-Policy')) };
}

function headersNamed(...names: HeaderName[]): OpenApiResponse['headers'] {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}
