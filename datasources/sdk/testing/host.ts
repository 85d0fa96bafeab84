import type { Request as WitRequest } from 'lorelai:datasource/http-client@1.0.0';
import type { Context as WitContext } from 'lorelai:datasource/types@1.0.0';
import { toUtf8 } from '../bytes.ts';
import type { InQuickJs } from '../quickjs.ts';

/** What a test answers to a request. */
export interface TestResponse {
  /** When left out: 200. */
  status?: number;
  headers?: Readonly<Record<string, string>>;
  /** Text is sent as UTF-8. */
  body?: string | Uint8Array;
  /** Sent as JSON. */
  json?: unknown;
}

export interface TestRequest {
  method: string;
  url: string;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  body: Uint8Array | undefined;
}

/** Stands in for the host when a datasource's code runs in Node.js: everything is kept in memory. */
export interface TestHost {
  /** Every request, in order. */
  readonly requests: TestRequest[];
  readonly lines: { level: string; message: string }[];
  /** Counters and gauges, as they stand. */
  readonly metrics: Map<string, number>;
  /** Values of each declared collection, by key. */
  readonly collections: Map<string, Map<string, Uint8Array>>;
}

export interface TestHostOptions {
  /** Collections that the manifest declares. */
  collections?: readonly string[];
  /** Bytes of all values together. When left out: no limit. */
  storageQuotaBytes?: number;
  /** Answers a request, or throws `{ tag, val }` as the contract's `http-client.error`. */
  respond?: (request: TestRequest) => TestResponse;
}

interface Stage {
  host: TestHost;
  options: TestHostOptions;
}

// The host that the imports of the SDK reach; one test at a time has the stage.
let stage: Stage | undefined;

/** Makes a new host and gives it to the SDK's imports, in place of the one before. */
export function useTestHost(options: TestHostOptions = {}): TestHost {
  const collections = new Map((options.collections ?? []).map((name) => [name, new Map<string, Uint8Array>()]));
  const host: TestHost = { requests: [], lines: [], metrics: new Map(), collections };
  stage = { host, options };
  return host;
}

/** For the modules that stand in for the imports. */
export function currentStage(): Stage {
  if (stage === undefined) throw new Error('There is no test host. Call useTestHost() first.');
  return stage;
}

export interface TestContext {
  config?: object;
  /** The settings of every feature of the manifest, by name. */
  features: Readonly<Record<string, object>>;
  nowMs?: number;
}

/** What the host tells a call, with every feature enabled. */
export function testContext({ config = {}, features, nowMs = 1_790_000_000_000 }: TestContext): InQuickJs<WitContext> {
  return {
    connectionId: '01K0000000000000000000TEST',
    config: JSON.stringify(config),
    features: Object.entries(features).map(([name, settings]) => ({ name, enabled: true, config: JSON.stringify(settings) })),
    nowMs,
    deadlineMs: nowMs + 120_000,
  };
}

export function toTestRequest(request: WitRequest): TestRequest {
  const headers = Object.fromEntries(request.headers.map(({ name, value }) => [name.toLowerCase(), value]));
  return { method: request.method, url: request.url, headers, body: request.body };
}

export function toBody({ body, json }: TestResponse): Uint8Array {
  if (json !== undefined) return toUtf8(JSON.stringify(json));
  return typeof body === 'string' ? toUtf8(body) : (body ?? new Uint8Array());
}
