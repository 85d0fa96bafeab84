import type { Actor, Caller } from '../domain/caller.ts';
import { RequestError, type ErrorCode } from '../domain/errors.ts';
import type { ApiSchemas } from '../generated/api.ts';
import type { IncomingDelivery } from '../domain/webhook.ts';
import type { Services } from '../services/services.ts';
import type { Access } from './access.ts';
import { conditionally } from './conditional.ts';
import { parseParameters, type Parameter, type Parameters } from './parameters.ts';
import type { Thing } from './things.ts';
import type { SchemaName, Validation } from './validation.ts';

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
export type Tag =
  | 'Retrieval'
  | 'Connections'
  | 'Authorisations'
  | 'Runs'
  | 'People'
  | 'Webhooks'
  | 'Datasources'
  | 'Organisations'
  | 'Keys'
  | 'Changes'
  | 'Lorelai'
  | 'Host';

/** What a route says of itself: the server, the OpenAPI document and the reference page are made from it. */
interface Description {
  method: Method;
  /** With parameters in braces: `/api/v1/runs/{id}`. */
  path: `/${string}`;
  /** Names the operation for client generators: camelCase, unique. */
  operationId: string;
  tag: Tag;
  /** A few words, without a full stop. */
  summary: string;
  /** One or more sentences. */
  description: string;
  /** Who may call it. Checked before `handle`, by `register.ts`. */
  access: Access;
  /** What its service may throw; `routeErrors` adds what any route may. */
  errors: readonly ErrorCode[];
}

/** How a route is written down, with the types of its parts tied together. */
interface RouteDefinition<P, Q, B, R> extends Description {
  pathParameters: Parameters<P>;
  queryParameters: Parameters<Q>;
  body: Body<B>;
  success: Success<R>;
  /** What it shows or changes: that has an ETag, and `If-Match` may say which state of it a change is meant for. */
  of?: Thing<NoInfer<P>, NoInfer<Q>>;
  /** Whether its answer is a new thing that has an ETag. */
  makes?: true;
  /** One service call, and the shaping of what it gives. */
  handle(services: Services, request: { path: P; query: Q; body: B; caller: Caller; actor: Actor }): Promise<R>;
}

/** One operation of the API. */
export interface Route extends Description {
  pathParameters: Readonly<Record<string, Parameter<unknown>>>;
  queryParameters: Readonly<Record<string, Parameter<unknown>>>;
  body: Pick<Body<unknown>, 'schema' | 'required' | 'takes'>;
  success: Pick<Success<unknown>, 'status' | 'description' | 'schema' | 'mediaType' | 'orText'> & { located: boolean };
  /** Whether `If-Match` may say which state of its thing a change is meant for. */
  conditional: boolean;
  /** Whether its answer has an ETag. */
  tagged: boolean;
  serve(services: Services, request: RouteRequest): Promise<RouteAnswer>;
}

/** What a route gets, not yet parsed. */
export interface RouteRequest {
  path: URLSearchParams;
  query: URLSearchParams;
  /** The JSON value, or the whole request where the route takes a delivery; undefined when there was no body. */
  body: unknown;
  validation: Validation;
  caller: Caller;
  /** The caller, as the log of changes names it. */
  actor: Actor;
  /** Of `If-Match`: the only state that may be changed. */
  ifState: number | undefined;
  /** What a browser sends along, by name. */
  cookies: Readonly<Record<string, string>>;
}

export interface RouteAnswer {
  /** Fits the schema of `success`; undefined for 204. */
  body: unknown;
  /** Where the new thing is, for the `Location` header. */
  location: string | undefined;
  /** The state of the thing that it shows, for the `ETag` header. */
  state: number | undefined;
  /** For the browser to keep, as the header `Set-Cookie` has it. */
  cookie?: string;
  /** Whether it is a page with a form. */
  form?: boolean;
}

/** The body that a route takes. */
export interface Body<B> {
  /** None when it takes no body. */
  schema: SchemaName | undefined;
  /** `form`: as a page of ours sends it. `delivery`: the request as it came, with any query and any body; a source's proof is of these very bytes. */
  takes: 'nothing' | 'json' | 'form' | 'delivery';
  required: boolean;
  parse(validation: Validation, value: unknown): B;
}

/** What a route answers when all went well. */
export interface Success<R> {
  status: 200 | 201 | 202 | 204;
  description: string;
  /** None for 204, and for an answer that is no JSON. */
  schema: SchemaName | undefined;
  /** Of an answer that is no JSON: the body is then a text. */
  mediaType?: string;
  /** The answer is a plain text where it is no object. */
  orText?: true;
  location?: (body: R) => string;
}

/** Ties parsing, handling and answering together. */
export function defineRoute<P, Q, B, R>(definition: RouteDefinition<P, Q, B, R>): Route {
  const { pathParameters, queryParameters, body, success, of, makes, handle, ...description } = definition;
  const { location, ...answer } = success;
  const isShown = success.schema !== undefined && of?.shownAs.includes(success.schema) === true;
  return {
    ...description,
    pathParameters,
    queryParameters,
    body: { schema: body.schema, required: body.required, takes: body.takes },
    success: { ...answer, located: location !== undefined },
    conditional: of !== undefined && description.method !== 'GET',
    tagged: makes === true || isShown,
    async serve(services, request) {
      const parsed = {
        path: parseParameters(pathParameters, request.path),
        query: parseParameters(queryParameters, body.takes === 'delivery' ? new URLSearchParams() : request.query),
        body: body.parse(request.validation, request.body),
        caller: request.caller,
      };
      const { actor, ifState } = request;
      const { result, state } = await conditionally(services, definition, { ...parsed, actor, ifState }, (known) =>
        handle(services, { ...parsed, actor: known }),
      );
      return { body: result, location: location?.(result), state };
    },
  };
}

/** Whatever body comes is not looked at. */
export function noBody(): Body<undefined> {
  return { schema: undefined, takes: 'nothing', required: false, parse: () => undefined };
}

/** A JSON body that fits a schema. */
export function requiredBody<N extends SchemaName>(schema: N): Body<ApiSchemas[N]> {
  return {
    schema,
    takes: 'json',
    required: true,
    parse(validation, value) {
      if (value !== undefined) return validation.parse(schema, value);
      throw new RequestError('INVALID_REQUEST', 'The request has no body.', {
        remedy: 'Send a JSON object; see /reference for its schema.',
      });
    },
  };
}

/** A JSON body that fits a schema; `{}` when there is none. */
export function optionalBody<N extends SchemaName>(schema: N): Body<ApiSchemas[N]> {
  return {
    schema,
    takes: 'json',
    required: false,
    parse: (validation, value) => validation.parse(schema, value === undefined ? {} : value),
  };
}

/** A form that fits a schema, each field once. */
export function formBody<N extends SchemaName>(schema: N): Body<ApiSchemas[N]> {
  return { ...requiredBody(schema), takes: 'form' };
}

/** The request as it came. */
export function deliveryBody(): Body<IncomingDelivery> {
  return {
    schema: undefined,
    takes: 'delivery',
    required: false,
    parse(_validation, value) {
      if (isDelivery(value)) return value;
      throw new TypeError('the request was not handed over as a delivery');
    },
  };
}

function isDelivery(value: unknown): value is IncomingDelivery {
  return typeof value === 'object' && value !== null && 'body' in value && value.body instanceof Uint8Array;
}

/** 200 with a body. */
export function ok<N extends SchemaName>(schema: N, description: string): Success<ApiSchemas[N]> {
  return { status: 200, schema, description };
}

/** 200 with a text of this media type. */
export function plainText(mediaType: string, description: string): Success<string> {
  return { status: 200, schema: undefined, mediaType, description };
}

/** 200 with a text of this media type that is sent while it is made. */
export function textStream(mediaType: string, description: string): Success<AsyncIterable<string>> {
  return { status: 200, schema: undefined, mediaType, description };
}

/** 201 with the new thing and where it is. */
export function created<N extends SchemaName>(
  schema: N,
  description: string,
  location: (body: ApiSchemas[N]) => string,
): Success<ApiSchemas[N]> {
  return { status: 201, schema, description, location };
}

/** 202 with what has been begun and where to follow it. */
export function accepted<N extends SchemaName>(
  schema: N,
  description: string,
  location: (body: ApiSchemas[N]) => string,
): Success<ApiSchemas[N]> {
  return { status: 202, schema, description, location };
}

/** 204 without a body. */
export function done(description: string): Success<void> {
  return { status: 204, schema: undefined, description };
}

const BODY_ERRORS: Readonly<Record<Body<unknown>['takes'], readonly ErrorCode[]>> = {
  nothing: [],
  json: ['MALFORMED_JSON', 'BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'],
  form: ['BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'],
  delivery: ['BODY_TOO_LARGE'],
};

/** All codes that a route may answer with: its own, and those of the steps before it. */
export function routeErrors(route: Route): ErrorCode[] {
  const body = BODY_ERRORS[route.body.takes];
  return [
    ...new Set<ErrorCode>([
      'INVALID_REQUEST',
      ...body,
      'FORBIDDEN_HOST',
      ...accessErrors(route.access),
      ...(route.conditional ? ['CHANGED_MEANWHILE' as const] : []),
      ...(takesIdempotencyKey(route) ? (['IDEMPOTENCY_KEY_REUSED', 'IDEMPOTENCY_KEY_IN_USE'] as const) : []),
      ...route.errors,
      'HOST_BUSY',
      'DISK_FULL',
      'COMPONENT_LOST',
      'SHUTTING_DOWN',
      'INTERNAL',
    ]),
  ];
}

/** Whether `Idempotency-Key` makes it take effect once. What readers may call changes nothing, and an old answer could show too much. */
export function takesIdempotencyKey({ method, access }: Pick<Route, 'method' | 'access'>): boolean {
  return method === 'POST' && access.kind === 'callers' && !access.scopes.includes('reader');
}

function accessErrors(access: Access): ErrorCode[] {
  if (access.kind === 'open') return [];
  const foreign: ErrorCode[] = ['caller', 'shared', 'host'].some((source) => source === access.organisation)
    ? []
    : ['UNKNOWN_ORGANISATION'];
  return ['UNAUTHENTICATED', 'FORBIDDEN', 'RATE_LIMITED', ...foreign, 'NOT_READY'];
}
