import type { LookupAddress } from 'node:dns';
import { type BlockList, isIP, type LookupFunction } from 'node:net';
import { mayDial } from './address.ts';
import { createResolver, type ResolveName } from './resolver.ts';

/** A name that resolves to an address which nobody allowed. */
export class ForbiddenAddressError extends Error {}

/**
 * Resolves a name for the socket that dials it: every address that it has must be allowed, and these very addresses are
 * what the socket gets. Answers are remembered for a while, and checked each time.
 */
export function checkedLookup(privateNetworks: BlockList, resolve: ResolveName = createResolver()): LookupFunction {
  return (hostname, options, callback) => {
    const check = (found: readonly LookupAddress[]): void => {
      const addresses = [...found];
      const bad = addresses.find(({ address }) => !mayDial(address, privateNetworks));
      const [first] = addresses;
      if (bad !== undefined || first === undefined) {
        return callback(new ForbiddenAddressError(forbiddenAddress(bad?.address ?? 'none', hostname)), []);
      }
      if (options.all === true) return callback(null, addresses);
      return callback(null, first.address, first.family);
    };
    const fail = (error: unknown): void => callback(error instanceof Error ? error : new Error(String(error)), []);
    resolve(hostname).then(check, fail);
  };
}

/** Why a URL's literal address may not be dialled: it never reaches a resolver. Undefined when it may, or is a name. */
export function refusedLiteral(url: URL, privateNetworks: BlockList): string | undefined {
  const literal = url.hostname.replace(/^\[|\]$/g, '');
  return isIP(literal) !== 0 && !mayDial(literal, privateNetworks) ? forbiddenAddress(literal) : undefined;
}

/** The refusal that an error was caused by, if any. */
export function forbiddenCause(error: unknown): ForbiddenAddressError | undefined {
  return causes(error).find((cause) => cause instanceof ForbiddenAddressError);
}

function causes(error: unknown): Error[] {
  if (!(error instanceof Error)) return [];
  const nested = error instanceof AggregateError ? error.errors : [error.cause];
  return [error, ...nested.flatMap(causes)];
}

function forbiddenAddress(address: string, hostname?: string): string {
  const where = hostname === undefined ? address : `${hostname} resolves to ${address}, which`;
  return `${where} is not a public address: an operator allows a private network with \`datasources install … --allow-private CIDR\``;
}
