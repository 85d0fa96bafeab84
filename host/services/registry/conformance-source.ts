import { Egress } from '../../capabilities/egress.ts';
import type { EgressRequest } from '../../capabilities/egress-request.ts';
import { RequestError } from '../../domain/errors.ts';
import type { Grant } from '../../domain/grant.ts';
import type { JsonObject } from '../../domain/json.ts';
import { DEFAULT_LIMITS } from '../../domain/limits.ts';
import { isLoopbackHost } from '../../domain/loopback.ts';
import type { Manifest } from '../../domain/manifest.ts';
import { matchesAnyOrigin, originOf } from '../../domain/origin-pattern.ts';

/** The way to the source of a test, through the broker as in a run. */
export interface TestSource extends Pick<Egress, 'send'> {
  grant: Grant;
  close(): Promise<void>;
}

export interface TestSourceOptions {
  manifest: Manifest;
  config: JsonObject;
  test: { upstream?: string; allow?: readonly string[]; allowPrivate?: readonly string[]; secret?: string };
}

const LOOPBACK = ['127.0.0.0/8', '::1/128'];

/**
 * Requests go to the upstream: where the config names it, and in place of the origins that the manifest fixes. All others
 * are denied. INVALID_REQUEST for an upstream that is no URL.
 */
export function openTestSource({ manifest, config, test }: TestSourceOptions): TestSource {
  const { upstream, allow = [], allowPrivate = [], secret } = test;
  const origin = upstream === undefined ? undefined : originOf(upstream);
  if (upstream !== undefined && origin === undefined)
    throw new RequestError('INVALID_REQUEST', `${upstream.slice(0, 200)} is no http or https URL.`, {
      remedy: 'Name one: http://127.0.0.1:4001',
    });
  const local = origin === undefined ? [] : networksOf(new URL(origin).hostname);
  const grant: Grant = {
    http: { origins: [...(origin === undefined ? [] : [origin]), ...allow], privateNetworks: [...local, ...allowPrivate] },
    storage: true,
    limits: {},
  };
  const shared = { grant, limits: DEFAULT_LIMITS, config, secret, onRecord: () => undefined };
  const direct = new Egress({ ...shared, manifest });
  const redirected = origin === undefined ? undefined : new Egress({ ...shared, manifest: withOrigin(manifest, origin) });
  const fixed = manifest.capabilities.http.flatMap((ask) =>
    ask.kind === 'origin' && ask.origin !== origin && !allow.includes(ask.origin) ? [ask.origin] : [],
  );
  return {
    grant,
    send(request, call) {
      const moved = upstream === undefined ? undefined : movedTo(upstream, request, fixed);
      return moved === undefined || redirected === undefined ? direct.send(request, call) : redirected.send(moved, call);
    },
    async close() {
      await Promise.all([direct.close(), redirected?.close()]);
    },
  };
}

/** The same request of the upstream, when it is for an origin that the manifest fixes. */
function movedTo(upstream: string, request: EgressRequest, fixed: readonly string[]): EgressRequest | undefined {
  if (!URL.canParse(request.url)) return undefined;
  const url = new URL(request.url);
  if (!matchesAnyOrigin(url, fixed)) return undefined;
  return { ...request, url: `${upstream.replace(/\/+$/, '')}${url.pathname}${url.search}` };
}

/** As if the manifest had named the upstream where it names its fixed origins. */
function withOrigin(manifest: Manifest, origin: string): Manifest {
  const { capabilities, auth } = manifest;
  return {
    ...manifest,
    capabilities: {
      ...capabilities,
      http: [...capabilities.http, { kind: 'origin', origin, reason: 'It stands for the source in a test.' }],
    },
    auth: { ...auth, attach: auth.attach.map((rule) => ({ ...rule, origins: [...rule.origins, origin] })) },
  };
}

/** A server on the machine of whoever tests may be dialled without more ado. */
function networksOf(hostname: string): string[] {
  return isLoopbackHost(hostname) ? LOOPBACK : [];
}
