import { send } from 'lorelai:datasource/http-client@1.0.0';
import { toUtf8 } from './bytes.ts';
import { failed } from './failure.ts';
import { toHttpFailure } from './http-failure.ts';
import type { Request } from './request.ts';
import { toResponse, withoutQuery, type Response } from './response.ts';
import { withQuery } from './url.ts';

const MAX_REDIRECTS = 5;
const REDIRECTS = [301, 302, 303, 307, 308];

/** Sends a request and follows redirects of GET and HEAD, each of which the host checks like any request. */
export function sendRequest(request: Request): Response {
  const method = request.method ?? 'GET';
  const follows = request.redirect !== 'manual' && (method === 'GET' || method === 'HEAD');
  let url = withQuery(request.url, request.query);
  for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
    const response = sendOnce(request, method, url);
    const location = REDIRECTS.includes(response.status) ? response.headers.get('location') : undefined;
    if (!follows || location === undefined) return response;
    url = new URL(location, url).href;
  }
  throw failed(`${withoutQuery(request.url)} redirected more than ${MAX_REDIRECTS} times.`);
}

function sendOnce(request: Request, method: string, url: string): Response {
  const { body, mediaType } = toBody(request);
  const headers = Object.entries(request.headers ?? {}).flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }]));
  if (mediaType !== undefined && !headers.some(({ name }) => name.toLowerCase() === 'content-type')) {
    headers.push({ name: 'content-type', value: mediaType });
  }
  try {
    const raw = send({
      method,
      url,
      headers,
      ...(body === undefined ? {} : { body }),
      ...(request.timeoutMs === undefined ? {} : { timeoutMs: Math.max(1, Math.floor(request.timeoutMs)) }),
    });
    return toResponse(raw, url);
  } catch (error) {
    throw toHttpFailure(error, method, url);
  }
}

function toBody(request: Request): { body: Uint8Array | undefined; mediaType: string | undefined } {
  if (request.json !== undefined) return { body: toUtf8(JSON.stringify(request.json)), mediaType: 'application/json' };
  if (typeof request.body === 'string') return { body: toUtf8(request.body), mediaType: 'text/plain; charset=utf-8' };
  return { body: request.body, mediaType: undefined };
}
