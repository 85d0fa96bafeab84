import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { COMMAND_LINE, SCOPES, type Scope } from '../../host/domain/caller.ts';
import { createApp } from '../../host/app.ts';
import { readConfig } from '../../host/config.ts';
import { ensureDefaultOrganisation } from '../../host/default-organisation.ts';
import type { Grant } from '../../host/domain/grant.ts';
import { EMPTY_GRANT } from '../../host/domain/grant.ts';
import { createLog } from '../../host/log.ts';
import { routeErrors, type Route } from '../../host/routes/route.ts';
import { apiRoutes } from '../../host/routes/routes.ts';
import { openServices } from '../../host/services/open.ts';
import type { Services } from '../../host/services/services.ts';
import { strictApiSchemas } from './api-schema.ts';
import { componentFile } from './components.ts';

export interface ApiResponse {
  status: number;
  headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- what it must be is said by `toMatchObject`, and has been checked against the schema
  body: any;
}

export interface CallOptions {
  as?: string | null;
  headers?: Record<string, string>;
}

/** The API over real services in a folder of its own. Every response is checked against the OpenAPI document. */
export interface Api {
  services: Services;
  dataDir: string;
  /** With a key that may do everything on the whole host, unless `as` gives another one, or null for none. */
  call(method: string, path: string, body?: unknown, options?: CallOptions): Promise<ApiResponse>;
  /** As it comes, for what is no JSON. */
  request(path: string, init: RequestInit): Response | Promise<Response>;
  /** A key with these scopes; of the whole host unless it names an organisation. */
  keyWith(scopes: readonly Scope[], organisation?: string): Promise<string>;
  /** Works on runs until none is due. */
  work(): Promise<void>;
  /** Refreshes tokens, asks about devices and wraps secrets anew until `signal` aborts. */
  keepAuthorisations(signal: AbortSignal): Promise<void>;
  /** Everything that was logged so far. */
  logged(): string;
  close(): Promise<void>;
}

/** `env`: settings as an operator gives them. */
export async function openApi(env: Record<string, string> = {}): Promise<Api> {
  const dataDir = await mkdtemp(join(tmpdir(), 'lorelai-api-'));
  const lines: string[] = [];
  const log = createLog({ level: 'debug', pretty: false, write: (line) => void lines.push(line) });
  const config = readConfig({ DATA_DIR: dataDir, ...env });
  const { services, keepAuthorisations, close } = await openServices(config, log);
  await ensureDefaultOrganisation(services);
  const keyWith = async (scopes: readonly Scope[], organisation?: string): Promise<string> =>
    (await services.keys.create({ organisation, name: scopes.join(' '), scopes }, COMMAND_LINE)).text;
  const everything = await keyWith(SCOPES);
  const app = createApp(services, { log, config });
  const checkResponse = responseCheck();
  return {
    services,
    dataDir,
    logged: () => lines.join(''),
    keepAuthorisations,
    keyWith,
    request: (path, init) => app.request(path, init),
    async call(method, path, body, { as = everything, headers } = {}) {
      const response = await app.request(path, {
        method,
        headers: {
          ...(as === null ? {} : { authorization: `Bearer ${as}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      const isText = /^(text\/|application\/x-ndjson)/.test(response.headers.get('content-type') ?? '');
      const parsed: unknown = text === '' ? undefined : isText ? text : JSON.parse(text);
      checkResponse(method, path, response, parsed);
      return { status: response.status, headers: response.headers, body: parsed };
    },
    work: () => services.runs.work({ signal: new AbortController().signal, untilIdle: true }),
    async close() {
      await close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** With the datasources `hello` and `probe`, and an organisation besides the default one: `acme`. */
export async function openFurnishedApi(): Promise<Api> {
  const api = await openApi();
  await install(api, 'hello');
  await install(api, 'probe');
  await api.call('POST', '/api/v1/organisations', { id: 'acme' });
  return api;
}

/** Installs one of the components that the tests' set-up builds. */
export async function install(
  api: Api,
  name: 'hello' | 'probe' | 'answering',
  grant: Grant = { ...EMPTY_GRANT, storage: true },
): Promise<void> {
  await api.services.registry.install(new Uint8Array(await readFile(componentFile(name))), grant, COMMAND_LINE);
}

/** Throws when a response is none that the OpenAPI document promises for the operation. */
function responseCheck(): (method: string, path: string, response: Response, body: unknown) => void {
  const { routes } = apiRoutes();
  const faults = strictApiSchemas();
  return (method, path, response, body) => {
    const route = routes.find((candidate) => candidate.method === method && pattern(candidate).test(path));
    if (route === undefined) return;
    const found = response.ok ? successFaults(route, response, body, faults) : problemFaults(route, response, body, faults);
    if (found.length > 0)
      throw new Error(`${method} ${path} answered ${response.status} ${JSON.stringify(body)}, which is not promised: ${found.join('; ')}`);
  };
}

type Faults = ReturnType<typeof strictApiSchemas>;

function successFaults({ success, tagged }: Route, response: Response, body: unknown, faults: Faults): string[] {
  const status = response.status === success.status ? [] : [`the status should be ${success.status}`];
  const location = (response.headers.get('location') !== null) === success.located ? [] : ['Location'];
  const tag = (response.headers.get('etag') !== null) === tagged ? [] : ['ETag'];
  return [...status, ...location, ...tag, ...(success.schema === undefined ? [] : faults(success.schema, body))];
}

function problemFaults(route: Route, response: Response, body: unknown, faults: Faults): string[] {
  const code = typeof body === 'object' && body !== null && 'code' in body ? body.code : undefined;
  const declared = routeErrors(route).some((candidate) => candidate === code) ? [] : [`the code ${String(code)} is not declared`];
  const type = response.headers.get('content-type') === 'application/problem+json' ? [] : ['the media type'];
  return [...declared, ...type, ...faults('Problem', body)];
}

function pattern({ path }: Route): RegExp {
  return new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/?]+').replaceAll('.', '\\.')}(?:\\?.*)?$`);
}
