import { Egress, type EgressCall, type EgressOptions, type EgressRecord } from '../../host/capabilities/egress.ts';
import type { EgressOutcome, EgressRequest } from '../../host/capabilities/egress-request.ts';
import type { AttachRule, HttpAsk } from '../../host/domain/manifest.ts';
import { DEFAULT_LIMITS, type Limits } from '../../host/domain/limits.ts';
import { Meter } from '../../host/domain/meter.ts';
import { manifestWith } from './manifest.ts';

export interface EgressUnderTest {
  /** What the manifest asks for; the same as `granted` when left out. */
  asked?: (string | HttpAsk)[];
  granted: string[];
  /** When left out: loopback. */
  privateNetworks?: string[];
  limits?: Partial<Limits>;
  secret?: string;
  attach?: AttachRule[];
  config?: EgressOptions['config'];
  records?: EgressRecord[];
}

export function openEgress({
  asked,
  granted,
  privateNetworks,
  limits,
  secret,
  attach = [],
  config = {},
  records,
}: EgressUnderTest): Egress {
  return new Egress({
    manifest: manifestWith({
      auth: { type: 'api_key', requiredScopes: [], attach },
      capabilities: { http: (asked ?? granted).map(toAsk), storage: false, limits: [] },
    }),
    grant: { http: { origins: granted, privateNetworks: privateNetworks ?? ['127.0.0.0/8'] }, storage: false, limits: {} },
    limits: { ...DEFAULT_LIMITS, ...limits },
    config,
    secret,
    onRecord: (record) => void records?.push(record),
  });
}

function toAsk(asked: string | HttpAsk): HttpAsk {
  return typeof asked === 'string' ? { kind: 'origin', origin: asked, reason: 'For a test.' } : asked;
}

/** A call that requests are part of. */
export function callWith(limits: Partial<Limits> = {}, signal: AbortSignal = new AbortController().signal): EgressCall {
  return { meter: new Meter({ ...DEFAULT_LIMITS, ...limits }), signal };
}

export type RequestInput = Partial<Omit<EgressRequest, 'headers'>> & { headers?: Record<string, string>; signal?: AbortSignal };

/** Sends one request and closes the way out behind it. */
export async function sendThrough(
  options: EgressUnderTest,
  url: string,
  { headers = {}, signal, ...rest }: RequestInput = {},
): Promise<EgressOutcome> {
  const egress = openEgress(options);
  try {
    const fields = Object.entries(headers).map(([name, value]) => ({ name, value }));
    const request = { method: 'GET', url, headers: fields, body: undefined, timeoutMs: undefined, ...rest };
    return await egress.send(request, callWith(options.limits, signal));
  } finally {
    await egress.close();
  }
}

/** The body of a response as text; fails when there is none. */
export function bodyOf(outcome: EgressOutcome): string {
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.error));
  return Buffer.from(outcome.response.body).toString();
}
