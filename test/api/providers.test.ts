import { generateKeyPairSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createEmulator } from 'emulate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEMO_REPOSITORY, demoSeed, seedDemoRepository } from '../../scripts/demo/seed-repository.ts';
import { COMMAND_LINE } from '../../host/domain/caller.ts';
import { type Api, openApi } from '../helpers/api.ts';
import { CLIENT, startAuthorizationServer } from '../helpers/authorization-server.ts';
import { openBrowser } from '../helpers/browser.ts';
import { componentFile } from '../helpers/components.ts';
import { freePort } from '../helpers/free-port.ts';
import { installOAuthProbe, loopbackGrant, type OAuthManifest } from '../helpers/oauth-datasource.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';
import { visitor } from '../helpers/visitor.ts';

const PUBLIC_URL = 'http://127.0.0.1:8799';
const REDIRECT_URI = `${PUBLIC_URL}/api/v1/authorisations/callback`;
const CLIENT_OF = { client_id: 'the-client', client_secret: 'secret-of-the-client', redirect_uris: [REDIRECT_URI] };
const VALUES = { CLIENT_ID: CLIENT_OF.client_id, CLIENT_SECRET: CLIENT_OF.client_secret };

type Seed = Record<string, object>;
type Service = 'github' | 'google' | 'slack' | 'microsoft';

let api: Api;
/** Sees the credential that the broker attaches. */
let source: Upstream;

beforeAll(async () => {
  api = await openApi({ LORELAI_PUBLIC_URL: PUBLIC_URL });
  source = await startUpstream((_, response) => response.end('{}'));
});

afterAll(async () => {
  await api.close();
  await source.close();
});

async function emulated<T>(service: Service, seed: Seed, work: (url: string, secrets: Map<string, string>) => Promise<T>): Promise<T> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const emulator = await createEmulator({ service, port, hostname: '127.0.0.1', baseUrl: url, seed: { ...seed } });
  try {
    return await work(url, new Map(emulator.generatedSecrets.map(({ id, value }) => [id, value])));
  } finally {
    await emulator.close();
  }
}

const addressOf = (id: string): string => `/api/v1/connections/${id}/authorisation`;

async function install(url: string, manifest: OAuthManifest, values: Record<string, string> = VALUES): Promise<void> {
  await installOAuthProbe(api.services, manifest, loopbackGrant({ http: [source.origin], authorisation: [url] }), values);
}

async function connect(url: string, config: Record<string, unknown> = {}): Promise<string> {
  const steps = [{ do: 'http', url: `${source.origin}/` }];
  const made = await api.call('POST', '/api/v1/connections', {
    datasource: 'probe',
    config: { auth_url: url, base_url: source.origin, steps, ...config },
  });
  if (made.status !== 201) throw new Error(JSON.stringify(made.body));
  return made.body.id;
}

/** Picks the first account that the provider's own page offers, and comes back. */
async function agree(id: string, url: string): Promise<{ asked: URLSearchParams; page: string }> {
  const begun = await api.call('POST', addressOf(id), {});
  if (begun.status !== 200) throw new Error(JSON.stringify(begun.body));
  const person = visitor(api.request);
  const address = await person.goOn(begun.body.attempt.authorizationUrl);
  const browser = openBrowser();
  const page = await browser.read(address);
  const form = /<form[^>]*action="([^"]+)"[^>]*>(.*?)<\/form>/s.exec(page);
  const fields = [...(form?.[2] ?? '').matchAll(/name="([^"]+)" value="([^"]*)"/g)].map(([, name = '', value = '']) => [
    name,
    unescaped(value),
  ]);
  const back = await browser.submit(`${url}${form?.[1] ?? ''}`, Object.fromEntries(fields), REDIRECT_URI);
  return { asked: new URL(address).searchParams, page: await person.comeBack(back) };
}

function unescaped(text: string): string {
  return text.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}

/** What the broker attaches in a run of the connection. */
async function attached(id: string): Promise<string | undefined> {
  const begun = await api.call('POST', `/api/v1/connections/${id}/runs`, {});
  await api.work();
  expect((await api.call('GET', `/api/v1/runs/${begun.body.id}`)).body).toMatchObject({ state: 'succeeded' });
  return source.requests.at(-1)?.headers.authorization;
}

describe('GitHub', () => {
  it('authorises its datasource, which then indexes a repository with the token', async () => {
    const seed = demoSeed();
    const github = { ...seed.github, oauth_apps: [{ ...CLIENT_OF, name: 'Lorelai' }] };
    await emulated('github', { ...seed, github }, async (url) => {
      await seedDemoRepository(url);
      const component = new Uint8Array(await readFile(componentFile('github')));
      await api.services.registry.install(component, loopbackGrant({ http: [url], authorisation: [url] }), COMMAND_LINE);
      const values = { GITHUB_CLIENT_ID: CLIENT_OF.client_id, GITHUB_CLIENT_SECRET: CLIENT_OF.client_secret };
      await api.call('PATCH', '/api/v1/datasources/github/host-variables', { values });
      const { body: made } = await api.call('POST', '/api/v1/connections', {
        datasource: 'github',
        config: { base_url: url, repositories: [DEMO_REPOSITORY] },
      });
      const { asked, page } = await agree(made.id, url);
      expect(page).toContain('Authorised');
      expect(asked.get('scope')).toBe('repo read:org');
      expect((await api.call('GET', addressOf(made.id))).body).toMatchObject({ state: 'active', scopes: ['repo', 'read:org'] });
      await api.call('POST', `/api/v1/connections/${made.id}/runs`, { features: ['issue_tracking'] });
      await api.work();
      expect((await api.call('GET', `/api/v1/connections/${made.id}`)).body.documents).toBeGreaterThan(3);
    });
  });

  it('gives the token of an installation for a JWT of the app, and a fresh one when it has grown old', async () => {
    const app = { app_id: 12_345, slug: 'lorelai', name: 'Lorelai', installations: [{ installation_id: 100, account: 'octocat' }] };
    await emulated('github', { github: { users: [{ login: 'octocat' }], apps: [app] } }, async (url, secrets) => {
      const oauth = {
        flows: ['installation'],
        installation_endpoint: '{auth_url.origin}/app/installations/{installation_id}/access_tokens',
        client_key: 'APP_KEY',
        assertion_issuer: 'APP_ID',
      };
      const key = secrets.get('12345') ?? '';
      expect(key).toContain('BEGIN RSA PRIVATE KEY');
      const manifest = { oauth, env_vars: ['APP_KEY', 'APP_ID'] };
      await install(url, manifest, { APP_KEY: key, APP_ID: '12345' });
      const id = await connect(url, { installation_id: '100' });
      const { body } = await api.call('POST', addressOf(id), {});
      expect(body).toMatchObject({ state: 'active', flow: 'installation' });
      expect(Date.parse(body.expiresAt) - Date.now()).toBeGreaterThan(3_000_000);
      expect(await attached(id)).toMatch(/^Bearer ghs_/);
      const absent = await api.call('POST', addressOf(await connect(url, { installation_id: '999' })), {});
      expect(absent.body).toMatchObject({ code: 'AUTHORISATION_REFUSED' });
      const escaping = await api.call('POST', addressOf(await connect(url, { installation_id: '../../user' })), {});
      expect(escaping.body).toMatchObject({ code: 'INVALID_CONFIG' });
    });
  });
});

describe('Google', () => {
  it('is asked for offline access, and names the account', async () => {
    const seed = { google: { users: [{ email: 'ada@acme.example', name: 'Ada' }], oauth_clients: [CLIENT_OF] } };
    await emulated('google', seed, async (url) => {
      const scope = 'https://www.googleapis.com/auth/drive.readonly';
      const oauth = {
        issuer: '{auth_url.origin}',
        client_id: 'CLIENT_ID',
        client_secret: 'CLIENT_SECRET',
        extra_scopes: ['openid', 'email'],
        authorization_parameters: { access_type: 'offline', prompt: 'consent', include_granted_scopes: 'false' },
      };
      await install(url, { required_scopes: [scope], oauth });
      const id = await connect(url);
      const { asked, page } = await agree(id, url);
      expect(page).toContain('Authorised');
      expect(asked.get('access_type')).toBe('offline');
      const { body } = await api.call('GET', addressOf(id));
      expect(body).toMatchObject({ state: 'active', account: 'testuser@gmail.com' });
      expect(body.scopes).toContain(scope);
      expect(await attached(id)).toMatch(/^Bearer google_/);
      expect((await api.call('POST', `/api/v1/connections/${id}/revoke`)).body.atSource).toEqual({ outcome: 'revoked' });
    });
  });
});

describe('Slack', () => {
  const app = {
    ...CLIENT_OF,
    app_id: 'A000000001',
    name: 'Lorelai',
    scopes: ['channels:read', 'users:read'],
    user_scopes: ['search:read', 'users:read'],
  };
  const seed = {
    slack: { team: { name: 'Acme', domain: 'acme' }, users: [{ name: 'ada', email: 'ada@acme.example' }], oauth_apps: [app] },
  };
  const endpoints = {
    authorization_endpoint: '{auth_url.origin}/oauth/v2/authorize',
    token_endpoint: '{auth_url.origin}/api/oauth.v2.access',
    client_id: 'CLIENT_ID',
    client_secret: 'CLIENT_SECRET',
    scope_separator: ',',
  };

  it('gives the token of a person, which lies inside the answer', async () => {
    await emulated('slack', seed, async (url) => {
      const oauth = { ...endpoints, scope_parameter: 'user_scope', token_at: '/authed_user' };
      await install(url, { required_scopes: ['search:read', 'users:read'], oauth });
      const id = await connect(url);
      const { asked, page } = await agree(id, url);
      expect(page).toContain('Authorised');
      expect(asked.get('user_scope')).toBe('search:read,users:read');
      expect((await api.call('GET', addressOf(id))).body).toMatchObject({ account: 'Acme', scopes: ['search:read', 'users:read'] });
      expect(await attached(id)).toMatch(/^Bearer xoxp-/);
    });
  });

  it('gives the token of a bot, and says an error as a 200', async () => {
    await emulated('slack', seed, async (url) => {
      await install(url, { required_scopes: ['channels:read', 'users:read'], oauth: endpoints });
      const id = await connect(url);
      expect((await agree(id, url)).page).toContain('Authorised');
      expect(await attached(id)).toMatch(/^Bearer xoxb-/);
      await api.call('PATCH', '/api/v1/datasources/probe/host-variables', { values: { CLIENT_SECRET: 'not-that-one' } });
      const { page } = await agree(await connect(url), url);
      expect(page).toContain('invalid_client_id');
    });
  });
});

describe('Microsoft', () => {
  it('is asked below the tenant of the connection, and rotates the refresh token', async () => {
    const seed = { microsoft: { users: [{ email: 'ada@acme.example', name: 'Ada' }], oauth_clients: [CLIENT_OF] } };
    await emulated('microsoft', seed, async (url) => {
      const oauth = {
        flows: ['code', 'client_credentials'],
        issuer: '{auth_url.origin}/{tenant}/v2.0',
        client_id: 'CLIENT_ID',
        client_secret: 'CLIENT_SECRET',
        extra_scopes: ['offline_access', 'openid'],
      };
      await install(url, { required_scopes: ['Files.Read.All'], oauth });
      const id = await connect(url, { tenant: 'acme.onmicrosoft.example' });
      expect((await agree(id, url)).page).toContain('Authorised');
      expect((await api.call('GET', addressOf(id))).body).toMatchObject({ state: 'active', account: 'testuser@outlook.com' });
      expect(await attached(id)).toMatch(/^Bearer microsoft_/);
    });
  });
});

describe('Atlassian', () => {
  it.each([
    [1, 'takes the only site'],
    [2, 'lets somebody choose between sites'],
    [0, 'says that the token is good for nothing without a site'],
  ])('with %i sites %s', async (sites) => {
    const list = Array.from({ length: sites }, (_, at) => ({ id: `cloud-${at}`, name: `Site ${at}`, url: `https://site-${at}.example` }));
    const resources = await startUpstream((request, response) => {
      const known = request.headers.authorization?.startsWith('Bearer ') === true && request.url === '/oauth/token/accessible-resources';
      response.writeHead(known ? 200 : 401, { 'content-type': 'application/json' }).end(JSON.stringify(list));
    });
    const server = await startAuthorizationServer({ redirectUris: [REDIRECT_URI] });
    try {
      const oauth = {
        issuer: '{auth_url.origin}',
        client_id: 'CLIENT_ID',
        client_secret: 'CLIENT_SECRET',
        extra_scopes: ['offline_access'],
        authorization_parameters: { audience: 'api.atlassian.example', prompt: 'consent' },
        resources: { endpoint: '{resources_url.origin}/oauth/token/accessible-resources', config_key: 'cloud_id' },
      };
      const grant = loopbackGrant({ http: [source.origin], authorisation: [server.issuer, resources.origin] });
      const manifest = { oauth };
      await installOAuthProbe(api.services, manifest, grant, { CLIENT_ID: CLIENT.id, CLIENT_SECRET: CLIENT.secret });
      const id = await connect(server.issuer, { resources_url: resources.origin });
      const begun = await api.call('POST', addressOf(id), {});
      const person = visitor(api.request);
      const back = await openBrowser().follow(await person.goOn(begun.body.attempt.authorizationUrl), REDIRECT_URI);
      const page = await person.comeBack(back);
      const { body } = await api.call('GET', addressOf(id));
      if (sites === 0) {
        expect(page).toContain('good for nothing');
        expect(body).toMatchObject({ state: 'none', attempt: { state: 'failed' } });
        return;
      }
      if (sites > 1) {
        expect(body).toMatchObject({
          state: 'paused',
          attempt: { state: 'choosing', choices: list.map(({ id: site, name }) => ({ id: site, label: name })) },
        });
        expect((await api.call('POST', `${addressOf(id)}/choice`, { choice: 'cloud-9' })).body.code).toBe('INVALID_REQUEST');
        const stale = { headers: { 'if-match': '"1"' } };
        expect((await api.call('POST', `${addressOf(id)}/choice`, { choice: 'cloud-1' }, stale)).status).toBe(412);
        expect((await api.call('POST', `${addressOf(id)}/choice`, { choice: 'cloud-1' })).body).toMatchObject({ state: 'active' });
      }
      const connection = await api.call('GET', `/api/v1/connections/${id}`);
      expect(connection.body.config.cloud_id).toBe(sites > 1 ? 'cloud-1' : 'cloud-0');
      expect((await api.call('POST', `${addressOf(id)}/choice`, { choice: 'cloud-0' })).body.code).toBe('UNKNOWN_AUTHORISATION');
    } finally {
      await server.close();
      await resources.close();
    }
  });
});

describe('a service account', () => {
  it('signs for an administrator of the domain, with the key file that Google gives', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
    let audience = '';
    const server = await startAuthorizationServer({
      redirectUris: [REDIRECT_URI],
      assertions: { publicKey, audience: () => audience },
      clients: [
        {
          client_id: 'anybody',
          client_secret: 'secret-of-anybody',
          redirect_uris: [],
          response_types: [],
          grant_types: ['urn:ietf:params:oauth:grant-type:jwt-bearer'],
          token_endpoint_auth_method: 'client_secret_post',
        },
      ],
    });
    audience = `${server.issuer}/token`;
    try {
      const oauth = {
        flows: ['assertion'],
        token_endpoint: '{auth_url.origin}/token',
        client_key: 'SERVICE_ACCOUNT',
        client_id: 'CLIENT_ID',
        client_secret: 'CLIENT_SECRET',
        assertion_subject_from_config: 'admin_email',
      };
      const account = JSON.stringify({
        type: 'service_account',
        client_email: 'robot@acme.example',
        private_key_id: 'k1',
        private_key: pem,
      });
      const manifest = { oauth, env_vars: ['SERVICE_ACCOUNT', 'CLIENT_ID', 'CLIENT_SECRET'] };
      await install(server.issuer, manifest, { SERVICE_ACCOUNT: account, CLIENT_ID: 'anybody', CLIENT_SECRET: 'secret-of-anybody' });
      const id = await connect(server.issuer, { admin_email: 'admin@acme.example' });
      const begun = await api.call('POST', addressOf(id), {});
      expect(begun.body).toMatchObject({ state: 'active', flow: 'assertion' });
      expect(await attached(id)).toBe('Bearer for admin@acme.example by robot@acme.example');
      expect((await api.call('POST', addressOf(await connect(server.issuer)), {})).body).toMatchObject({ code: 'AUTHORISATION_REFUSED' });
    } finally {
      await server.close();
    }
  });

  it('of a client is proved by its key in place of a secret', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const server = await startAuthorizationServer({
      redirectUris: [REDIRECT_URI],
      clients: [
        {
          client_id: 'by-key',
          redirect_uris: [],
          response_types: [],
          grant_types: ['client_credentials'],
          token_endpoint_auth_method: 'private_key_jwt',
          jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), alg: 'RS256', use: 'sig' }] },
        },
      ],
    });
    try {
      const oauth = {
        flows: ['client_credentials'],
        issuer: '{auth_url.origin}',
        client_id: 'CLIENT_ID',
        client_key: 'KEY',
        client_authentication: 'key',
      };
      const manifest = { oauth, env_vars: ['CLIENT_ID', 'KEY'] };
      const pem = String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
      await install(server.issuer, manifest, { CLIENT_ID: 'by-key', KEY: pem });
      const id = await connect(server.issuer);
      expect((await api.call('POST', addressOf(id), {})).body).toMatchObject({ state: 'active', flow: 'client_credentials' });
      const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
      await install(server.issuer, manifest, { KEY: String(other.export({ type: 'pkcs8', format: 'pem' })) });
      expect((await api.call('POST', addressOf(id), {})).body).toMatchObject({ code: 'AUTHORISATION_REFUSED' });
      await install(server.issuer, manifest, { KEY: 'no key at all' });
      const broken = await api.call('POST', addressOf(id), {});
      expect(broken.body).toMatchObject({ code: 'CREDENTIAL_MISSING' });
      expect(JSON.stringify(broken.body)).not.toContain('no key at all');
    } finally {
      await server.close();
    }
  });
});
