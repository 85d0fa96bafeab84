import { createRequire } from 'node:module';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Answer, EdgeServer } from './server.ts';

/** One exchange with api.github.com as `@octokit/fixtures` recorded it, unchanged. */
export interface Recording {
  method: string;
  /** With its query. */
  path: string;
  status: number;
  /** As sent: JSON, or text where the request asked for raw content. */
  response: unknown;
  headers: Record<string, string>;
  body: unknown;
}

const ORIGIN = 'https://api.github.com';
/** They belong to the connection of the recording, not to the answer. */
const TRANSPORT = new Set(['connection', 'content-length', 'transfer-encoding', 'content-encoding', 'server', 'date']);

/** The recorded exchanges of a scenario, in order. */
export async function readScenario(name: string): Promise<Recording[]> {
  const folder = dirname(createRequire(import.meta.url).resolve('@octokit/fixtures/package.json'));
  const json: unknown = JSON.parse(await readFile(join(folder, 'scenarios/api.github.com', name, 'raw-fixture.json'), 'utf8'));
  if (!Array.isArray(json)) throw new Error(`The scenario ${name} is no list.`);
  return json.map(toRecording);
}

/** The first recorded exchange with this method and a path that fits. */
export function find(recordings: readonly Recording[], method: string, path: RegExp): Recording {
  const found = recordings.find((recording) => recording.method === method && path.test(recording.path));
  if (found === undefined) throw new Error(`Nothing was recorded for ${method} ${path}.`);
  return found;
}

/**
 * Serves what was recorded for GET: status, headers and body as they were, with addresses turned to the server. The
 * page decides between recordings of one path; what else the query says is the recording's.
 */
export function replay(server: EdgeServer, recordings: readonly Recording[]): void {
  const gets = recordings.filter(({ method }) => method === 'get');
  for (const path of new Set(gets.map((recording) => pathOf(recording)))) {
    const same = gets.filter((recording) => pathOf(recording) === path);
    server.on(path, (seen) => toAnswer(server, same.find((recording) => pageOf(recording) === (seen.query.get('page') ?? '1')) ?? same[0]));
  }
}

/** The answer of a recording, for a path of its own. */
export function toAnswer(server: EdgeServer, recording: Recording | undefined): Answer {
  if (recording === undefined) return { status: 404, json: { message: 'Not Found' } };
  const kept = Object.entries(recording.headers).filter(([name]) => !TRANSPORT.has(name));
  const headers = Object.fromEntries(
    kept.map(([name, value]) => [name, name === 'link' || name === 'location' ? value.replaceAll(ORIGIN, server.url) : value]),
  );
  const { status, response } = recording;
  return typeof response === 'string' ? { status, headers, bytes: Buffer.from(response) } : { status, headers, json: response };
}

function pathOf({ path }: Recording): string {
  return path.split('?', 1)[0] ?? path;
}

function pageOf({ path }: Recording): string {
  return new URL(path, ORIGIN).searchParams.get('page') ?? '1';
}

function toRecording(value: unknown): Recording {
  const { method, path, status, response, headers, rawHeaders, body } = value as Recording & { rawHeaders?: string[] };
  return { method: method.toLowerCase(), path, status, response, body, headers: toHeaders(headers ?? rawHeaders) };
}

function toHeaders(headers: Record<string, string> | readonly string[] | undefined): Record<string, string> {
  const pairs = Array.isArray(headers)
    ? headers.flatMap((name: string, index) => (index % 2 === 0 ? [[name, String(headers[index + 1])] as const] : []))
    : Object.entries(headers ?? {});
  return Object.fromEntries(pairs.map(([name, text]) => [name.toLowerCase(), String(text)]));
}
