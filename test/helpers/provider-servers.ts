import { createHash, createPublicKey, randomBytes, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { decodeProtectedHeader, jwtVerify } from 'jose';
import { CLIENT } from './authorization-server.ts';

/** What a real source does that no emulator at hand does, as far as its documentation says. */
export interface ProviderServer {
  origin: string;
  /** Requests for tokens, and what became of each. */
  asked: string[];
  close(): Promise<void>;
}

interface Incoming {
  method: string;
  url: URL;
  headers: IncomingMessage['headers'];
  text: string;
}

type Answer = { status?: number; json?: unknown; location?: string };

async function serve(answer: (request: Incoming) => Promise<Answer> | Answer): Promise<Pick<ProviderServer, 'origin' | 'close'>> {
  const server = createServer((request, response) => {
    void handle(request, response, answer).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new TypeError('it listens on a port');
  return {
    origin: `http://127.0.0.1:${address.port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function handle(request: IncomingMessage, response: ServerResponse, answer: (request: Incoming) => Promise<Answer> | Answer) {
  let text = '';
  for await (const piece of request) text += String(piece);
  const { method = '', headers } = request;
  const { status = 200, json, location } = await answer({ method, headers, text, url: new URL(request.url ?? '/', 'http://127.0.0.1') });
  if (location !== undefined) response.writeHead(302, { location }).end();
  else if (json === undefined) response.writeHead(status).end();
  else response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
}

const random = (): string => randomBytes(18).toString('base64url');
const bearerOf = (headers: IncomingMessage['headers']): string => headers.authorization?.replace(/^Bearer /, '') ?? '';
/** RFC 7636: the verifier of a code. */
const challengeOf = (verifier: string): string => createHash('sha256').update(verifier).digest('base64url');

/** Sends a browser back with a code, whose person has agreed before. */
function codes(): { give(asked: URLSearchParams): string; take(form: URLSearchParams): URLSearchParams | undefined } {
  const given = new Map<string, URLSearchParams>();
  return {
    give(asked) {
      const code = random();
      given.set(code, asked);
      const back = new URL(asked.get('redirect_uri') ?? '');
      back.searchParams.set('code', code);
      back.searchParams.set('state', asked.get('state') ?? '');
      return back.href;
    },
    take(form) {
      const code = form.get('code') ?? '';
      const asked = given.get(code);
      given.delete(code);
      const fits =
        asked?.get('redirect_uri') === form.get('redirect_uri') &&
        asked.get('code_challenge') === challengeOf(form.get('code_verifier') ?? '');
      return fits ? asked : undefined;
    },
  };
}

export interface ExpiringServer extends ProviderServer {
  /** The access tokens that are good now grow old. */
  expire(): void;
}

export interface SlackServer extends ExpiringServer {
  /** It takes no refresh token any more. */
  forget(): void;
}

/**
 * Slack with token rotation (docs: "Token rotation"): access tokens live twelve hours, a refresh token is good once, a person's
 * tokens are in `authed_user` at first and at the top when refreshed, and errors come as a 200.
 */
export async function startSlack({ lifetimeSeconds = 43_200 }: { lifetimeSeconds?: number } = {}): Promise<SlackServer> {
  const asked: string[] = [];
  const good = new Set<string>();
  const refresh = new Map<string, 'user' | 'bot'>();
  const { give, take } = codes();
  const tokensFor = (kind: 'user' | 'bot') => {
    const [accessToken, refreshToken] = [`xoxe.${kind === 'user' ? 'xoxp' : 'xoxb'}-1-${random()}`, `xoxe-1-${random()}`];
    good.add(accessToken);
    refresh.set(refreshToken, kind);
    return { access_token: accessToken, refresh_token: refreshToken, expires_in: lifetimeSeconds, token_type: kind };
  };
  const team = { id: 'T0001', name: 'Acme' };

  function access(form: URLSearchParams): object {
    if (form.get('client_id') !== CLIENT.id || form.get('client_secret') !== CLIENT.secret)
      return { ok: false, error: 'bad_client_secret' };
    if (form.get('grant_type') === 'refresh_token') {
      const given = form.get('refresh_token') ?? '';
      const kind = refresh.get(given);
      if (kind === undefined) return { ok: false, error: 'invalid_refresh_token' };
      refresh.delete(given);
      return { ok: true, ...tokensFor(kind), scope: 'search:read', app_id: 'A1', team };
    }
    const wanted = take(form);
    if (wanted === undefined) return { ok: false, error: 'invalid_code' };
    const scope = wanted.get('user_scope');
    if (scope === null) return { ok: true, app_id: 'A1', ...tokensFor('bot'), scope: wanted.get('scope'), bot_user_id: 'U1', team };
    return { ok: true, app_id: 'A1', authed_user: { id: 'U1', scope, ...tokensFor('user') }, team, enterprise: null };
  }

  const server = await serve(({ url, headers, text }) => {
    if (url.pathname === '/oauth/v2/authorize') return { location: give(url.searchParams) };
    if (url.pathname === '/api/oauth.v2.access') {
      const form = new URLSearchParams(text);
      const json = access(form);
      asked.push(`${form.get('grant_type') ?? 'code'} ${'error' in json ? String(json.error) : 'ok'}`);
      return { json };
    }
    return good.has(bearerOf(headers)) ? { json: { ok: true } } : { status: 401, json: { ok: false, error: 'token_expired' } };
  });
  return { ...server, asked, expire: () => good.clear(), forget: () => refresh.clear() };
}

/**
 * Microsoft's token endpoint of one tenant, for a client that proves itself by its certificate (docs: "Microsoft identity platform
 * application authentication certificate credentials"): an assertion with the certificate's thumbprint, for this very endpoint, once.
 */
export async function startMicrosoft(options: { tenant: string; clientId: string; certificatePem: string }): Promise<ExpiringServer> {
  const { tenant, clientId, certificatePem } = options;
  const asked: string[] = [];
  const certificate = new X509Certificate(certificatePem);
  const thumbprint = createHash('sha256').update(certificate.raw).digest('base64url');
  const seen = new Set<string>();
  const good = new Set<string>();
  const refresh = new Set<string>();
  const { give, take } = codes();

  async function refusal(form: URLSearchParams): Promise<string | undefined> {
    const assertion = form.get('client_assertion') ?? '';
    if (form.get('client_assertion_type') !== 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' || form.has('client_secret'))
      return 'AADSTS7000218: no assertion';
    if (decodeProtectedHeader(assertion)['x5t#S256'] !== thumbprint)
      return 'AADSTS700027: the thumbprint is of no certificate of the client';
    try {
      const { payload } = await jwtVerify(assertion, createPublicKey(certificatePem), {
        audience: `${server.origin}/${tenant}/oauth2/v2.0/token`,
        issuer: clientId,
        subject: clientId,
        algorithms: ['PS256', 'RS256'],
        requiredClaims: ['exp', 'jti'],
        maxTokenAge: '15 min',
      });
      if (seen.has(payload.jti ?? '')) return 'AADSTS700024: the assertion has been used';
      seen.add(payload.jti ?? '');
      return undefined;
    } catch (error) {
      return `AADSTS700027: ${String(error)}`;
    }
  }

  const server = await serve(async ({ url, headers, text }) => {
    if (url.pathname === `/${tenant}/oauth2/v2.0/authorize`) return { location: give(url.searchParams) };
    if (url.pathname !== `/${tenant}/oauth2/v2.0/token`) return { status: good.has(bearerOf(headers)) ? 200 : 401, json: {} };
    const form = new URLSearchParams(text);
    const refused = await refusal(form);
    const grant = form.get('grant_type') ?? '';
    asked.push(`${grant} ${refused ?? 'ok'}`);
    if (refused !== undefined) return { status: 401, json: { error: 'invalid_client', error_description: refused } };
    const known =
      grant === 'client_credentials' || (grant === 'refresh_token' ? refresh.delete(form.get('refresh_token') ?? '') : take(form));
    if (known === false || known === undefined) return { status: 400, json: { error: 'invalid_grant' } };
    const more = grant === 'client_credentials' ? {} : { refresh_token: random() };
    if (more.refresh_token !== undefined) refresh.add(more.refresh_token);
    const token = `eyJ-${random()}`;
    good.add(token);
    return { json: { token_type: 'Bearer', expires_in: 3_599, ext_expires_in: 3_599, access_token: token, ...more } };
  });
  return { ...server, asked, expire: () => good.clear() };
}

/**
 * GitHub's OAuth with "Delete an app authorization" (docs: REST API, OAuth apps): by DELETE with the client's name and password and
 * a token of the person in the body; afterwards no token of theirs is good. It answers nobody without a `User-Agent`.
 */
export async function startGitHub({ rotates = false }: { rotates?: boolean } = {}): Promise<
  ProviderServer & { isGood(token: string): boolean }
> {
  const asked: string[] = [];
  const good = new Set<string>();
  const { give, take } = codes();
  const basic = `Basic ${Buffer.from(`${CLIENT.id}:${CLIENT.secret}`).toString('base64')}`;

  const server = await serve(({ method, url, headers, text }) => {
    if (headers['user-agent'] === undefined) return { status: 403 };
    if (url.pathname === '/login/oauth/authorize') return { location: give(url.searchParams) };
    if (url.pathname === '/login/oauth/access_token') {
      if (take(new URLSearchParams(text)) === undefined) return { json: { error: 'bad_verification_code' } };
      const token = `gho_${random()}`;
      good.add(token);
      const more = rotates ? { refresh_token: `ghr_${random()}`, expires_in: 28_800, refresh_token_expires_in: 15_811_200 } : {};
      return { json: { access_token: token, token_type: 'bearer', scope: 'repo,read:org', ...more } };
    }
    if (url.pathname.startsWith('/api/v3/applications/')) return deleteGrant(method, url, headers, text);
    return { status: good.has(bearerOf(headers)) ? 200 : 401, json: [] };
  });

  function deleteGrant(method: string, url: URL, headers: IncomingMessage['headers'], text: string): Answer {
    const ends = method === 'DELETE' && url.pathname === `/api/v3/applications/${CLIENT.id}/grant` && url.search === '';
    const body: unknown = JSON.parse(text);
    const token = typeof body === 'object' && body !== null && 'access_token' in body ? String(body.access_token) : '';
    const status = !ends || headers.authorization !== basic ? 404 : good.has(token) ? 204 : 422;
    asked.push(`${method} ${url.pathname} ${status}`);
    if (status === 204) good.clear();
    return { status };
  }

  return { ...server, asked, isGood: (token) => good.has(token) };
}
