import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { isJsonObject } from '../domain/json.ts';
import type { Edge } from './edge.ts';

const KEPT_HEADERS = ['content-type', 'location', 'etag'] as const;

/** A response as it is kept for requests that are sent again. */
export async function toKeptAnswer(response: Response): Promise<string> {
  const headers = Object.fromEntries(
    KEPT_HEADERS.flatMap((name) => [[name, response.headers.get(name)]]).filter(([, value]) => value !== null),
  );
  return JSON.stringify({ status: response.status, headers, body: await response.clone().text() });
}

/** The same response once more, and that it is not the first. */
export function fromKeptAnswer(c: Context<Edge>, answer: string): Response {
  const kept: unknown = JSON.parse(answer);
  const { status, headers, body } = isJsonObject(kept) ? kept : {};
  for (const [name, value] of Object.entries(isJsonObject(headers) ? headers : {})) c.header(name, String(value));
  c.header('Idempotency-Replayed', 'true');
  if (status === 204) return c.body(null, 204);
  return c.body(String(body), toStatus(status));
}

const STATUSES = [200, 201, 202] as const satisfies readonly ContentfulStatusCode[];

function toStatus(status: unknown): ContentfulStatusCode {
  return STATUSES.find((known) => known === status) ?? 200;
}
