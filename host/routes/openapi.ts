import type { ErrorCode } from '../domain/errors.ts';
import type { JsonObject } from '../domain/json.ts';
import { PROBLEM_KINDS, PROBLEM_MEDIA_TYPE } from '../middleware/problem.ts';
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

export type OpenApiResponse = { description: string; headers: Record<string, OpenApiHeader | { $ref: string }>; content?: OpenApiContent };
/** By media type. */
type OpenApiContent = Record<string, { schema: JsonObject }>;
type OpenApiHeader = { description: string; schema: JsonObject };

const TEXT: OpenApiContent = { 'text/plain': { schema: { type: 'string' } } };

const REQUEST_ID = { 'X-Request-Id': { $ref: '#/components/headers/RequestId' } };

const RATE_LIMIT = {
  RateLimit: { $ref: '#/components/headers/RateLimit' },
  'RateLimit-Policy': { $ref: '#/components/headers/RateLimitPolicy' },
};

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
        'Lists come in pages `{items, next}`: give `next` as `after` for the page that follows. Every failed request gets `application/problem+json` with a `code`.',
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
      headers: {
        RateLimit: {
          description: 'How many requests are left, `r`, and in how many seconds all are there again, `t`.',
          schema: { type: 'string' },
        },
        RateLimitPolicy: { description: 'How many requests, `q`, are allowed in how many seconds, `w`.', schema: { type: 'string' } },
        RequestId: {
          description:
            'Names this request in the log of the host. A request may bring its own: 1 to 64 of letters, digits, ".", "_" and "-".',
          schema: { type: 'string' },
        },
      },
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
    ...(body.schema === undefined ? {} : { requestBody: { required: body.required, content: jsonContent(body.schema) } }),
    ...(body.takes === 'delivery' ? { requestBody: { required: false, content: { '*/*': { schema: {} } } } } : {}),
    responses: { [success.status]: successResponse(route), ...problemResponses(routeErrors(route)) },
  };
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
            { minLength: 16, maxLength: 200 },
          ),
        ]
      : []),
    ...(route.conditional === true
      ? [header('If-Match', 'The ETag of the state that is meant to be changed; without it, whatever state there is.', {})]
      : []),
  ];
}

function successResponse({ success, access }: Route): OpenApiResponse {
  const location = { Location: { description: 'Where the new thing is.', schema: { type: 'string', format: 'uri-reference' } } };
  return {
    description: success.description,
    headers: { ...REQUEST_ID, ...(success.located ? location : {}), ...(access.kind === 'open' ? {} : RATE_LIMIT) },
    ...(success.schema === undefined ? {} : { content: { ...jsonContent(success.schema), ...(success.orText ? TEXT : {}) } }),
    ...(success.mediaType === undefined ? {} : { content: { [success.mediaType]: { schema: { type: 'string' } } } }),
  };
}

/** One response for each status, which names the codes that come with it. */
function problemResponses(codes: readonly ErrorCode[]): Record<string, OpenApiResponse> {
  const byStatus = Map.groupBy(codes, (code) => PROBLEM_KINDS[code].status);
  return Object.fromEntries([...byStatus].map(([status, group]) => [status, problemsOf(group)]));
}

function problemsOf(codes: readonly ErrorCode[]): OpenApiResponse {
  const thisCode = { type: 'object', properties: { code: { type: 'string', enum: [...codes] } } };
  return {
    description: codes.map((code) => `\`${code}\`: ${PROBLEM_KINDS[code].title}.`).join(' '),
    headers: REQUEST_ID,
    content: { [PROBLEM_MEDIA_TYPE]: { schema: { allOf: [{ $ref: `${SCHEMAS}Problem` }, thisCode] } } },
  };
}
