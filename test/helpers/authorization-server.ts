import type { KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { jwtVerify } from 'jose';
import { Provider, type Configuration } from 'oidc-provider';
import { freePort } from './free-port.ts';

/** A real authorization server on loopback, whose only person agrees to everything. */
export interface AuthorizationServer {
  issuer: string;
  provider: Provider;
  /** Who signs in. `ACCOUNT` at first. */
  account: string;
  /** Of tokens that it gives from now on. */
  accessTokenSeconds: number;
  /** Requests to the token endpoint, with what each of them asked for. */
  tokenRequests: string[];
  /** Called with the body of each successful answer of the token endpoint before it is sent: whatever it waits for, waits. */
  onTokenAnswer(work: () => Promise<void> | void): void;
  /** As its administrator would: no refresh token is worth anything any more. */
  forgetGrants(): Promise<void>;
  /** Nobody answers at its address while this goes on. */
  away(work: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

export const CLIENT = { id: 'the-client', secret: 'canary-client-secret-5b1d' };
export const ACCOUNT = 'ada';

export interface AuthorizationServerOptions {
  redirectUris: string[];
  accessTokenSeconds?: number;
  clients?: Configuration['clients'];
  /** Whether a refresh token is good once, and a second use ends all that came of it. When left out: so it is. */
  rotates?: boolean;
  /** Scopes that the person does not agree to. */
  unticked?: string[];
  /** Takes assertions (RFC 7523) that are signed with the private half of this key. */
  assertions?: { publicKey: KeyObject; audience: () => string };
}

export async function startAuthorizationServer(options: AuthorizationServerOptions): Promise<AuthorizationServer> {
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const provider = new Provider(
    issuer,
    configuration(options, () => started.accessTokenSeconds),
  );
  // Its warnings are about production.
  provider.on(
    'server_error',
    (_context: unknown, error: Error) => void process.stderr.write(`oidc-provider: ${error.stack ?? error.message}\n`),
  );
  const tokenRequests: string[] = [];
  const tokens: { destroy(): Promise<unknown> }[] = [];
  provider.on('refresh_token.saved', (token) => void tokens.push(token));
  let hold: (() => Promise<void> | void) | undefined;
  const assertionType = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
  if (options.assertions !== undefined)
    provider.registerGrantType(assertionType, assertionGrant(options.assertions), ['assertion', 'scope']);
  provider.use(async (context, next) => {
    await next();
    if (context.path !== '/token' || context.method !== 'POST') return;
    const body: unknown = context.oidc?.params;
    tokenRequests.push(typeof body === 'object' && body !== null && 'grant_type' in body ? String(body.grant_type) : '?');
    if (context.status === 200) await hold?.();
  });
  const callback = provider.callback();
  const server = createServer((request, response) => {
    const agreed = (request.url ?? '').startsWith('/interaction/')
      ? agree(provider, { ...options, account: started.account }, request, response)
      : callback(request, response);
    Promise.resolve(agreed).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const started: AuthorizationServer = {
    issuer,
    provider,
    account: ACCOUNT,
    accessTokenSeconds: options.accessTokenSeconds ?? 3_600,
    tokenRequests,
    onTokenAnswer(work) {
      hold = work;
    },
    async forgetGrants() {
      await Promise.all(tokens.splice(0).map((token) => token.destroy()));
    },
    async away(work) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      try {
        await work();
      } finally {
        server.listen(port, '127.0.0.1');
        await once(server, 'listening');
      }
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return started;
}

function configuration(
  { redirectUris, clients, rotates = true }: AuthorizationServerOptions,
  accessTokenSeconds: () => number,
): Configuration {
  return {
    clients: clients ?? [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        redirect_uris: redirectUris,
        token_endpoint_auth_method: 'client_secret_post',
        grant_types: ['authorization_code', 'refresh_token', 'client_credentials', 'urn:ietf:params:oauth:grant-type:device_code'],
      },
    ],
    scopes: ['openid', 'offline_access', 'read', 'write'],
    claims: { openid: ['sub', 'email'] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    rotateRefreshToken: rotates,
    issueRefreshToken: async (_context, client, code) =>
      client.grantTypeAllowed('refresh_token') &&
      (code.kind === 'DeviceCode' || code.scopes.has('offline_access') || code.scopes.has('read')),
    ttl: {
      AccessToken: accessTokenSeconds,
      ClientCredentials: accessTokenSeconds,
      RefreshToken: 86_400,
      AuthorizationCode: 60,
      DeviceCode: 600,
      Grant: 86_400,
      Interaction: 600,
      Session: 86_400,
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      revocation: { enabled: true },
      introspection: { enabled: true },
      deviceFlow: {
        enabled: true,
        mask: '****-****',
        userCodeInputSource: (context, form) => void (context.body = `<html>${form}</html>`),
        userCodeConfirmSource: (context, form) => void (context.body = `<html>${form}</html>`),
        successSource: (context) => void (context.body = 'agreed'),
      },
    },
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, email: `${id}@acme.example` }) }),
    cookies: { keys: ['a key for tests'] },
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
  };
}

/** What a source with service accounts does: looks at the signature and the claims, and gives a token for the subject. */
function assertionGrant({
  publicKey,
  audience,
}: NonNullable<AuthorizationServerOptions['assertions']>): Parameters<Provider['registerGrantType']>[1] {
  return async (context) => {
    const { payload } = await jwtVerify(String(context.oidc.params?.assertion), publicKey, {
      audience: audience(),
      requiredClaims: ['iss', 'exp', 'iat'],
    });
    context.body = {
      access_token: `for ${String(payload.sub)} by ${String(payload.iss)}`,
      token_type: 'Bearer',
      expires_in: 3600,
      scope: payload.scope,
    };
  };
}

/** Signs the person in and agrees, as its pages would be made to. */
async function agree(
  provider: Provider,
  { unticked = [], account }: AuthorizationServerOptions & { account: string },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
  if (prompt.name === 'login') return provider.interactionFinished(request, response, { login: { accountId: account } });
  const grant =
    (grantId === undefined ? undefined : await provider.Grant.find(grantId)) ??
    new provider.Grant({ accountId: session?.accountId ?? account, clientId: String(params.client_id) });
  const asked = String(params.scope ?? '').split(' ');
  grant.addOIDCScope(asked.filter((scope) => !unticked.includes(scope)).join(' '));
  for (const scope of asked.filter((one) => unticked.includes(one))) grant.rejectOIDCScope(scope);
  return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } }, { mergeWithLastSubmission: true });
}
