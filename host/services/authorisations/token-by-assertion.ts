import { SignJWT } from 'jose';
import * as oauth from 'oauth4webapi';
import { RequestError } from '../../domain/errors.ts';
import { isJsonObject } from '../../domain/json.ts';
import type { AuthorisationClient } from './authorisation-client.ts';
import { requestTokens } from './token-endpoint.ts';
import { toFailure, type TokenOutcome } from './token-outcome.ts';

/** RFC 7523, section 2.1. Google wants the scopes inside, and nobody to prove anything besides. */
export async function requestByAssertion(access: AuthorisationClient): Promise<TokenOutcome> {
  const { rules, server, client, config, scopes } = access;
  const key = rules.assertionSubjectFromConfig;
  const subject = key === undefined ? undefined : config[key];
  if (key !== undefined && (typeof subject !== 'string' || subject === ''))
    return { kind: 'refused', reason: `the setting "${key}" is empty` };
  const assertion = await signed(access, { scope: scopes.join(' '), subject: typeof subject === 'string' ? subject : undefined });
  return requestTokens(access, [assertion], (options) =>
    oauth.genericTokenEndpointRequest(
      server,
      client,
      rules.clientAuthentication === 'none' ? SILENT : access.proof,
      'urn:ietf:params:oauth:grant-type:jwt-bearer',
      { assertion, ...rules.tokenParameters },
      options,
    ),
  );
}

const SILENT: oauth.ClientAuth = () => undefined;
const ASSERTION_SECONDS = 600;
/** Clocks differ; GitHub advises a minute. */
const CLOCK_SKEW_SECONDS = 60;

async function signed(
  { signer, server }: AuthorisationClient,
  { scope, subject, audience = true }: { scope?: string; subject?: string | undefined; audience?: boolean },
): Promise<string> {
  if (signer?.issuer === undefined) {
    throw new RequestError('CREDENTIAL_MISSING', 'It is not said who signs assertions.', {
      remedy: 'Tell the author of the datasource to name "assertion_issuer" or "client_id".',
    });
  }
  const nowSeconds = Math.floor(Date.now() / 1_000) - CLOCK_SKEW_SECONDS;
  const jwt = new SignJWT(scope === undefined ? {} : { scope })
    .setProtectedHeader({ alg: signer.key.asymmetricKeyType === 'ec' ? 'ES256' : 'RS256', typ: 'JWT', ...signer.header })
    .setIssuer(signer.issuer)
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + ASSERTION_SECONDS);
  if (audience) jwt.setAudience(server.token_endpoint ?? server.issuer);
  if (subject !== undefined) jwt.setSubject(subject);
  return jwt.sign(signer.key);
}

/** As a GitHub App does: a JWT of the app, and an answer that is no OAuth. */
export async function requestForInstallation(access: AuthorisationClient): Promise<TokenOutcome> {
  try {
    const jwt = await signed(access, { audience: false });
    const response = await access.fetch(access.installationEndpoint ?? '', {
      method: 'POST',
      headers: { accept: 'application/json', authorization: `Bearer ${jwt}` },
    });
    const body: unknown = await response.json().catch(() => undefined);
    if (response.status >= 500 || response.status === 429) return { kind: 'unavailable', reason: `it answered ${response.status}` };
    if (!isJsonObject(body) || !response.ok)
      return { kind: 'refused', reason: `it answered ${response.status}: is the app installed, and the key its own?` };
    const { token, expires_at: expires } = body;
    const expiresAtMs = typeof expires === 'string' ? Date.parse(expires) : Number.NaN;
    if (typeof token !== 'string' || Number.isNaN(expiresAtMs)) return { kind: 'unavailable', reason: 'its answer holds no token' };
    const tokens = { access: token, refresh: undefined, lifetimeMs: expiresAtMs - Date.now(), scopes: undefined, account: undefined };
    return { kind: 'tokens', tokens };
  } catch (error) {
    if (error instanceof RequestError) throw error;
    return toFailure(error, access, []);
  }
}
