import { isJsonObject } from '../domain/json.ts';
import { type Answer, type CallScope, type OpenCapability, refused, succeeded } from './capability.ts';
import type { Egress, EgressRequest } from './egress.ts';

/** `http-client`: one request record in, one response record out, by way of the broker. */
export function openHttpClient(scope: CallScope, egress: Egress): OpenCapability {
  let underWay = 0;
  const waiting: (() => void)[] = [];
  // A guest that asks for more at once than it may is served in turn.
  const enter = async (): Promise<void> => {
    if (underWay >= scope.limits.maxConcurrentRequests) await new Promise<void>((resolve) => waiting.push(resolve));
    underWay += 1;
  };
  const leave = (): void => {
    underWay -= 1;
    waiting.shift()?.();
  };
  const send = async (args: unknown[]): Promise<Answer> => {
    const request = parseRequest(args[0]);
    if (typeof request === 'string') return refused('invalid-request', request);
    await enter();
    try {
      const outcome = await egress.send(request, scope.signal);
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
