import type { Context, ErrorHandler, NotFoundHandler } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { RequestError, type ErrorCode } from '../domain/errors.ts';
import type { ApiSchemas } from '../generated/api.ts';
import type { Log } from '../log.ts';
import type { Edge } from './edge.ts';

/** What a code is over HTTP: its status and the title that all its problems share. */
export interface ProblemKind {
  status: ContentfulStatusCode;
  title: string;
}

/** The one place where an error's code becomes an HTTP status. */
export const PROBLEM_KINDS: Readonly<Record<ErrorCode, ProblemKind>> = {
  INVALID_REQUEST: { status: 400, title: 'The request is not well formed' },
  MALFORMED_JSON: { status: 400, title: 'The body is not JSON' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: 'The body has the wrong media type' },
  BODY_TOO_LARGE: { status: 413, title: 'The body is too large' },
  HEADERS_TOO_LARGE: { status: 431, title: 'The address or the headers are too large' },
  REQUEST_TIMEOUT: { status: 408, title: 'The request came too slowly' },
  NOT_FOUND: { status: 404, title: 'Nothing is here' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'This address has no such method' },
  FORBIDDEN_HOST: { status: 403, title: 'The request came from somewhere that is not allowed' },
  UNAUTHENTICATED: { status: 401, title: 'Nobody has said who calls' },
  FORBIDDEN: { status: 403, title: 'The caller may not do this' },
  RATE_LIMITED: { status: 429, title: 'The caller asks too often' },
  CHANGED_MEANWHILE: { status: 412, title: 'It has changed since it was read' },
  IDEMPOTENCY_KEY_REUSED: { status: 422, title: 'The idempotency key belongs to another request' },
  IDEMPOTENCY_KEY_IN_USE: { status: 409, title: 'The first request with this idempotency key has not ended' },
  UNKNOWN_KEY: { status: 404, title: 'There is no such key' },
  UNKNOWN_ORGANISATION: { status: 404, title: 'There is no such organisation' },
  UNKNOWN_DATASOURCE: { status: 404, title: 'No such datasource is installed' },
  UNKNOWN_FEATURE: { status: 404, title: 'The datasource has no such feature' },
  UNKNOWN_CONNECTION: { status: 404, title: 'The organisation has no such connection' },
  UNKNOWN_RUN: { status: 404, title: 'The organisation has no such run' },
  UNKNOWN_PERSON: { status: 404, title: 'There is no such person' },
  UNKNOWN_DOCUMENT: { status: 404, title: 'There is no such document' },
  INVALID_CONFIG: { status: 422, title: 'The settings do not fit the datasource' },
  INVALID_GRANT: { status: 422, title: 'The grant cannot be given' },
  UNKNOWN_AUTHORISATION: { status: 404, title: 'The connection has no such authorisation' },
  AUTHORISATION_UNSUPPORTED: { status: 422, title: 'The datasource cannot be authorised in this way' },
  AUTHORISATION_REFUSED: { status: 422, title: 'The source did not authorise' },
  CREDENTIAL_MISSING: { status: 422, title: 'The connection needs a credential' },
  CONFLICT: { status: 409, title: 'It exists already, or has changed meanwhile' },
  RUN_IN_PROGRESS: { status: 409, title: 'The connection is being indexed' },
  RUN_NOT_ACTIVE: { status: 409, title: 'The run has ended' },
  RUN_NOT_HELD: { status: 409, title: 'The run does not wait for an operator' },
  FEATURE_DEPENDENCY: { status: 409, title: 'A feature would lack one that it needs' },
  CONNECTION_PAUSED: { status: 409, title: 'The connection is paused' },
  SELECTION_UNSUPPORTED: { status: 409, title: 'The settings of the datasource have no list of what is read' },
  NOTHING_TO_RETRY: { status: 409, title: 'No failed item can be taken up again alone' },
  INVALID_SCHEDULE: { status: 422, title: 'The schedule cannot be used' },
  UNKNOWN_VERSION: { status: 404, title: 'The host has no such version' },
  WRONG_FRAMEWORK: { status: 422, title: 'The datasource was made for another framework' },
  DEPENDENCY_UNMET: { status: 409, title: 'A datasource would not find what it needs' },
  INCOMPATIBLE_UPGRADE: { status: 409, title: 'The settings of connections do not fit the version' },
  DIGEST_CHANGED: { status: 409, title: 'The version has other bytes' },
  APPROVAL_NEEDED: { status: 409, title: 'The version asks for more than was given' },
  SIGNATURE_MISSING: { status: 422, title: 'Nobody has signed the component' },
  SIGNATURE_INVALID: { status: 422, title: 'The signature does not fit the component' },
  UNTRUSTED_PUBLISHER: { status: 403, title: 'The signer is not trusted' },
  PUBLISHER_NOT_ALLOWED: { status: 403, title: 'The publisher is not trusted for this name' },
  PUBLISHER_CHANGED: { status: 409, title: 'The name is of another publisher' },
  LOOK_ALIKE_NAME: { status: 409, title: 'The name could be taken for another' },
  UNKNOWN_PUBLISHER_KEY: { status: 404, title: 'No such key is trusted' },
  INVALID_SIGNING_KEY: { status: 422, title: 'The key cannot be used' },
  BUNDLE_UNUSABLE: { status: 422, title: 'The sigstore bundle cannot be used' },
  BUNDLE_DIGEST_MISMATCH: { status: 422, title: 'The sigstore bundle is of other bytes' },
  UNTRUSTED_ROOT: { status: 403, title: 'The certificate comes from no sigstore instance that is trusted' },
  LOG_ENTRY_MISSING: { status: 422, title: 'No transparency log has the signature' },
  TIMESTAMP_MISSING: { status: 422, title: 'Nobody says when it was signed' },
  CERTIFICATE_EXPIRED: { status: 422, title: 'The certificate was not valid when it was signed with' },
  CERTIFICATE_NOT_LOGGED: { status: 422, title: 'No certificate log has the certificate' },
  LOG_ENTRY_INVALID: { status: 422, title: 'The entry of a log, or a timestamp, is not by the one it names' },
  LOG_ENTRY_MISMATCH: { status: 422, title: 'The entry of the log is of another signature' },
  UNTRUSTED_ISSUER: { status: 403, title: 'The provider of the identity is not trusted' },
  UNTRUSTED_SUBJECT: { status: 403, title: 'The identity that signed is not trusted' },
  UNKNOWN_IDENTITY: { status: 404, title: 'No such identity is trusted' },
  UNKNOWN_SIGSTORE_ROOT: { status: 404, title: 'There is no such sigstore root' },
  INVALID_SIGSTORE_ROOT: { status: 422, title: 'The sigstore root cannot be used' },
  DIGEST_MISMATCH: { status: 502, title: 'The bytes are not those that were named' },
  SOURCE_DENIED: { status: 403, title: 'The source of the datasource does not let this host in' },
  SOURCE_UNREACHABLE: { status: 502, title: 'The source of the datasource gave no answer' },
  SOURCE_UNUSABLE: { status: 502, title: 'What the source gave is no datasource' },
  UNKNOWN_SOURCE: { status: 404, title: 'There is no such source' },
  FOLDER_NOT_ALLOWED: { status: 403, title: 'The folder may not be named from elsewhere' },
  UNKNOWN_MARKET: { status: 404, title: 'There is no such market' },
  NOT_IN_MARKET: { status: 404, title: 'No market has it' },
  INDEX_SIGNATURE_INVALID: { status: 502, title: 'The index is not signed by its market' },
  INDEX_EXPIRED: { status: 502, title: 'The index of the market has expired' },
  INDEX_DOWNGRADED: { status: 502, title: 'The index of the market is older than one that was seen' },
  NO_UPGRADE_PATH: { status: 409, title: 'No safe way leads to the version' },
  NOTHING_TO_ROLL_BACK: { status: 409, title: 'There is no version to go back to' },
  DATASOURCE_DISABLED: { status: 409, title: 'The datasource is switched off' },
  WEBHOOK_REFUSED: { status: 403, title: 'The delivery is not proved to come from the source' },
  WEBHOOK_UNSUPPORTED: { status: 422, title: 'The datasource takes no webhooks' },
  DATASOURCE_IN_USE: { status: 409, title: 'Connections use the datasource' },
  EMBEDDER_MISSING: { status: 409, title: 'No embedder is set up' },
  INVALID_SETTING: { status: 500, title: 'A setting of the host cannot be used' },
  NODE_TOO_OLD: { status: 500, title: 'The host needs a newer Node' },
  PORT_IN_USE: { status: 500, title: 'The port is taken' },
  DATA_DIR_NOT_WRITABLE: { status: 500, title: 'The data folder cannot be written' },
  DATABASE_NEWER: { status: 500, title: 'A newer host wrote the database' },
  FILE_NOT_READABLE: { status: 500, title: 'A file cannot be read' },
  INVALID_MANIFEST: { status: 422, title: 'The manifest is not valid' },
  NOT_A_COMPONENT: { status: 422, title: 'The file is not a WebAssembly component' },
  COMPONENT_TOO_LARGE: { status: 422, title: 'The component is too large' },
  WRONG_WORLD: { status: 422, title: 'The component was built for another contract' },
  BUILD_FAILED: { status: 422, title: 'The datasource cannot be built' },
  DATASOURCE_FAULT: { status: 502, title: 'The datasource failed' },
  UPSTREAM_FAULT: { status: 502, title: 'The source failed' },
  HOST_BUSY: { status: 503, title: 'The host has too much to do' },
  SHUTTING_DOWN: { status: 503, title: 'The host is shutting down' },
  NOT_READY: { status: 503, title: 'The host cannot serve requests now' },
  DISK_FULL: { status: 507, title: 'The disk of the host is full' },
  COMPONENT_LOST: { status: 500, title: 'The file of a datasource is gone or has changed' },
  INTERNAL: { status: 500, title: 'The host failed' },
};

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/** What is over in a moment: the answer has `Retry-After`. */
export const RETRIED_SOON: readonly ErrorCode[] = ['HOST_BUSY', 'NOT_READY', 'IDEMPOTENCY_KEY_IN_USE'];
/** What another key would change: the answer has `WWW-Authenticate`. */
export const CHALLENGED: readonly ErrorCode[] = ['UNAUTHENTICATED', 'FORBIDDEN'];

/** The body of a problem (RFC 9457). */
export function problemBody(error: RequestError, requestId: string): ApiSchemas['Problem'] {
  const { status, title } = PROBLEM_KINDS[error.code];
  return {
    type: `/reference#${error.code}`,
    title,
    status,
    detail: error.message,
    code: error.code,
    requestId,
    ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
    ...(error.problems.length === 0 ? {} : { errors: error.problems.map(({ path, reason, remedy }) => ({ path, reason, remedy })) }),
  };
}

/** As the system says it of a file, and libSQL of a database. */
const DISK_FULL_CODES: readonly unknown[] = ['ENOSPC', 'EDQUOT', 'SQLITE_FULL'];

function isDiskFull(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && DISK_FULL_CODES.includes(thrown.code);
}

/** Anything that was thrown as an error that may be shown: what we did not mean to throw says nothing of itself. */
export function toRequestError(thrown: unknown): RequestError {
  if (thrown instanceof RequestError) return thrown;
  if (isDiskFull(thrown)) {
    return new RequestError('DISK_FULL', 'The disk that holds the data folder has no room left.', {
      remedy: 'Make room on it and try again: what was committed before is there.',
      cause: thrown,
    });
  }
  return new RequestError('INTERNAL', 'Something went wrong in the host.', {
    remedy: 'Try again; if it stays, give the requestId to whoever runs this host.',
    cause: thrown,
  });
}

/** Answers with a problem. */
export function problemResponse(c: Context<Edge>, error: RequestError, headers: Record<string, string> = {}): Response {
  const body = problemBody(error, c.get('requestId'));
  const retry = RETRIED_SOON.includes(error.code) ? { 'Retry-After': '1' } : {};
  const challenge = challengeOf(error.code, c.req.header('authorization') !== undefined);
  return c.body(JSON.stringify(body), PROBLEM_KINDS[error.code].status, {
    'Content-Type': PROBLEM_MEDIA_TYPE,
    ...retry,
    ...challenge,
    ...headers,
  });
}

/** How to authenticate (RFC 6750, section 3): without a reason for whoever has not tried. */
function challengeOf(code: ErrorCode, tried: boolean): Record<string, string> {
  const reason = code === 'FORBIDDEN' ? ', error="insufficient_scope"' : tried ? ', error="invalid_token"' : '';
  return CHALLENGED.includes(code) ? { 'WWW-Authenticate': `Bearer realm="lorelai"${reason}` } : {};
}

/** The last step of every failed request; the log gets what the caller does not. */
export function onError(log: Log): ErrorHandler<Edge> {
  return (thrown, c) => {
    const error = toRequestError(thrown);
    const fields = { requestId: c.get('requestId'), code: error.code };
    if (error.code === 'INTERNAL') log.error('request failed', { ...fields, error: error.cause ?? error });
    else if (error.blame === 'host') log.warn('request failed', { ...fields, reason: error.message });
    else log.debug('request refused', { ...fields, reason: error.message, cause: error.cause });
    return problemResponse(c, error);
  };
}

/** Answers for every address that has no route. */
export function notFound(): NotFoundHandler<Edge> {
  return (c) =>
    problemResponse(c, new RequestError('NOT_FOUND', `Nothing is at ${c.req.path}.`, { remedy: 'See /reference for every address.' }));
}
