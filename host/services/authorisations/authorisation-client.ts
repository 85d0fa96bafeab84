import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import * as oauth from 'oauth4webapi';
import { type AuthorisationFetch, createAuthorisationFetch } from '../../capabilities/authorisation-fetch.ts';
import { type AuthorisationRules, endpointsFor, type Endpoints, type Flow } from '../../domain/authorisation.ts';
import { RequestError } from '../../domain/errors.ts';
import type { Grant } from '../../domain/grant.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import type { AuditRecorder } from '../record/audit-recorder.ts';
import { ConnectionRecord } from '../connections/connection-record.ts';

/** All that a request for tokens of one connection needs. */
export interface AuthorisationClient {
  rules: AuthorisationRules;
  server: oauth.AuthorizationServer;
  client: oauth.Client;
  proof: oauth.ClientAuth;
  /** The secrets among it, to be taken out of whatever the server says. */
  secrets: string[];
  /** Signs assertions and JWTs of an app; undefined where there is no key. */
  signer: Signer | undefined;
  fetch: AuthorisationFetch;
  installationEndpoint: string | undefined;
  config: JsonObject;
  scopes: string[];
}

/** A private key with what is to be said of it. */
export interface Signer {
  key: KeyObject;
  /** `iss` of what it signs. */
  issuer: string | undefined;
  header: { kid?: string; 'x5t#S256'?: string };
}

/** A connection with what its datasource says and was granted. */
export interface AuthorisationTarget {
  connection: { id: string; organisation: string; name: string; config: JsonObject };
  datasource: { name: string; grant: Grant; manifest: { auth: { requiredScopes: string[]; oauth?: AuthorisationRules } } };
}

/**
 * Puts rules, settings and the operator's values together and finds the server's endpoints. AUTHORISATION_UNSUPPORTED,
 * CREDENTIAL_MISSING for a value that is not set, INVALID_CONFIG; UPSTREAM_FAULT when the issuer's metadata cannot be had.
 */
export async function openAuthorisationClient(
  target: AuthorisationTarget,
  flow: Flow,
  values: ReadonlyMap<string, string>,
  recorder: AuditRecorder,
): Promise<AuthorisationClient> {
  const { connection, datasource } = target;
  const rules = rulesOf(target);
  const record = new ConnectionRecord(recorder, connection, datasource);
  const fetch = createAuthorisationFetch({
    grant: datasource.grant,
    datasource: datasource.name,
    onRecord: (request) => record.addRequest(request),
  });
  // Each flow needs some of the values: who uses one flow only has not set those of the others.
  const byKey = flow === 'assertion' || flow === 'installation';
  const need = (name: string | undefined): string | undefined =>
    name === undefined || byKey ? values.get(name ?? '') : valueOf(values, name, datasource.name);
  const proves = rules.clientAuthentication === 'post' || rules.clientAuthentication === 'basic';
  const secret = proves ? need(rules.client.secret) : undefined;
  const signs = byKey || rules.clientAuthentication === 'key';
  const signer = signs && rules.client.key !== undefined ? signerOf(rules, values, datasource.name) : undefined;
  // An app and a service account are known by their key alone.
  const id = need(rules.client.id) ?? signer?.issuer;
  const endpoints = endpointsFor(rules, flow, { ...connection.config, ...(id === undefined ? {} : { client_id: id }) });
  const server = await serverOf(endpoints, rules, fetch);
  return {
    rules,
    server,
    client: { client_id: id ?? datasource.name },
    proof: proofOf(rules, secret, signer, server),
    secrets: secret === undefined ? [] : [secret],
    signer,
    fetch,
    installationEndpoint: endpoints.installation,
    config: connection.config,
    scopes: [...new Set([...datasource.manifest.auth.requiredScopes, ...rules.extraScopes])],
  };
}

/** AUTHORISATION_UNSUPPORTED. */
export function rulesOf({ datasource }: AuthorisationTarget): AuthorisationRules {
  const { oauth: rules } = datasource.manifest.auth;
  if (rules !== undefined) return rules;
  throw new RequestError('AUTHORISATION_UNSUPPORTED', `The datasource ${datasource.name} does not say how it could be authorised.`, {
    remedy: 'Set the credential of the connection by hand.',
  });
}

function valueOf(values: ReadonlyMap<string, string>, name: string, datasource: string): string {
  const value = values.get(name);
  if (value !== undefined) return value;
  throw new RequestError('CREDENTIAL_MISSING', `The value of ${name} is not set, and ${datasource} cannot be authorised without.`, {
    remedy: `Set it with: datasources variable ${datasource} ${name} --value-stdin`,
  });
}

/** Reads PEM (PKCS#8 or PKCS#1) or the JSON file of a Google service account. */
function signerOf(rules: AuthorisationRules, values: ReadonlyMap<string, string>, datasource: string): Signer {
  const name = rules.client.key ?? '';
  const text = valueOf(values, name, datasource);
  const account = text.trimStart().startsWith('{') ? parseAccount(text) : undefined;
  const { assertionIssuer, id } = rules.client;
  const issuer =
    assertionIssuer === undefined
      ? (account?.issuer ?? (id === undefined ? undefined : values.get(id)))
      : valueOf(values, assertionIssuer, datasource);
  const certificate = rules.client.certificate === undefined ? undefined : valueOf(values, rules.client.certificate, datasource);
  try {
    return {
      key: createPrivateKey(account?.key ?? text),
      issuer,
      header: {
        ...(account?.keyId === undefined ? {} : { kid: account.keyId }),
        ...(certificate === undefined
          ? {}
          : { 'x5t#S256': createHash('sha256').update(new X509Certificate(certificate).raw).digest('base64url') }),
      },
    };
  } catch {
    // What the library says of a key may hold some of it.
    throw new RequestError('CREDENTIAL_MISSING', `The value of ${name} is no private key, or its certificate is none.`, {
      remedy: `Set it again: PEM, or the JSON file of a service account: datasources variable ${datasource} ${name} --value-file FILE`,
    });
  }
}

function parseAccount(text: string): { issuer: string; key: string; keyId: string | undefined } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isJsonObject(value)) return undefined;
    const { client_email: issuer, private_key: key, private_key_id: keyId } = value;
    if (typeof issuer !== 'string' || typeof key !== 'string') return undefined;
    return { issuer, key, keyId: typeof keyId === 'string' ? keyId : undefined };
  } catch {
    return undefined;
  }
}

function proofOf(
  rules: AuthorisationRules,
  secret: string | undefined,
  signer: Signer | undefined,
  server: oauth.AuthorizationServer,
): oauth.ClientAuth {
  if (rules.clientAuthentication === 'key' && signer !== undefined) return keyProof(signer, server);
  if (secret === undefined) return oauth.None();
  return rules.clientAuthentication === 'basic' ? oauth.ClientSecretBasic(secret) : oauth.ClientSecretPost(secret);
}

/** RFC 7523, section 2.2, with the token endpoint as audience, which servers older than RFC 7523bis insist on. */
function keyProof({ key, header }: Signer, server: oauth.AuthorizationServer): oauth.ClientAuth {
  return async (as, client, body, headers) => {
    const imported = await toCryptoKey(key);
    const sign = oauth.PrivateKeyJwt(imported, {
      [oauth.modifyAssertion](assertionHeader, payload) {
        Object.assign(assertionHeader, header);
        payload.aud = server.token_endpoint ?? server.issuer;
      },
    });
    await sign(as, client, body, headers);
  };
}

function toCryptoKey(key: KeyObject): Promise<CryptoKey> {
  const der = key.export({ format: 'der', type: 'pkcs8' });
  const algorithm =
    key.asymmetricKeyType === 'ec' ? { name: 'ECDSA', namedCurve: 'P-256' } : { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  return crypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
}

/** What the manifest names, and the rest from the issuer's metadata. */
async function serverOf(endpoints: Endpoints, rules: AuthorisationRules, fetch: AuthorisationFetch): Promise<oauth.AuthorizationServer> {
  const { issuer, authorization, token, device, revocation, installation } = endpoints;
  const named = {
    ...(authorization === undefined ? {} : { authorization_endpoint: authorization }),
    ...(token === undefined ? {} : { token_endpoint: token }),
    ...(device === undefined ? {} : { device_authorization_endpoint: device }),
    ...(revocation === undefined ? {} : { revocation_endpoint: revocation }),
  };
  const complete =
    (token !== undefined && (authorization !== undefined || !rules.flows.includes('code'))) ||
    (token === undefined && installation !== undefined);
  if (issuer === undefined || complete) return { issuer: issuer ?? new URL(authorization ?? token ?? installation ?? '').origin, ...named };
  return { ...(await discover(new URL(issuer), fetch)), ...named };
}

/** OpenID Connect Discovery, then RFC 8414. The metadata must be of this issuer. */
async function discover(issuer: URL, fetch: AuthorisationFetch): Promise<oauth.AuthorizationServer> {
  const options = {
    [oauth.allowInsecureRequests]: true,
    [oauth.customFetch]: (url: string, init: oauth.CustomFetchOptions<'GET'>) =>
      fetch(url, { method: init.method, headers: init.headers, signal: init.signal }),
  };
  let cause: unknown;
  for (const algorithm of ['oidc', 'oauth2'] as const) {
    try {
      return await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { ...options, algorithm }));
    } catch (error) {
      cause = error;
    }
  }
  const why = cause instanceof Error && cause.name.startsWith('Authorisation') ? `: ${cause.message}` : '';
  throw new RequestError('UPSTREAM_FAULT', `The metadata of the authorization server ${issuer.origin} cannot be read${why}.`, {
    remedy: 'Try again later; if it stays, tell the author of the datasource.',
    cause,
  });
}
