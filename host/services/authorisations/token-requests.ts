import { SignJWT } from 'jose';
import * as oauth from 'oauth4webapi';
import { AuthorisationRefused, AuthorisationUnreachable } from '../../capabilities/authorisation-fetch.ts';
import { plainText } from '../../capabilities/capability.ts';
import { Scrubber } from '../../capabilities/scrub.ts';
import { RequestError } from '../../domain/errors.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
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

type PostOptions = oauth.HttpRequestOptions<'POST', URLSearchParams>;

/** Exchanges the code of a callback, whose parameters `validateAuthResponse` has approved. */
export function exchangeCode(
  access: AuthorisationClient,
  { parameters, redirectUri, verifier }: { parameters: URLSearchParams; redirectUri: string; verifier: string },
): Promise<TokenOutcome> {
  return requestTokens(access, [verifier, parameters.get('code')], (options) =>
    oauth.authorizationCodeGrantRequest(access.server, access.client, access.proof, parameters, redirectUri, verifier, {
      ...options,
      additionalParameters: access.rules.tokenParameters,
    }),
  );
}

/** RFC 6749, section 6. */
export function refreshTokens(access: AuthorisationClient, refresh: string): Promise<TokenOutcome> {
  return requestTokens(access, [refresh], (options) =>
    oauth.refreshTokenGrantRequest(access.server, access.client, access.proof, refresh, {
      ...options,
      additionalParameters: access.rules.tokenParameters,
    }),
  );
}

/** RFC 8628, section 3.4. */
export function pollDevice(access: AuthorisationClient, deviceCode: string): Promise<TokenOutcome> {
  return requestTokens(access, [deviceCode], (options) =>
    oauth.deviceCodeGrantRequest(access.server, access.client, access.proof, deviceCode, {
      ...options,
      additionalParameters: access.rules.tokenParameters,
    }),
  );
}

/** A token without a person: whatever its flow needs is in the connection's settings and the operator's values. */
export function requestWithoutPerson(
  access: AuthorisationClient,
  flow: 'client_credentials' | 'assertion' | 'installation',
): Promise<TokenOutcome> {
  switch (flow) {
    case 'client_credentials':
      return requestTokens(access, [], (options) =>
        oauth.clientCredentialsGrantRequest(
          access.server,
          access.client,
          access.proof,
          { ...scopeParameter(access), ...access.rules.tokenParameters },
          options,
        ),
      );
    case 'assertion':
      return requestByAssertion(access);
    case 'installation':
      return requestForInstallation(access);
    default:
      return flow satisfies never;
  }
}

/** Begins a device flow (RFC 8628, section 3.1). AUTHORISATION_REFUSED, UPSTREAM_FAULT. */
export async function beginDevice(access: AuthorisationClient): Promise<oauth.DeviceAuthorizationResponse> {
  try {
    const parameters = scopeParameter(access);
    const response = await oauth.deviceAuthorizationRequest(access.server, access.client, access.proof, parameters, postOptions(access));
    return await oauth.processDeviceAuthorizationResponse(access.server, access.client, await mended(response, access));
  } catch (error) {
    const outcome = toFailure(error, access, []);
    const reason = 'reason' in outcome ? outcome.reason : 'it answered something else';
    throw new RequestError(
      outcome.kind === 'unavailable' ? 'UPSTREAM_FAULT' : 'AUTHORISATION_REFUSED',
      `The source gave no device code: ${reason}.`,
      {
        remedy: 'Compare the client id, the scopes and whether the client may use the device flow with what the source knows.',
        cause: error,
      },
    );
  }
}

/** What was asked for, as the source wants it written. */
export function scopeParameter({ rules, scopes }: AuthorisationClient): Record<string, string> {
  return scopes.length === 0 ? {} : { [rules.scopeParameter]: scopes.join(rules.scopeSeparator) };
}

/**
 * Tells the source that tokens are worth nothing any more. The refresh token first: with it the source should end all that was
 * made of it (RFC 7009, section 2.1). A grant is deleted by its access token alone. Undefined when it was told, else why not.
 */
export async function revokeTokens(
  access: AuthorisationClient,
  tokens: Pick<GivenTokens, 'access' | 'refresh'>,
): Promise<string | undefined> {
  if (tokens.refresh === undefined || access.rules.revocation === 'delete_grant') return revokeToken(access, tokens.access, 'access_token');
  const refreshed = await revokeToken(access, tokens.refresh, 'refresh_token');
  await revokeToken(access, tokens.access, 'access_token');
  return refreshed;
}

async function revokeToken(
  access: AuthorisationClient,
  token: string,
  kind: 'access_token' | 'refresh_token',
): Promise<string | undefined> {
  const { server, client, proof, rules } = access;
  if (server.revocation_endpoint === undefined) return 'it has no address for that';
  try {
    if (rules.revocation === 'delete_grant') return await deleteGrant(access, server.revocation_endpoint, token);
    const options = { ...postOptions(access), additionalParameters: { token_type_hint: kind } };
    await oauth.processRevocationResponse(await oauth.revocationRequest(server, client, proof, token, options));
    return undefined;
  } catch (error) {
    const outcome = toFailure(error, access, [token]);
    return 'reason' in outcome ? outcome.reason : 'it answered something else';
  }
}

/** As GitHub's "Delete an app authorization" does. */
async function deleteGrant(access: AuthorisationClient, endpoint: string, token: string): Promise<string | undefined> {
  const { client, secrets } = access;
  const response = await access.fetch(endpoint, {
    method: 'DELETE',
    headers: {
      accept: 'application/json',
      'content-type': 'application/json',
      authorization: `Basic ${Buffer.from(`${client.client_id}:${secrets[0] ?? ''}`).toString('base64')}`,
    },
    body: JSON.stringify({ access_token: token }),
  });
  return response.ok ? undefined : `it answered ${response.status}`;
}

/** RFC 7523, section 2.1. Google wants the scopes inside, and nobody to prove anything besides. */
async function requestByAssertion(access: AuthorisationClient): Promise<TokenOutcome> {
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
async function requestForInstallation(access: AuthorisationClient): Promise<TokenOutcome> {
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

/** An empty text says as little as none: the user tokens of GitHub Apps have permissions instead. */
function scopesOf(scope: string | undefined): string[] | undefined {
  const scopes = (scope ?? '').split(/[\s,]+/).filter((one) => one !== '');
  return scopes.length === 0 ? undefined : scopes;
}

async function requestTokens(
  access: AuthorisationClient,
  shown: readonly (string | null)[],
  post: (options: PostOptions) => Promise<Response>,
): Promise<TokenOutcome> {
  try {
    const original = await post(postOptions(access));
    const body = await jsonOf(original);
    const response = mend(original, body, access);
    const { access_token, refresh_token, expires_in, scope } = await oauth.processGenericTokenEndpointResponse(
      access.server,
      access.client,
      response,
    );
    return {
      kind: 'tokens',
      tokens: {
        access: access_token,
        refresh: refresh_token,
        lifetimeMs: expires_in === undefined ? undefined : expires_in * 1_000,
        scopes: scopesOf(scope),
        account: accountOf(body),
      },
    };
  } catch (error) {
    return toFailure(error, access, shown);
  }
}

/** The origin was granted letter by letter, plain http included: `authorisation-fetch.ts` decides. */
function postOptions(access: AuthorisationClient): PostOptions {
  return {
    [oauth.allowInsecureRequests]: true,
    [oauth.customFetch]: (url, { method, headers, body, signal }) => access.fetch(url, { method, headers, body: body.toString(), signal }),
  };
}

async function mended(response: Response, access: AuthorisationClient): Promise<Response> {
  return mend(response, await jsonOf(response), access);
}

async function jsonOf(response: Response): Promise<JsonObject | undefined> {
  try {
    const body: unknown = await response.clone().json();
    return isJsonObject(body) ? body : undefined;
  } catch {
    return undefined;
  }
}

/** Brings what sources answer to the shape of RFC 6749: errors that come as a 200, tokens inside another object, types of their own. */
function mend(response: Response, body: JsonObject | undefined, { rules }: AuthorisationClient): Response {
  if (body === undefined) return response;
  if (typeof body.error === 'string' && response.ok) return toJsonResponse({ ...body, error: body.error }, 400);
  if (!response.ok) return response;
  const [outermost] = rules.tokenAt;
  // Slack gives a refreshed token of a person at the top, where it gives that of a bot at first.
  const inner =
    outermost === undefined || !(outermost in body)
      ? body
      : rules.tokenAt.reduce<unknown>((value, key) => (isJsonObject(value) ? value[key] : undefined), body);
  // An id token is not asked for and not relied on; its issuer differs from the server's where tenants share one.
  const { id_token: _, expires_in: seconds, scope, ...rest } = isJsonObject(inner) ? inner : {};
  const lifetime = typeof seconds === 'string' ? Number(seconds) : seconds;
  return toJsonResponse(
    {
      ...rest,
      token_type: 'bearer',
      ...(typeof lifetime === 'number' && lifetime > 0 ? { expires_in: lifetime } : {}),
      ...(typeof scope === 'string' ? { scope } : {}),
    },
    200,
  );
}

function toJsonResponse(body: JsonObject, status: number): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } });
}

/** A name for people, from what came straight from the token endpoint (OpenID Connect Core, section 3.1.3.7, point 6). */
function accountOf(body: JsonObject | undefined): string | undefined {
  const [, payload = ''] = typeof body?.id_token === 'string' ? body.id_token.split('.') : [];
  const claims = parseJson(Buffer.from(payload, 'base64url').toString('utf8'));
  const team = isJsonObject(body?.team) ? body.team.name : undefined;
  const found = [claims?.email, claims?.preferred_username, claims?.name, team].find((name) => typeof name === 'string' && name !== '');
  return typeof found === 'string' ? plainText(found, 200) : undefined;
}

function parseJson(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

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

function toFailure(error: unknown, { secrets }: AuthorisationClient, shown: readonly (string | null)[]): TokenOutcome {
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
