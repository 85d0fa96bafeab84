import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import type { Answer, OpenCapability } from '../../../host/capabilities/capability.ts';
import type { Egress } from '../../../host/capabilities/egress.ts';
import { openHttpClient } from '../../../host/capabilities/http-client.ts';
import { RequestRate } from '../../../host/capabilities/request-rate.ts';
import { Meter } from '../../../host/domain/meter.ts';
import { DEFAULT_LIMITS } from '../../../host/domain/limits.ts';
import { openEgress } from '../../helpers/egress.ts';
import { manifestWith } from '../../helpers/manifest.ts';
import { startUpstream, type Upstream } from '../../helpers/upstream.ts';

let upstream: Upstream;
let egress: Egress;

afterEach(async () => {
  await egress.close();
  await upstream.close();
});

async function open(
  handle: (response: ServerResponse, body: string) => void,
  options: { maxConcurrentRequests?: number; signal?: AbortSignal } = {},
): Promise<OpenCapability> {
  upstream = await startUpstream((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => handle(response, Buffer.concat(chunks).toString()));
  });
  egress = openEgress({ granted: [upstream.origin] });
  const limits = { ...DEFAULT_LIMITS, maxConcurrentRequests: options.maxConcurrentRequests ?? 8 };
  const grant = { http: { origins: [], privateNetworks: [] }, storage: false, limits: {} };
  return openHttpClient(
    {
      connection: { id: 'c', config: {} },
      manifest: manifestWith(),
      grant,
      meter: new Meter(limits),
      signal: options.signal ?? new AbortController().signal,
    },
    egress,
    new RequestRate(),
  );
}

function request(parts: Record<string, unknown> = {}): Record<string, unknown> {
  return { method: 'GET', url: upstream.origin, headers: [], body: undefined, timeoutMs: undefined, ...parts };
}

async function send(client: OpenCapability, value: unknown): Promise<Answer> {
  return (await client.send?.([value])) ?? { ok: false, error: 'no answer' };
}

describe('http-client.send', () => {
  it('gives status, headers and body', async () => {
    const client = await open((response, body) => response.writeHead(201, { 'x-a': 'b' }).end(`got ${body}`));
    expect(
      await send(client, request({ method: 'post', body: new Uint8Array(Buffer.from('this')), headers: [{ name: 'X-B', value: 'c' }] })),
    ).toMatchObject({
      ok: true,
      value: { status: 201, headers: expect.arrayContaining([{ name: 'x-a', value: 'b' }]), body: new Uint8Array(Buffer.from('got this')) },
    });
    expect(upstream.requests[0]?.headers['x-b']).toBe('c');
  });

  it('takes null for what is left out', async () => {
    const client = await open((response) => response.end());
    expect(await send(client, request({ body: null, timeoutMs: null }))).toMatchObject({ ok: true });
  });

  it.each<[string, unknown, RegExp]>([
    ['nothing', undefined, /not a record/],
    ['a list', [], /not a record/],
    ['a method that is a number', { method: 1 }, /^method: /],
    ['no URL', { url: undefined }, /^url: /],
    ['a URL that is an object', { url: { href: 'x' } }, /^url: /],
    ['no headers', { headers: undefined }, /^headers: /],
    ['headers that are an object', { headers: { a: 'b' } }, /^headers: /],
    ['a header without a value', { headers: [{ name: 'a' }] }, /^headers: /],
    ['a header that is null', { headers: [null] }, /^headers: /],
    ['a body that is text', { body: 'text' }, /^body: /],
    ['a negative timeout', { timeoutMs: -1 }, /^timeout-ms: /],
    ['a timeout that is text', { timeoutMs: '5' }, /^timeout-ms: /],
    ['a timeout that is no number', { timeoutMs: Number.NaN }, /^timeout-ms: /],
  ])('refuses %s', async (_, value, why) => {
    const client = await open((response) => response.end());
    const forged = typeof value === 'object' && !Array.isArray(value) ? request(value as Record<string, unknown>) : value;
    expect(await send(client, forged)).toEqual({ ok: false, error: { tag: 'invalid-request', val: expect.stringMatching(why) } });
    expect(upstream.requests).toEqual([]);
  });

  it('has no more requests under way than the limit, and serves the rest in turn', async () => {
    let most = 0;
    let quiet: NodeJS.Timeout | undefined;
    const waiting: ServerResponse[] = [];
    const client = await open(
      (response) => {
        waiting.push(response);
        most = Math.max(most, waiting.length);
        // Nobody is answered while more may still come: whoever is under way is here by then.
        clearTimeout(quiet);
        quiet = setTimeout(() => {
          for (const one of waiting.splice(0)) one.end();
        }, 100);
      },
      { maxConcurrentRequests: 3 },
    );
    const answers = await Promise.all(Array.from({ length: 10 }, () => send(client, request())));
    expect(answers.every(({ ok }) => ok)).toBe(true);
    expect(most).toBe(3);
  });

  it('frees its place when a request fails', async () => {
    const client = await open((response) => response.destroy(), { maxConcurrentRequests: 1 });
    for (let time = 0; time < 3; time += 1)
      expect(await send(client, request())).toMatchObject({ ok: false, error: { tag: 'unreachable' } });
  });

  it('ends what waits when the call ends', async () => {
    const call = new AbortController();
    const client = await open(() => setImmediate(() => call.abort()), { maxConcurrentRequests: 1, signal: call.signal });
    const answers = await Promise.all([send(client, request()), send(client, request())]);
    expect(answers).toEqual([
      { ok: false, error: { tag: 'timed-out' } },
      { ok: false, error: { tag: 'timed-out' } },
    ]);
    expect(upstream.requests).toHaveLength(1);
  });
});
