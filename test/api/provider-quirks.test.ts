import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { COMMAND_LINE } from '../../host/domain/caller.ts';
import { type Api, openApi } from '../helpers/api.ts';
import { CLIENT } from '../helpers/authorization-server.ts';
import { openBrowser } from '../helpers/browser.ts';
import { makeCertificate } from '../helpers/certificate.ts';
import { componentFile } from '../helpers/components.ts';
import { installOAuthProbe, loopbackGrant, type OAuthManifest } from '../helpers/oauth-datasource.ts';
import {
  type ExpiringServer,
  type ProviderServer,
  startGitHub,
  startMicrosoft,
  startSlack,
  type SlackServer,
} from '../helpers/provider-servers.ts';
import { visitor } from '../helpers/visitor.ts';

const PUBLIC_URL = 'http://127.0.0.1:8799';
const REDIRECT_URI = `${PUBLIC_URL}/api/v1/authorisations/callback`;
const TENANT = 'acme.onmicrosoft.example';

let api: Api;
beforeAll(async () => {
  api = await openApi({ LORELAI_PUBLIC_URL: PUBLIC_URL });
});
afterAll(() => api.close());

const addressOf = (id: string): string => `/api/v1/connections/${id}/authorisation`;
const statusOf = async (id: string) => (await api.call('GET', addressOf(id))).body;

async function install({ origin }: ProviderServer, manifest: OAuthManifest, values: Record<string, string>): Promise<void> {
  await installOAuthProbe(api.services, manifest, loopbackGrant({ http: [origin], authorisation: [origin] }), values);
}

/** A connection whose runs call the source once, with whatever the broker attaches. */
async function connect({ origin }: ProviderServer, config: object = {}): Promise<string> {
  const steps = [{ do: 'http', url: `${origin}/api/users.list`, minds401: true }];
  const { body } = await api.call('POST', '/api/v1/connections', {
    datasource: 'probe',
    config: { auth_url: origin, base_url: origin, steps, ...config },
  });
  return body.id;
}

async function authorise(id: string): Promise<string> {
  const begun = await api.call('POST', addressOf(id), { flow: 'code' });
  const person = visitor(api.request);
  return person.comeBack(await openBrowser().follow(await person.goOn(begun.body.attempt.authorizationUrl), REDIRECT_URI));
}

async function run(id: string): Promise<string> {
  const begun = await api.call('POST', `/api/v1/connections/${id}/runs`, {});
  await api.work();
  return (await api.call('GET', `/api/v1/runs/${begun.body.id}`)).body.state;
}

describe("Slack's token rotation", () => {
  let slack: SlackServer;
  const endpoints = {
    flows: ['code'],
    authorization_endpoint: '{auth_url.origin}/oauth/v2/authorize',
    token_endpoint: '{auth_url.origin}/api/oauth.v2.access',
    client_id: 'CLIENT_ID',
    client_secret: 'CLIENT_SECRET',
    scope_separator: ',',
  };
  const VALUES = { CLIENT_ID: CLIENT.id, CLIENT_SECRET: CLIENT.secret };
  const person = { required_scopes: ['search:read'], oauth: { ...endpoints, scope_parameter: 'user_scope', token_at: '/authed_user' } };

  afterEach(() => slack.close());

  it.each([
    ['a person', person],
    ['a bot', { required_scopes: ['search:read'], oauth: endpoints }],
  ])('gives %s another token each time one has grown old, and each refresh token is used once', async (_, manifest) => {
    slack = await startSlack();
    await install(slack, manifest, VALUES);
    const id = await connect(slack);
    expect(await authorise(id)).toContain('Authorised');
    const status = await statusOf(id);
    expect(status).toMatchObject({ state: 'active', scopes: ['search:read'] });
    expect((Date.parse(status.expiresAt) - Date.parse(status.authorisedAt)) / 3_600_000).toBeCloseTo(12, 2);
    expect(await run(id)).toBe('succeeded');
    for (let round = 0; round < 3; round += 1) {
      slack.expire();
      expect(await run(id)).toBe('succeeded');
    }
    expect(slack.asked).toEqual(['authorization_code ok', 'refresh_token ok', 'refresh_token ok', 'refresh_token ok']);
  });

  it('is followed at half the life of a token by a host that only waits', async () => {
    slack = await startSlack({ lifetimeSeconds: 6 });
    await install(slack, person, VALUES);
    const id = await connect(slack);
    await authorise(id);
    const stop = new AbortController();
    const working = api.keepAuthorisations(stop.signal);
    try {
      await expect.poll(() => slack.asked.length, { timeout: 20_000, interval: 100 }).toBeGreaterThan(2);
      expect(new Set(slack.asked)).toEqual(new Set(['authorization_code ok', 'refresh_token ok']));
      expect(await statusOf(id)).toMatchObject({ state: 'active' });
    } finally {
      stop.abort();
      await working;
    }
  });

  it('ends with its error that comes as a 200, and a way back', async () => {
    slack = await startSlack();
    await install(slack, person, VALUES);
    const id = await connect(slack);
    await authorise(id);
    slack.expire();
    slack.forget();
    expect(await run(id)).toBe('failed');
    expect(await statusOf(id)).toMatchObject({
      state: 'paused',
      reason: expect.stringContaining('invalid_refresh_token'),
      reconnectUrl: expect.stringContaining(`${PUBLIC_URL}/api/v1/authorisations/reconnect?ticket=`),
    });
  });
});

describe("Microsoft's certificates", () => {
  let microsoft: ExpiringServer;
  const { privatePem, certificatePem } = makeCertificate('datasources');
  const other = makeCertificate('another');
  const manifest: OAuthManifest = {
    required_scopes: ['Files.Read.All'],
    oauth: {
      flows: ['client_credentials', 'code'],
      authorization_endpoint: '{auth_url.origin}/{tenant}/oauth2/v2.0/authorize',
      token_endpoint: '{auth_url.origin}/{tenant}/oauth2/v2.0/token',
      client_id: 'CLIENT_ID',
      client_key: 'KEY',
      client_certificate: 'CERTIFICATE',
      client_authentication: 'key',
    },
    env_vars: ['CLIENT_ID', 'KEY', 'CERTIFICATE'],
  };
  const VALUES = { CLIENT_ID: 'the-app', KEY: privatePem, CERTIFICATE: certificatePem };
  beforeEach(async () => {
    microsoft = await startMicrosoft({ tenant: TENANT, clientId: 'the-app', certificatePem });
  });
  afterEach(() => microsoft.close());

  it('prove a client without a person, whose thumbprint and signature the source checks', async () => {
    await install(microsoft, manifest, VALUES);
    const id = await connect(microsoft, { tenant: TENANT });
    expect((await api.call('POST', addressOf(id), {})).body).toMatchObject({ state: 'active', flow: 'client_credentials' });
    expect(await run(id)).toBe('succeeded');
    expect(microsoft.asked).toEqual(['client_credentials ok']);
  });

  it('prove it when a code is exchanged, and when a token is refreshed, each time with another assertion', async () => {
    await install(microsoft, manifest, VALUES);
    const id = await connect(microsoft, { tenant: TENANT });
    expect(await authorise(id)).toContain('Authorised');
    expect(await run(id)).toBe('succeeded');
    microsoft.expire();
    expect(await run(id)).toBe('succeeded');
    expect(microsoft.asked).toEqual(['authorization_code ok', 'refresh_token ok']);
  });

  it.each([
    ['another certificate', { CERTIFICATE: other.certificatePem }, 'AADSTS700027'],
    ['the key of another certificate', { KEY: other.privatePem }, 'AADSTS700027'],
    ['another client', { CLIENT_ID: 'another-app' }, 'AADSTS700027'],
  ])('are refused with %s, and what the source says is passed on', async (_, wrong, said) => {
    await install(microsoft, manifest, { ...VALUES, ...wrong });
    const refused = await api.call('POST', addressOf(await connect(microsoft, { tenant: TENANT })), {});
    expect(refused.body).toMatchObject({ code: 'AUTHORISATION_REFUSED', detail: expect.stringContaining(said) });
    expect(JSON.stringify(refused.body)).not.toContain('eyJ');
  });
});

describe("GitHub's deletion of a grant", () => {
  let github: Awaited<ReturnType<typeof startGitHub>>;
  afterEach(() => github.close());

  async function authorised(): Promise<string> {
    const component = new Uint8Array(await readFile(componentFile('github')));
    const grant = loopbackGrant({ http: [github.origin], authorisation: [github.origin] });
    await api.services.registry.install(component, grant, COMMAND_LINE);
    const values = { GITHUB_CLIENT_ID: CLIENT.id, GITHUB_CLIENT_SECRET: CLIENT.secret };
    await api.call('PATCH', '/api/v1/datasources/github/host-variables', { values });
    const config = { base_url: `${github.origin}/api/v3`, repositories: ['acme/handbook'] };
    const { body } = await api.call('POST', '/api/v1/connections', { datasource: 'github', config });
    expect(await authorise(body.id)).toContain('Authorised');
    return body.id;
  }

  it.each([
    ['that does not expire', false],
    ['that comes with a refresh token, as those of an app do', true],
  ])('ends everything by one token %s', async (_, rotates) => {
    github = await startGitHub({ rotates });
    const id = await authorised();
    const { body } = await api.call('POST', `/api/v1/connections/${id}/revoke`);
    expect(body.atSource).toEqual({ outcome: 'revoked' });
    expect(github.asked).toEqual([`DELETE /api/v3/applications/${CLIENT.id}/grant 204`]);
    expect(await statusOf(id)).toMatchObject({ state: 'none' });
  });

  it('is said to have failed when the source refuses it, and the tokens are forgotten here all the same', async () => {
    github = await startGitHub();
    const id = await authorised();
    await api.call('PATCH', '/api/v1/datasources/github/host-variables', { values: { GITHUB_CLIENT_SECRET: 'not-that-one' } });
    const { body } = await api.call('POST', `/api/v1/connections/${id}/revoke`);
    expect(body.atSource).toEqual({ outcome: 'failed', reason: expect.stringContaining('404') });
    expect(await statusOf(id)).toMatchObject({ state: 'none' });
  });

  it('is also made when the connection is deleted', async () => {
    github = await startGitHub();
    expect((await api.call('DELETE', `/api/v1/connections/${await authorised()}`)).status).toBe(204);
    expect(github.asked).toHaveLength(1);
  });
});
