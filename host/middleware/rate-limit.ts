import type { HttpBindings } from '@hono/node-server';
import type { Context, MiddlewareHandler } from 'hono';
import ipaddr from 'ipaddr.js';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { Caller } from '../domain/caller.ts';
import { RequestError } from '../domain/errors.ts';
import type { Edge } from './edge.ts';

export interface RateLimitOptions {
  callerRequestsPerMinute: number;
  addressRequestsPerMinute: number;
  /** Addresses and blocks whose `X-Forwarded-For` is believed. */
  trustedProxies: readonly string[];
}

/** Counts requests in this process: hosts that share a store count each for itself, so that no request waits for the store. */
export interface RateLimits {
  /** By address, before anything is known of the caller. RATE_LIMITED. */
  address: MiddlewareHandler<Edge>;
  /** By caller. RATE_LIMITED. */
  take(c: Context<Edge>, caller: Pick<Caller, 'kind' | 'id'>): Promise<void>;
}

const WINDOW_S = 60;
/** Asked every few seconds by whatever watches the host. */
const FREE_PATHS: readonly string[] = ['/healthz', '/readyz'];

export function createRateLimits(options: RateLimitOptions): RateLimits {
  const callers = new RateLimiterMemory({ points: options.callerRequestsPerMinute, duration: WINDOW_S });
  const addresses = new RateLimiterMemory({ points: options.addressRequestsPerMinute, duration: WINDOW_S });
  const addressOf = clientAddress(options.trustedProxies);
  return {
    async address(c, next) {
      const address = FREE_PATHS.includes(c.req.path) ? undefined : addressOf(c);
      if (address !== undefined) await take(c, { limiter: addresses, policy: 'address', key: address });
      await next();
    },
    take: (c, caller) => take(c, { limiter: callers, policy: 'caller', key: `${caller.kind} ${caller.id}` }),
  };
}

/** The fields of the IETF draft "RateLimit header fields for HTTP". */
async function take(c: Context<Edge>, by: { limiter: RateLimiterMemory; policy: string; key: string }): Promise<void> {
  const { limiter, policy, key } = by;
  const result = await limiter.consume(key).catch((refusal: unknown) => {
    if (refusal instanceof RateLimiterRes) return refusal;
    throw refusal;
  });
  const resetS = Math.max(1, Math.ceil(result.msBeforeNext / 1000));
  c.header('RateLimit-Policy', `"${policy}";q=${limiter.points};w=${WINDOW_S}`);
  c.header('RateLimit', `"${policy}";r=${Math.max(0, result.remainingPoints)};t=${resetS}`);
  if (result.consumedPoints <= limiter.points) return;
  c.header('Retry-After', String(resetS));
  throw new RequestError('RATE_LIMITED', `More than ${limiter.points} requests came from this ${policy} within a minute.`, {
    remedy: `Wait ${resetS} s. Whoever runs the host may allow more.`,
  });
}

/** Where a request comes from. Of IPv6 the first 64 bits: whoever has one address has them all. */
function clientAddress(trustedProxies: readonly string[]): (c: Context<Edge>) => string | undefined {
  const trusted = trustedProxies.map((block) => (ipaddr.isValidCIDR(block) ? ipaddr.parseCIDR(block) : hostBlock(block)));
  const isTrusted = (address: ipaddr.IPv4 | ipaddr.IPv6): boolean =>
    trusted.some((block) => block[0].kind() === address.kind() && address.match(block));
  return (c) => {
    const remote = remoteAddress(c);
    if (remote === undefined || !ipaddr.isValid(remote)) return undefined;
    let client = ipaddr.process(remote);
    const hops = (c.req.header('x-forwarded-for') ?? '').split(',').map((hop) => hop.trim());
    // From the last hop on: only what a trusted proxy wrote is believed.
    for (let hop = hops.pop(); isTrusted(client) && hop !== undefined && ipaddr.isValid(hop); hop = hops.pop())
      client = ipaddr.process(hop);
    return client instanceof ipaddr.IPv6 ? client.toByteArray().slice(0, 8).join('.') : client.toString();
  };
}

function hostBlock(text: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  const address = ipaddr.process(text);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}

/** None when the app is called without a socket. */
function remoteAddress(c: Context<Edge>): string | undefined {
  return isServed(c.env) ? c.env.incoming.socket.remoteAddress : undefined;
}

function isServed(bindings: unknown): bindings is HttpBindings {
  return typeof bindings === 'object' && bindings !== null && 'incoming' in bindings;
}
