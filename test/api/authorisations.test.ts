import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Api, openApi } from '../helpers/api.ts';
import { ACCOUNT, type AuthorizationServer, CLIENT, startAuthorizationServer } from '../helpers/authorization-server.ts';
import { openBrowser } from '../helpers/browser.ts';
import { installOAuthProbe, loopbackGrant, type OAuthManifest } from '../helpers/oauth-datasource.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';
import { visitor, type Visitor } from '../helpers/visitor.ts';

const PUBLIC_URL = 'http://127.0.0.1:8799';
const REDIRECT_URI = `${PUBLIC_URL}/api/v1/authorisations/callback`;
const VALUES = { CLIENT_ID: CLIENT.id, CLIENT_SECRET: CLIENT.secret };
const MANIFEST: OAuthManifest = {
  oauth: {
    flows: ['code', 'device', 'client_credentials'],
    issuer: '{auth_url.origin}',
    client_id: 'CLIENT_ID',
    client_secret: 'CLIENT_SECRET',
    extra_scopes: ['openid', 'offline_access'],
    authorization_parameters: { prompt: 'consent' },
  },
};

let server: AuthorizationServer;
let source: Upstream;
let api: Api;
let person: Visitor;

beforeAll(async () => {
  server = await startAuthorizationServer({ redirectUris: [REDIRECT_URI] });
  source = await startUpstream((request, response) => {
    void isActive(request.headers.authorization).then((active) => response.writeHead(active ? 200 : 401).end('{}'));
  });

  api = await openApi({ LORELAI_PUBLIC_URL: PUBLIC_URL });
  person = visitor(api.request);
  await installAsEver();
});

afterAll(async () => {
  await api.close();
  await server.close();
  await source.close();
});

/** What a test put in its place is replaced. */
async function installAsEver(): Promise<void> {
  const grant = loopbackGrant({ http: [source.origin], authorisation: [server.issuer] });
  await installOAuthProbe(api.services, MANIFEST, grant, VALUES);
}

/** Whether the authorization server stands behind a token, by its own word (RFC 7662). */
async function isActive(authorization: string | undefined): Promise<boolean> {
  const token = authorization?.replace(/^Bearer /, '') ?? '';
  const body = new URLSearchParams({ token, client_id: CLIENT.id, client_secret: CLIENT.secret });
  const answer: unknown = await (await fetch(`${server.issuer}/token/introspection`, { method: 'POST', body })).json();
  return typeof answer === 'object' && answer !== null && 'active' in answer && answer.active === true;
}

async function connect(config: Record<string, unknown> = {}, feature = {}): Promise<string> {
  const { body } = await api.call('POST', '/api/v1/connections', {
    datasource: 'probe',
    config: { auth_url: server.issuer, base_url: source.origin, ...config },
    ...feature,
  });
  return body.id;
}

const addressOf = (id: string): string => `/api/v1/connections/${id}/authorisation`;

/** Begins, agrees in a browser and comes back. */
async function agree(id: string): Promise<URL> {
  const begun = await api.call('POST', addressOf(id), {});
  expect(begun.status).toBe(200);
  return openBrowser().follow(await person.goOn(begun.body.attempt.authorizationUrl), REDIRECT_URI);
}

const comeBack = (url: URL): Promise<string> => person.comeBack(url);

const callSource = { steps: [{ do: 'http', url: '' }] };

describe('an authorisation by code', () => {
  it('gives the connection a token that its source takes, and never shows one', async () => {
    const id = await connect({ steps: [{ ...callSource.steps[0], url: `${source.origin}/items` }] });
    const begun = await api.call('POST', addressOf(id), {});
    const url = new URL(await person.goOn(begun.body.attempt.authorizationUrl));
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      response_type: 'code',
      redirect_uri: REDIRECT_URI,
      code_challenge_method: 'S256',
      scope: 'read openid offline_access',
      prompt: 'consent',
    });
    expect(await comeBack(await openBrowser().follow(url.href, REDIRECT_URI))).toContain('Authorised');
    const { body } = await api.call('GET', addressOf(id));
    expect(body).toMatchObject({ state: 'active', flow: 'code', account: `${ACCOUNT}@acme.example`, attempt: { state: 'done' } });
    expect(body.scopes).toContain('read');
    await api.call('POST', `/api/v1/connections/${id}/runs`, {});
    await api.work();
    expect(source.requests.at(-1)?.url).toBe('/items');
    expect((await api.call('GET', `/api/v1/runs`)).body.items[0]).toMatchObject({ state: 'succeeded' });
    const shown = JSON.stringify([begun.body, body]) + api.logged();
    expect(shown).not.toContain(CLIENT.secret);
    const token = source.requests.at(-1)?.headers.authorization?.replace('Bearer ', '') ?? 'none';
    expect(shown).not.toContain(token);
  });

  it('is good once: a second visit with the same address asks for no token', async () => {
    const back = await agree(await connect());
    expect(await comeBack(back)).toContain('Authorised');
    const before = server.tokenRequests.length;
    expect(await comeBack(back)).toContain('The source has agreed');
    expect(server.tokenRequests).toHaveLength(before);
  });

  it.each([
    ['without a state', (url: URL) => url.searchParams.delete('state')],
    ['with another state', (url: URL) => url.searchParams.set('state', 'x'.repeat(43))],
    ['with two of them', (url: URL) => url.searchParams.append('state', 'x')],
  ])('is not finished %s', async (_, change) => {
    const id = await connect();
    const back = await agree(id);
    change(back);
    expect(await comeBack(back)).toContain('Not authorised');
    expect((await api.call('GET', addressOf(id))).body).toMatchObject({ state: 'none', attempt: { state: 'waiting' } });
  });

  it('is not finished by the answer of another server', async () => {
    const id = await connect();
    const back = await agree(id);
    expect(back.searchParams.get('iss')).toBe(server.issuer);
    back.searchParams.set('iss', 'https://evil.example');
    const before = server.tokenRequests.length;
    expect(await comeBack(back)).toContain('another server');
    expect(server.tokenRequests).toHaveLength(before);
    expect((await api.call('GET', addressOf(id))).body).toMatchObject({ state: 'none', attempt: { state: 'failed' } });
  });

  it('is not finished with the code of another attempt: its verifier is another one', async () => {
    const [first, second] = [await agree(await connect()), await agree(await connect())];
    first.searchParams.set('code', second.searchParams.get('code') ?? '');
    expect(await comeBack(first)).toContain('invalid_grant');
  });

  it('is undone by a newer attempt', async () => {
    const id = await connect();
    const back = await agree(id);
    await api.call('POST', addressOf(id), {});
    expect(await comeBack(back)).toContain('Not authorised');
  });

  it('says what the person said who did not agree', async () => {
    const id = await connect();
    const { body } = await api.call('POST', addressOf(id), {});
    const state = new URL(await person.goOn(body.attempt.authorizationUrl)).searchParams.get('state');
    const back = new URL(`${REDIRECT_URI}?state=${state}&error=access_denied&error_description=%3Cscript%3E&iss=${server.issuer}`);
    const text = await comeBack(back);
    expect(text).toContain('access_denied');
    expect(text).not.toContain('<script>');
    expect((await api.call('GET', addressOf(id))).body.attempt).toMatchObject({ state: 'failed' });
  });

  it('begins only where the host knows its own address', async () => {
    const unknown = await openApi({ PORT: '0' });
    try {
      await installOAuthProbe(unknown.services, MANIFEST, loopbackGrant({ authorisation: [server.issuer] }), VALUES);
      const { body } = await unknown.call('POST', '/api/v1/connections', { datasource: 'probe', config: { auth_url: server.issuer } });
      const refused = await unknown.call('POST', addressOf(body.id), {});
      expect(refused.body).toMatchObject({ code: 'INVALID_SETTING', remedy: expect.stringContaining('LORELAI_PUBLIC_URL') });
    } finally {
      await unknown.close();
    }
  });
});

describe('a scope that a person did not grant', () => {
  afterEach(installAsEver);

  it('ends the attempt by name, and nothing is kept', async () => {
    const picky = await startAuthorizationServer({ redirectUris: [REDIRECT_URI], unticked: ['write'] });
    try {
      const grant = loopbackGrant({ authorisation: [picky.issuer] });
      await installOAuthProbe(api.services, { ...MANIFEST, required_scopes: ['read', 'write'] }, grant);
      const id = await connect({ auth_url: picky.issuer });
      const text = await comeBack(await agree(id));
      expect(text).toContain('did not grant write');
      expect((await api.call('GET', addressOf(id))).body).toMatchObject({ state: 'none' });
      expect((await api.call('GET', `/api/v1/connections/${id}`)).body.hasCredential).toBe(false);
    } finally {
      await picky.close();
    }
  });
});

describe('an authorisation without a browser', () => {
  afterEach(installAsEver);

  it('by device: shows a code, asks as often as it may, and has a token when the person has agreed', async () => {
    const stop = new AbortController();
    const working = api.keepAuthorisations(stop.signal);
    try {
      const id = await connect();
      const { body } = await api.call('POST', addressOf(id), { flow: 'device' });
      expect(body.attempt).toMatchObject({ flow: 'device', state: 'waiting', userCode: expect.stringMatching(/^\w{4}-\w{4}$/) });
      const browser = openBrowser();
      const page = await browser.read(body.attempt.verificationUri);
      const xsrf = /name="xsrf" value="(\w+)"/.exec(page)?.[1] ?? '';
      const confirm = await browser.read(`${server.issuer}/device`, { xsrf, user_code: body.attempt.userCode });
      const again = /name="xsrf" value="(\w+)"/.exec(confirm)?.[1] ?? xsrf;
      expect(await browser.read(`${server.issuer}/device`, { xsrf: again, user_code: body.attempt.userCode, confirm: 'yes' })).toContain(
        'agreed',
      );
      await expect
        .poll(async () => (await api.call('GET', addressOf(id))).body.attempt.state, { timeout: 40_000, interval: 250 })
        .toBe('done');
      expect((await api.call('GET', addressOf(id))).body).toMatchObject({ state: 'active', flow: 'device' });
    } finally {
      stop.abort();
      await working;
    }
  });

  it('by client credentials: is over at once', async () => {
    const id = await connect();
    const { body } = await api.call('POST', addressOf(id), { flow: 'client_credentials' });
    expect(body).toMatchObject({ state: 'active', flow: 'client_credentials' });
  });

  it('says so when the source does not know the client', async () => {
    await api.services.variables.set(
      undefined,
      'probe',
      { CLIENT_SECRET: 'another-secret-4711' },
      { kind: 'local', id: 'test', requestId: undefined },
    );
    const refused = await api.call('POST', addressOf(await connect()), { flow: 'client_credentials' });
    expect(refused).toMatchObject({
      status: 422,
      body: { code: 'AUTHORISATION_REFUSED', detail: expect.stringContaining('invalid_client') },
    });
    expect(JSON.stringify(refused.body)).not.toContain('4711');
  });

  it('refuses a flow that the datasource does not offer, and a connection that is not there', async () => {
    const id = await connect();
    expect((await api.call('POST', addressOf(id), { flow: 'assertion' })).body).toMatchObject({ code: 'AUTHORISATION_UNSUPPORTED' });
    expect((await api.call('POST', addressOf('01JD0000000000000000000000'), {})).body).toMatchObject({ code: 'UNKNOWN_CONNECTION' });
  });
});

describe('a secret of the operator', () => {
  afterEach(installAsEver);

  it('goes only to origins that the grant names for it', async () => {
    const other = await startUpstream((_, response) => response.end('{}'));
    try {
      await installOAuthProbe(api.services, MANIFEST, loopbackGrant({ http: [other.origin], authorisation: [server.issuer] }));
      const refused = await api.call('POST', addressOf(await connect({ auth_url: other.origin })), { flow: 'client_credentials' });
      expect(refused.body.detail).toContain('--allow-authorisation');
      expect(other.requests).toHaveLength(0);
    } finally {
      await other.close();
    }
  });

  it('does not go to a private address that nobody allowed, even at a granted origin', async () => {
    const grant = { ...loopbackGrant({ authorisation: [server.issuer] }), http: { origins: [], privateNetworks: [] } };
    await installOAuthProbe(api.services, MANIFEST, grant);
    const refused = await api.call('POST', addressOf(await connect()), { flow: 'client_credentials' });
    expect(refused.body.detail).toContain('not a public address');
  });

  it('is not sent on by a redirect', async () => {
    const caught = await startUpstream((_, response) => response.end('{}'));
    const redirecting = await startUpstream((_, response) => response.writeHead(307, { location: `${caught.origin}/token` }).end());
    try {
      const oauth = {
        flows: ['client_credentials'],
        token_endpoint: '{auth_url.origin}/token',
        client_id: 'CLIENT_ID',
        client_secret: 'CLIENT_SECRET',
      };
      const grant = loopbackGrant({ authorisation: [redirecting.origin, caught.origin] });
      await installOAuthProbe(api.services, { ...MANIFEST, oauth }, grant);
      await api.call('POST', addressOf(await connect({ auth_url: redirecting.origin })), {});
      expect(redirecting.requests).toHaveLength(1);
      expect(caught.requests).toHaveLength(0);
    } finally {
      await redirecting.close();
      await caught.close();
    }
  });

  it('of an organisation counts before that of the host, and neither is shown', async () => {
    await api.call('POST', '/api/v1/organisations', { id: 'acme' });
    await api.call('PATCH', '/api/v1/datasources/probe/variables?organisation=acme', { values: { CLIENT_SECRET: 'secret-of-acme-9999' } });
    const own = await api.call('GET', '/api/v1/datasources/probe/variables?organisation=acme');
    expect(own.body.items).toMatchObject([
      { name: 'CLIENT_ID', set: true, setFor: 'host' },
      { name: 'CLIENT_SECRET', set: true, setFor: 'organisation' },
    ]);
    expect(JSON.stringify(own.body)).not.toMatch(/secret-of-acme|canary/);
    const made = await api.call('POST', '/api/v1/connections', {
      organisation: 'acme',
      datasource: 'probe',
      config: { auth_url: server.issuer },
    });
    const refused = await api.call('POST', `${addressOf(made.body.id)}?organisation=acme`, { flow: 'client_credentials' });
    expect(refused.body).toMatchObject({ code: 'AUTHORISATION_REFUSED' });
    expect((await api.call('POST', addressOf(await connect()), { flow: 'client_credentials' })).status).toBe(200);
  });

  it('that is missing is named, with the command that sets it', async () => {
    await api.call('PATCH', '/api/v1/datasources/probe/host-variables', { values: { CLIENT_ID: null } });
    const refused = await api.call('POST', addressOf(await connect()), {});
    expect(refused.body).toMatchObject({
      code: 'CREDENTIAL_MISSING',
      remedy: expect.stringContaining('datasources variable probe CLIENT_ID'),
    });
    expect((await api.call('PATCH', '/api/v1/datasources/probe/host-variables', { values: { NO_SUCH: 'x' } })).body.code).toBe(
      'INVALID_REQUEST',
    );
  });
});

describe('revoking a connection', () => {
  afterEach(installAsEver);

  it('ends its tokens at the source, deletes what was read with them, and says so', async () => {
    const id = await connect({
      steps: [
        { do: 'http', url: `${source.origin}/x` },
        { do: 'documents', count: 3, text: 'number {number}' },
      ],
    });
    await comeBack(await agree(id));
    await api.call('POST', `/api/v1/connections/${id}/runs`, {});
    await api.work();
    const token = source.requests.at(-1)?.headers.authorization;
    expect(await isActive(token)).toBe(true);
    const revoked = await api.call('POST', `/api/v1/connections/${id}/revoke`);
    expect(revoked.body).toMatchObject({ atSource: { outcome: 'revoked' }, deleted: { documents: 4, passages: expect.any(Number) } });
    expect(await isActive(token)).toBe(false);
    expect((await api.call('GET', `/api/v1/connections/${id}`)).body).toMatchObject({ hasCredential: false, documents: 0, passages: 0 });
    expect((await api.call('GET', addressOf(id))).body).toMatchObject({ state: 'none' });
    expect((await api.call('POST', '/api/v1/retrieve', { question: 'number' })).body.hits).toEqual([]);
    // It can be authorised again, and reads everything anew.
    await comeBack(await agree(id));
    expect((await api.call('POST', `/api/v1/connections/${id}/runs`, {})).status).toBe(202);
    await api.work();
    expect((await api.call('GET', `/api/v1/connections/${id}`)).body).toMatchObject({ documents: 4 });
  });

  it('is refused while a run goes on, and says so when the source cannot be told', async () => {
    const oauth = {
      flows: ['client_credentials'],
      token_endpoint: '{auth_url.origin}/token',
      client_id: 'CLIENT_ID',
      client_secret: 'CLIENT_SECRET',
    };
    await installOAuthProbe(api.services, { ...MANIFEST, oauth }, loopbackGrant({ authorisation: [server.issuer] }));
    const id = await connect();
    await api.call('POST', addressOf(id), {});
    await api.call('POST', `/api/v1/connections/${id}/runs`, {});
    expect((await api.call('POST', `/api/v1/connections/${id}/revoke`)).body).toMatchObject({ code: 'RUN_IN_PROGRESS' });
    expect((await api.call('GET', addressOf(id))).body).toMatchObject({ state: 'active' });
    await api.work();
    expect((await api.call('POST', `/api/v1/connections/${id}/revoke`)).body.atSource).toMatchObject({
      outcome: 'unsupported',
      reason: expect.stringContaining('by hand'),
    });
  });

  it('happens at the source too when the connection is deleted', async () => {
    const id = await connect({ steps: [{ do: 'http', url: `${source.origin}/y` }] });
    await comeBack(await agree(id));
    await api.call('POST', `/api/v1/connections/${id}/runs`, {});
    await api.work();
    const token = source.requests.at(-1)?.headers.authorization;
    expect((await api.call('DELETE', `/api/v1/connections/${id}`)).status).toBe(204);
    expect(await isActive(token)).toBe(false);
  });
});
