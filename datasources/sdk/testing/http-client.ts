import type { Request, Response } from 'lorelai:datasource/http-client@1.0.0';
import { currentStage, toBody, toTestRequest } from './host.ts';

/** Stands in for `lorelai:datasource/http-client`. */
export function send(request: Request): Response {
  const { host, options } = currentStage();
  const asked = toTestRequest(request);
  host.requests.push(asked);
  if (options.respond === undefined) {
    const error: unknown = { tag: 'denied', val: 'This test answers no requests.' };
    throw error;
  }
  const answer = options.respond(asked);
  const headers = Object.entries(answer.headers ?? {}).map(([name, value]) => ({ name: name.toLowerCase(), value }));
  return { status: answer.status ?? 200, headers, body: toBody(answer) };
}
