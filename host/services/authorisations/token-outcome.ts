import * as oauth from 'oauth4webapi';
import { AuthorisationRefused, AuthorisationUnreachable } from '../../capabilities/authorisation-fetch.ts';
import { plainText } from '../../capabilities/capability.ts';
import { Scrubber } from '../../capabilities/scrub.ts';
import { RequestError } from '../../domain/errors.ts';
import type { AuthorisationClient } from './authorisation-client.ts';

/** What a source gave. */
export interface GivenTokens {
  access: string;
  refresh: string | undefined;
  /** None when it does not expire by itself. */
  lifetimeMs: number | undefined;
  /** None when the source does not say: then it gave what was asked for (RFC 6749, section 5.1). */
  scopes: string[] | undefined;
  /** Who it speaks for, as far as the source says. For people. */
  account: string | undefined;
}

/** What became of a request for tokens. */
export type TokenOutcome =
  | { kind: 'tokens'; tokens: GivenTokens }
  /** A person has not agreed yet. */
  | { kind: 'pending'; slowDown: boolean }
  /** What was shown to the source is worth nothing (any more). */
  | { kind: 'invalid-grant'; reason: string }
  /** The source, or the grant, does not allow it; asking the same again will not help. */
  | { kind: 'refused'; reason: string }
  /** No answer, or none that makes sense. Whether the source did something is not known. */
  | { kind: 'unavailable'; reason: string };

/** How sources say that a grant is worth nothing: RFC 6749, RFC 8628, and the words of GitHub and Slack. */
const INVALID_GRANT = [
  'invalid_grant',
  'expired_token',
  'bad_refresh_token',
  'bad_verification_code',
  'invalid_refresh_token',
  'invalid_code',
  'code_already_used',
  'code_expired',
  'token_revoked',
  'token_expired',
  'account_inactive',
];
const LATER = ['temporarily_unavailable', 'server_error', 'ratelimited', 'internal_error', 'service_unavailable'];

/** What became of a request that threw. `shown`: what the source was shown, which it may repeat. Rethrows a RequestError. */
export function toFailure(error: unknown, { secrets }: AuthorisationClient, shown: readonly (string | null)[]): TokenOutcome {
  if (error instanceof RequestError) throw error;
  if (error instanceof AuthorisationRefused) return { kind: 'refused', reason: error.message };
  if (error instanceof AuthorisationUnreachable) return { kind: 'unavailable', reason: error.message };
  if (error instanceof oauth.ResponseBodyError) {
    if (error.error === 'authorization_pending') return { kind: 'pending', slowDown: false };
    if (error.error === 'slow_down') return { kind: 'pending', slowDown: true };
    const scrubber = new Scrubber(...secrets, ...shown.map((secret) => secret ?? undefined));
    const said = [error.error, error.error_description ?? ''].filter((text) => text !== '').join(': ');
    const reason = plainText(scrubber.text(said), 300);
    if (INVALID_GRANT.includes(error.error)) return { kind: 'invalid-grant', reason };
    return { kind: error.status >= 500 || error.status === 429 || LATER.includes(error.error) ? 'unavailable' : 'refused', reason };
  }
  if (error instanceof oauth.WWWAuthenticateChallengeError && error.status < 500 && error.status !== 429)
    return { kind: 'refused', reason: `it does not know the client (${error.status})` };
  return { kind: 'unavailable', reason: 'its answer is none that OAuth knows' };
}
