import type { JsonObject } from '../domain/json.ts';

export type OpenApiHeader = { description: string; schema: JsonObject };

/** Every header of a response that callers may rely on. */
export const HEADERS = {
  'X-Request-Id': {
    description: 'Names this request in the log of the host. A request may bring its own: 1 to 64 of letters, digits, ".", "_" and "-".',
    schema: { type: 'string' },
  },
  RateLimit: {
    description: 'How many requests are left, `r`, and in how many seconds all are there again, `t`.',
    schema: { type: 'string' },
  },
  'RateLimit-Policy': {
    description:
      'How many requests, `q`, are allowed in how many seconds, `w`: of the `caller`, or of the `address` while nobody has said who calls.',
    schema: { type: 'string' },
  },
  'Retry-After': { description: 'Send the request again after so many seconds, and not before.', schema: { type: 'integer', minimum: 1 } },
  'WWW-Authenticate': { description: 'How to say who calls (RFC 6750).', schema: { type: 'string' } },
  Location: { description: 'Where the new thing is.', schema: { type: 'string', format: 'uri-reference' } },
  ETag: { description: 'The state that the thing is in, for `If-Match`.', schema: { type: 'string', pattern: '^"[0-9]+"$' } },
  'Idempotency-Replayed': {
    description: '`true` when this is the answer to an earlier request with the same `Idempotency-Key`; absent otherwise.',
    schema: { type: 'string', enum: ['true'] },
  },
} as const satisfies Readonly<Record<string, OpenApiHeader>>;

export type HeaderName = keyof typeof HEADERS;
