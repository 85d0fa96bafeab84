/** What an event on record is about. */
export const AUDIT_KINDS = ['request', 'denial', 'breach', 'kill', 'discard', 'grant', 'gap'] as const;

/**
 * `request`: one that left the host, or tried to. `denial`: something that was not allowed. `breach`: a
 * response over a limit. `kill`: a call was ended with its sandbox process. `discard`: the process was
 * ended for no fault of this connection. `grant`: a datasource was installed or its grant changed.
 * `gap`: requests that came too fast to be kept.
 */
export type AuditKind = (typeof AUDIT_KINDS)[number];

/** What a request came to, for the record. */
export interface AuditRequest {
  /** `GET`; `?` for a method that the host does not know. */
  method: string;
  /** `https://api.example.com`; `?` for an address that cannot be read. */
  origin: string;
  /** Without its query, cut and without secrets. */
  path: string;
  /** The status, or the case of `http-client.error`. */
  outcome: string;
  bytesOut: number;
  bytesIn: number;
  durationMs: number;
}

/** One event as it happened. Text is plain: no control characters, no secret. */
export interface AuditEvent {
  /** A ULID: later events have greater ones. */
  id: string;
  atMs: number;
  kind: AuditKind;
  /** Undefined for a grant, which belongs to all connections of its datasource. */
  home: { organisation: string; connection: string } | undefined;
  datasource: string;
  /** Of `request`, `denial` and `breach` that came of a request. */
  request: AuditRequest | undefined;
  /** Of a kill or discard: `timeout`, `memory`, `trap`. Of a denial without a request: the power. */
  cause: string | undefined;
  /** For people: which limit, or which line of manifest or grant would allow it. */
  reason: string | undefined;
  /** Lines of a grant that were not there before, or have gone. */
  grant: { granted: string[]; withdrawn: string[] } | undefined;
  /** How many requests a gap stands for. */
  missing: number | undefined;
}
