/**
 * Every way in which a request to this host can fail, with who is to blame. HTTP statuses and exit
 * codes are derived from `blame` at the edge (`middleware/problem.ts`, `cli/exit.ts`), never here.
 */
const ERRORS = {
  INVALID_REQUEST: 'caller',
  MALFORMED_JSON: 'caller',
  UNSUPPORTED_MEDIA_TYPE: 'caller',
  BODY_TOO_LARGE: 'caller',
  HEADERS_TOO_LARGE: 'caller',
  REQUEST_TIMEOUT: 'caller',
  NOT_FOUND: 'caller',
  METHOD_NOT_ALLOWED: 'caller',
  FORBIDDEN_HOST: 'caller',
  UNAUTHENTICATED: 'caller',
  FORBIDDEN: 'caller',
  RATE_LIMITED: 'caller',
  CHANGED_MEANWHILE: 'caller',
  IDEMPOTENCY_KEY_REUSED: 'caller',
  IDEMPOTENCY_KEY_IN_USE: 'caller',
  UNKNOWN_KEY: 'caller',
  UNKNOWN_ORGANISATION: 'caller',
  UNKNOWN_DATASOURCE: 'caller',
  UNKNOWN_FEATURE: 'caller',
  UNKNOWN_CONNECTION: 'caller',
  UNKNOWN_RUN: 'caller',
  UNKNOWN_PERSON: 'caller',
  UNKNOWN_DOCUMENT: 'caller',
  INVALID_CONFIG: 'caller',
  INVALID_GRANT: 'caller',
  CREDENTIAL_MISSING: 'caller',
  UNKNOWN_AUTHORISATION: 'caller',
  AUTHORISATION_UNSUPPORTED: 'caller',
  AUTHORISATION_REFUSED: 'caller',
  CONFLICT: 'caller',
  RUN_IN_PROGRESS: 'caller',
  RUN_NOT_ACTIVE: 'caller',
  RUN_NOT_HELD: 'caller',
  CONNECTION_PAUSED: 'caller',
  FEATURE_DEPENDENCY: 'caller',
  NOTHING_TO_RETRY: 'caller',
  SELECTION_UNSUPPORTED: 'caller',
  INVALID_SCHEDULE: 'caller',
  DATASOURCE_IN_USE: 'caller',
  UNKNOWN_VERSION: 'caller',
  WRONG_FRAMEWORK: 'datasource',
  DEPENDENCY_UNMET: 'caller',
  INCOMPATIBLE_UPGRADE: 'caller',
  DIGEST_CHANGED: 'caller',
  APPROVAL_NEEDED: 'caller',
  SIGNATURE_MISSING: 'caller',
  SIGNATURE_INVALID: 'caller',
  UNTRUSTED_PUBLISHER: 'caller',
  PUBLISHER_NOT_ALLOWED: 'caller',
  PUBLISHER_CHANGED: 'caller',
  LOOK_ALIKE_NAME: 'caller',
  UNKNOWN_PUBLISHER_KEY: 'caller',
  INVALID_SIGNING_KEY: 'caller',
  BUNDLE_UNUSABLE: 'caller',
  BUNDLE_DIGEST_MISMATCH: 'caller',
  UNTRUSTED_ROOT: 'caller',
  LOG_ENTRY_MISSING: 'caller',
  TIMESTAMP_MISSING: 'caller',
  CERTIFICATE_EXPIRED: 'caller',
  CERTIFICATE_NOT_LOGGED: 'caller',
  LOG_ENTRY_INVALID: 'caller',
  LOG_ENTRY_MISMATCH: 'caller',
  UNTRUSTED_ISSUER: 'caller',
  UNTRUSTED_SUBJECT: 'caller',
  UNKNOWN_IDENTITY: 'caller',
  UNKNOWN_SIGSTORE_ROOT: 'caller',
  INVALID_SIGSTORE_ROOT: 'caller',
  DIGEST_MISMATCH: 'upstream',
  SOURCE_DENIED: 'caller',
  SOURCE_UNREACHABLE: 'upstream',
  SOURCE_UNUSABLE: 'upstream',
  UNKNOWN_SOURCE: 'caller',
  FOLDER_NOT_ALLOWED: 'caller',
  UNKNOWN_MARKET: 'caller',
  NOT_IN_MARKET: 'caller',
  INDEX_SIGNATURE_INVALID: 'upstream',
  INDEX_EXPIRED: 'upstream',
  INDEX_DOWNGRADED: 'upstream',
  NO_UPGRADE_PATH: 'caller',
  NOTHING_TO_ROLL_BACK: 'caller',
  DATASOURCE_DISABLED: 'caller',
  WEBHOOK_REFUSED: 'caller',
  WEBHOOK_UNSUPPORTED: 'caller',
  EMBEDDER_MISSING: 'caller',
  INVALID_SETTING: 'caller',
  NODE_TOO_OLD: 'caller',
  PORT_IN_USE: 'caller',
  DATA_DIR_NOT_WRITABLE: 'caller',
  DATABASE_NEWER: 'caller',
  FILE_NOT_READABLE: 'caller',
  INVALID_MANIFEST: 'datasource',
  NOT_A_COMPONENT: 'datasource',
  COMPONENT_TOO_LARGE: 'datasource',
  WRONG_WORLD: 'datasource',
  BUILD_FAILED: 'datasource',
  DATASOURCE_FAULT: 'datasource',
  UPSTREAM_FAULT: 'upstream',
  HOST_BUSY: 'host',
  SHUTTING_DOWN: 'host',
  NOT_READY: 'host',
  DISK_FULL: 'host',
  COMPONENT_LOST: 'host',
  INTERNAL: 'host',
} as const;

export type ErrorCode = keyof typeof ERRORS;
export type Blame = (typeof ERRORS)[ErrorCode];

/** One thing that is wrong with an input: where (a JSON Pointer or a setting's name), why, and what to do. */
export interface Problem {
  path: string;
  reason: string;
  remedy: string;
}

export interface RequestErrorOptions {
  /** What to do about it, in one sentence that begins with a verb. */
  remedy?: string;
  problems?: readonly Problem[];
  cause?: unknown;
}

/**
 * A request that cannot be served. `message` is public: it names the thing and the reason and never
 * holds a secret or a stack. `cause` is for the log only.
 */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly code: ErrorCode;
  readonly remedy: string | undefined;
  readonly problems: readonly Problem[];

  constructor(code: ErrorCode, message: string, options: RequestErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.remedy = options.remedy;
    this.problems = options.problems ?? [];
  }

  get blame(): Blame {
    return ERRORS[this.code];
  }
}

/** Every code, for the tests and documents that walk all of them. */
export function errorCodes(): ErrorCode[] {
  return Object.keys(ERRORS) as ErrorCode[];
}
