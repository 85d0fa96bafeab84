/** A request as a guest made it, checked for shape only. */
export interface EgressRequest {
  method: string;
  url: string;
  headers: { name: string; value: string }[];
  body: Uint8Array | undefined;
  timeoutMs: number | undefined;
}

export interface EgressResponse {
  status: number;
  headers: { name: string; value: string }[];
  body: Uint8Array;
}

/** The cases of `http-client.error`. */
export type EgressError =
  | { tag: 'denied'; val: string }
  | { tag: 'invalid-request'; val: string }
  | { tag: 'timed-out' }
  | { tag: 'unreachable'; val: string }
  | { tag: 'too-large'; val: { maxBytes: number } }
  /** Milliseconds until there is more. */
  | { tag: 'budget-spent'; val: number };

export type EgressOutcome = { ok: true; response: EgressResponse } | { ok: false; error: EgressError };
