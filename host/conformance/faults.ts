import type { EgressOutcome, EgressResponse } from '../capabilities/egress-request.ts';

/** What a source, or the way to it, may do to a request. */
const FAULTS = ['401', '403', '404', '429', '500', '503', 'malformed', 'truncated', 'slow', 'cut'] as const;
export type Fault = (typeof FAULTS)[number];

/** Which answers of one call are replaced. Requests count from 1. */
export interface FaultPlan {
  fault: Fault;
  from: number;
  /** To the end of the call when left out. */
  requests?: number;
}

/** What `Retry-After` says of a 429: an odd number, which nobody guesses. */
export const RETRY_AFTER_S = 173;

/** Whether the answer to this request of the call is replaced. */
export function strikes(plan: FaultPlan, request: number): boolean {
  return request >= plan.from && request < plan.from + (plan.requests ?? Number.POSITIVE_INFINITY);
}

/** What the guest gets in place of what came. Refusals of the host's own stay. */
export function struck(fault: Fault, outcome: EgressOutcome): EgressOutcome {
  if (!outcome.ok && outcome.error.tag !== 'timed-out' && outcome.error.tag !== 'unreachable') return outcome;
  switch (fault) {
    case 'slow':
      return { ok: false, error: { tag: 'timed-out' } };
    case 'cut':
      return { ok: false, error: { tag: 'unreachable', val: 'the connection broke in the middle of the answer' } };
    case 'truncated':
      return outcome.ok ? answered({ ...outcome.response, body: half(outcome.response.body) }) : outcome;
    case 'malformed':
      return answered({ status: 200, headers: [type('text/html')], body: bytes('<!doctype html><title>Please sign in</title>\u0000{[') });
    case '429':
      return problem(429, 'Too many requests', [{ name: 'retry-after', value: String(RETRY_AFTER_S) }]);
    default:
      return problem(Number(fault), 'As the test asks');
  }
}

function problem(status: number, message: string, headers: EgressResponse['headers'] = []): EgressOutcome {
  return answered({ status, headers: [type('application/json'), ...headers], body: bytes(JSON.stringify({ message })) });
}

/** Never the whole: of one byte nothing is left. */
function half(body: Uint8Array): Uint8Array {
  return body.subarray(0, Math.floor(body.byteLength / 2));
}

function answered(response: EgressResponse): EgressOutcome {
  return { ok: true, response };
}

function type(value: string): { name: string; value: string } {
  return { name: 'content-type', value };
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
