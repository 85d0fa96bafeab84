import { isJsonObject } from '../domain/json.ts';
import { type Answer, type CallScope, type OpenCapability, refused, succeeded } from './capability.ts';
import type { Egress } from './egress.ts';
import type { EgressRequest } from './egress-request.ts';
import type { RequestRate } from './request-rate.ts';
import type { UpstreamBudget } from './upstream-budget.ts';

/** `http-client`: one request record in, one response record out, by way of the broker. */
export function openHttpClient(scope: CallScope, egress: Pick<Egress, 'send'>, rate: RequestRate, budget?: UpstreamBudget): OpenCapability {
  const { meter } = scope;
  const { maxConcurrentRequests, maxRequestsPerMinute } = meter.limits;
  let underWay = 0;
  const waiting: (() => void)[] = [];
  // A guest that asks for more at once than it may is served in turn.
  const enter = async (): Promise<void> => {
    if (underWay < maxConcurrentRequests) underWay += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const leave = (): void => {
    const next = waiting.shift();
    // Its place goes to the next one as it is, so that nobody slips in between.
    if (next === undefined) underWay -= 1;
    else next();
  };
  const send = async (args: unknown[]): Promise<Answer> => {
    const request = parseRequest(args[0]);
    if (typeof request === 'string') return refused('invalid-request', request);
    meter.countRequest();
    const waitMs = rate.take(scope.connection.id, maxRequestsPerMinute);
    if (waitMs > 0) {
      meter.breach('maxRequestsPerMinute', maxRequestsPerMinute + 1);
      return refused('budget-spent', waitMs);
    }
    await enter();
    try {
      // Asked when its turn has come: what was sent before it may have met the limit.
      const blockedMs = budget?.waitMs(request.url) ?? 0;
      if (blockedMs > 0) return refused('budget-spent', blockedMs);
      const outcome = await egress.send(request, scope);
      await budget?.note(request.url, outcome);
      return outcome.ok ? succeeded({ ...outcome.response }) : { ok: false, error: outcome.error };
    } finally {
      leave();
    }
  };
  return { send };
}

/** The request, or what is wrong with its shape. A guest's bindings may leave an option out or give null. */
function parseRequest(value: unknown): EgressRequest | string {
  if (!isJsonObject(value)) return 'the request is not a record';
  const { method, url, headers, body, timeoutMs } = value as Record<string, unknown>;
  if (typeof method !== 'string') return 'method: not a string';
  if (typeof url !== 'string') return 'url: not a string';
  if (body !== undefined && body !== null && !(body instanceof Uint8Array)) return 'body: not bytes';
  if (timeoutMs !== undefined && timeoutMs !== null && (typeof timeoutMs !== 'number' || !(timeoutMs >= 0)))
    return 'timeout-ms: not a count';
  if (!Array.isArray(headers)) return 'headers: not a list';
  const fields: EgressRequest['headers'] = [];
  for (const field of headers as unknown[]) {
    if (!isJsonObject(field) || typeof field.name !== 'string' || typeof field.value !== 'string') return 'headers: not names and values';
    fields.push({ name: field.name, value: field.value });
  }
  return { method: method.toUpperCase(), url, headers: fields, body: body ?? undefined, timeoutMs: timeoutMs ?? undefined };
}
