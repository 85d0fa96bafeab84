import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import type { Caller, Scope } from '../../domain/caller.ts';
import { RequestError } from '../../domain/errors.ts';
import { isJsonObject } from '../../domain/json.ts';
import type { TokenSettings } from '../../domain/token-settings.ts';
import type { Log } from '../../log.ts';

/** Takes the tokens of one OpenID provider. */
export interface Tokens {
  /** Who the token is about. UNAUTHENTICATED; NOT_READY when the provider's keys cannot be read. */
  authenticate(token: string): Promise<Caller>;
}

/** How far the clocks of provider and host may differ. */
const CLOCK_TOLERANCE_S = 60;
const FETCH_TIMEOUT_MS = 5_000;
/** Keys are read again after this, and at once for a key that is not among them, but then not again for a while. */
const KEYS_MAX_AGE_MS = 10 * 60_000;
const KEYS_COOLDOWN_MS = 10_000;

export function createTokens(settings: TokenSettings, log: Log, { keysCooldownMs = KEYS_COOLDOWN_MS } = {}): Tokens {
  const keys = providerKeys(settings, keysCooldownMs);
  return {
    async authenticate(token) {
      const payload = await verify(token, settings, keys, log);
      if (payload.sub === undefined || payload.sub === '') throw refused('it has no subject');
      return {
        kind: 'token',
        id: `${settings.issuer}|${payload.sub}`,
        organisation: organisationOf(payload, settings),
        scopes: scopesOf(payload, settings),
      };
    },
  };
}

async function verify(token: string, settings: TokenSettings, keys: () => Promise<JWTVerifyGetKey>, log: Log): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, await keys(), {
      issuer: settings.issuer,
      audience: settings.audience,
      algorithms: [...settings.algorithms],
      clockTolerance: CLOCK_TOLERANCE_S,
      requiredClaims: ['exp', 'sub'],
    });
    return payload;
  } catch (error) {
    const reason = faultOf(error);
    if (reason !== undefined) throw refused(reason);
    log.warn('the keys of the OpenID provider cannot be read', { issuer: settings.issuer, error });
    throw new RequestError('NOT_READY', 'The keys of the OpenID provider cannot be read, so no token can be checked.', {
      remedy: 'Try again in a moment; keys of this host go on working.',
      cause: error,
    });
  }
}

/** What is wrong with the token; undefined when it is not the token's fault. Says nothing of what is in it. */
function faultOf(error: unknown): string | undefined {
  if (error instanceof errors.JWTExpired) return 'it has expired';
  if (error instanceof errors.JWTClaimValidationFailed) return `its claim "${error.claim}" does not fit`;
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'its signature does not fit';
  if (error instanceof errors.JOSEAlgNotAllowed) return 'its algorithm is not allowed';
  if (error instanceof errors.JWKSNoMatchingKey) return 'the provider has no such key';
  if (error instanceof errors.JWTInvalid || error instanceof errors.JWSInvalid || error instanceof errors.JOSENotSupported) {
    return 'it is not a signed token';
  }
  return undefined;
}

function refused(reason: string): RequestError {
  return new RequestError('UNAUTHENTICATED', `The token cannot be used: ${reason}.`, {
    remedy: 'Get a new token from the OpenID provider of this host, or use a key.',
  });
}

/** Where the provider's keys come from. A provider that does not answer now may do so at the next request. */
function providerKeys(settings: TokenSettings, cooldownDuration: number): () => Promise<JWTVerifyGetKey> {
  const options = { timeoutDuration: FETCH_TIMEOUT_MS, cooldownDuration, cacheMaxAge: KEYS_MAX_AGE_MS };
  const find = async (): Promise<JWTVerifyGetKey> =>
    createRemoteJWKSet(new URL(settings.jwksUrl ?? (await discoverKeys(settings.issuer))), options);
  let finding: Promise<JWTVerifyGetKey> | undefined;
  return () => {
    finding ??= find().catch((error: unknown) => {
      finding = undefined;
      throw error;
    });
    return finding;
  };
}

/** The `jwks_uri` of OpenID Connect Discovery 1.0, section 4. */
async function discoverKeys(issuer: string): Promise<string> {
  const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const response = await fetch(address, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS), redirect: 'error' });
  const document: unknown = response.ok ? await response.json() : undefined;
  if (!isJsonObject(document) || document.issuer !== issuer || typeof document.jwks_uri !== 'string') {
    throw new Error(`${address} answered ${response.status} and is no discovery document of this issuer`);
  }
  return document.jwks_uri;
}

function scopesOf(payload: JWTPayload, { scopesClaim, scopesOf: mapping }: TokenSettings): Scope[] {
  const value = claimAt(payload, scopesClaim);
  const words = typeof value === 'string' ? value.split(' ') : Array.isArray(value) ? value : [];
  return [...new Set(words.flatMap((word) => (typeof word === 'string' ? (mapping.get(word) ?? []) : [])))];
}

function organisationOf(payload: JWTPayload, { organisation }: TokenSettings): string | undefined {
  if (organisation.from === 'setting') return organisation.organisation;
  const value = claimAt(payload, organisation.claim);
  if (typeof value !== 'string' || value === '') throw refused(`it names no organisation in "${organisation.claim.join('.')}"`);
  return value;
}

function claimAt(payload: JWTPayload, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, name) => (isJsonObject(at) && Object.hasOwn(at, name) ? at[name] : undefined), payload);
}
