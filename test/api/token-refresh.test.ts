import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createLog } from '../../host/log.ts';
import { readConfig } from '../../host/config.ts';
import { openServices, type OpenServices } from '../../host/services/open.ts';
import { type Api, openApi } from '../helpers/api.ts';
import { type AuthorizationServer, CLIENT, startAuthorizationServer } from '../helpers/authorization-server.ts';
import { openBrowser } from '../helpers/browser.ts';
import { installOAuthProbe, loopbackGrant } from '../helpers/oauth-datasource.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';
import { visitor } from '../helpers/visitor.ts';

const PUBLIC_URL = 'http://127.0.0.1:8799';
const REDIRECT_URI = `${PUBLIC_URL}/api/v1/authorisations/callback`;
/** Short, so that half of it comes soon; a call needs a quarter of it at least. */
const TOKEN_SECONDS = 4;

let server: AuthorizationServer;
let source: Upstream;
let api: Api;
/** Whether the source takes tokens at all. */
let refuse: (token: string) => boolean;

beforeAll(async () => {
  server = await startAuthorizationServer({ redirectUris: [REDIRECT_URI], accessTokenSeconds: TOKEN_SECONDS });
  source = await startUpstream((request, response) => {
    const token = request.headers.authorization?.replace('Bearer ', '') ?? '';
    response.writeHead(refuse(token) ? 401 : 200).end('{}');
  });
  api = await openApi({ LORELAI_PUBLIC_URL: PUBLIC_URL });
  const oauth = {
    flows: ['code', 'client_credentials'],
    issuer: '{auth_url.origin}',
    client_id: 'CLIENT_ID',
    client_secret: 'CLIENT_SECRET',
    extra_scopes: ['offline_access'],
    authorization_parameters: { prompt: 'consent' },
  };
  const grant = loopbackGrant({ http: [source.origin], authorisation: [server.issuer] });
  const values = { CLIENT_ID: CLIENT.id, CLIENT_SECRET: CLIENT.secret };
  await installOAuthProbe(api.services, { oauth }, grant, values);
});

afterAll(async () => {
  await api.close();
  await server.close();
  await source.close();
});

beforeEach(() => {
  refuse = () => false;
  server.accessTokenSeconds = TOKEN_SECONDS;
  server.tokenRequests.length = 0;
  server.onTokenAnswer(() => undefined);
});

const addressOf = (id: string): string => `/api/v1/connections/${id}/authorisation`;
const call = { do: 'http', url: '' };

async function authorise(id: string): Promise<void> {
  const begun = await api.call('POST', addressOf(id), { flow: 'code' });
  const person = visitor(api.request);
  const back = await openBrowser().follow(await person.goOn(begun.body.attempt.authorizationUrl), REDIRECT_URI);
  expect(await person.comeBack(back)).toContain('Authorised');
}

/** A connection that calls its source once in each run. */
async function authorised(steps: unknown[] = [{ ...call, url: `${source.origin}/items` }]): Promise<string> {
  const config = { auth_url: server.issuer, base_url: source.origin, steps };
  const { body } = await api.call('POST', '/api/v1/connections', { datasource: 'probe', config });
  await authorise(body.id);
  server.tokenRequests.length = 0;
  return body.id;
}

async function run(id: string): Promise<{ state: string; reason?: string }> {
  const begun = await api.call('POST', `/api/v1/connections/${id}/runs`, {});
  if (begun.status !== 202) throw new Error(JSON.stringify(begun.body));
  await api.work();
  return (await api.call('GET', `/api/v1/runs/${begun.body.id}`)).body;
}

const refreshes = (): number => server.tokenRequests.filter((grant) => grant === 'refresh_token').length;
const usedTokens = (): string[] => source.requests.map((request) => request.headers.authorization ?? '');

/** Until the present token is too old to begin a call with. Those after it are good for as long as any machine needs, and what is asked is counted from here. */
async function grownOld(): Promise<void> {
  server.accessTokenSeconds = 3_600;
  await sleep(TOKEN_SECONDS * 1_000);
  server.tokenRequests.length = 0;
}

/** Another host on the same data folder. */
function anotherHost(): Promise<OpenServices> {
  return openServices(readConfig({ DATA_DIR: api.dataDir }), createLog({ level: 'error', pretty: false, write: () => undefined }));
}

describe('a token that has grown old', () => {
  it('is refreshed before a call, and the new one is what the source sees', async () => {
    const id = await authorised();
    expect(await run(id)).toMatchObject({ state: 'succeeded' });
    await grownOld();
    expect(await run(id)).toMatchObject({ state: 'succeeded' });
    expect(refreshes()).toBe(1);
    const [first, second] = usedTokens().slice(-2);
    expect(second).not.toBe(first);
  });

  it('is refreshed at half its life by a host that only waits', async () => {
    const id = await authorised();
    const before = (await api.call('GET', addressOf(id))).body;
    const half = (Date.parse(before.refreshDueAt) - Date.parse(before.authorisedAt)) / (TOKEN_SECONDS * 1_000);
    expect(half).toBeGreaterThanOrEqual(0.49);
    expect(half).toBeLessThanOrEqual(0.61);
    const stop = new AbortController();
    const working = api.keepAuthorisations(stop.signal);
    await expect.poll(refreshes, { timeout: 20_000 }).toBeGreaterThanOrEqual(1);
    stop.abort();
    await working;
    expect((await api.call('GET', addressOf(id))).body).toMatchObject({ state: 'active' });
  });

  it('is refreshed once, however many hosts need it at the same time', async () => {
    const id = await authorised();
    const hosts = await Promise.all([anotherHost(), anotherHost(), anotherHost()]);
    try {
      await grownOld();
      // Slow, so that all of them come while it is under way; a second use of the refresh token would end the whole family.
      server.onTokenAnswer(() => sleep(400));
      const checks = hosts.flatMap(({ services }) => [
        services.connections.check('default', id),
        services.connections.check('default', id),
      ]);
      await Promise.all(checks);
      expect(refreshes()).toBe(1);
      expect((await api.call('GET', addressOf(id))).body).toMatchObject({ state: 'active' });
    } finally {
      await Promise.all(hosts.map(({ close }) => close()));
    }
  });

  it('of a client is asked for anew, without a refresh token', async () => {
    const id = await authorised();
    await api.call('POST', addressOf(id), { flow: 'client_credentials' });
    await grownOld();
    expect(await run(id)).toMatchObject({ state: 'succeeded' });
    expect(server.tokenRequests.at(-1)).toBe('client_credentials');
  });
});

describe('a source that refuses the token', () => {
  it('is asked once more with a fresh one, within the same run', async () => {
    server.accessTokenSeconds = 3_600;
    const id = await authorised([{ do: 'fail', failure: { tag: 'unauthorized', val: 'bad token' } }]);
    await run(id);
    // The datasource says "unauthorized" both times: one refresh, not one for each failure.
    expect(refreshes()).toBe(1);
    const { body } = await api.call('GET', `/api/v1/connections/${id}/schedule`);
    expect(body.paused).toMatchObject({ by: 'host', cause: 'unauthorized' });
  });
});

describe('a grant that the source no longer knows', () => {
  it('pauses the connection with a reason and a way back, keeps the run, and goes on when authorised again', async () => {
    const id = await authorised();
    await server.forgetGrants();
    await grownOld();
    const { body: begun } = await api.call('POST', `/api/v1/connections/${id}/check`);
    expect(begun).toMatchObject({ code: 'CREDENTIAL_MISSING', remedy: expect.stringContaining(`datasources authorize ${id}`) });
    const paused = await api.call('GET', addressOf(id));
    expect(paused.body).toMatchObject({
      state: 'paused',
      reason: expect.stringContaining('invalid_grant'),
      reconnect: `${addressOf(id)}?organisation=default`,
    });
    expect((await api.call('POST', `/api/v1/connections/${id}/runs`, {})).body).toMatchObject({ code: 'CONNECTION_PAUSED' });
    await authorise(id);
    expect(await run(id)).toMatchObject({ state: 'succeeded' });
  });

  it('in the middle of a run: the run waits and ends well after the person has come back', async () => {
    const id = await authorised();
    const begun = await api.call('POST', `/api/v1/connections/${id}/runs`, {});
    await server.forgetGrants();
    await grownOld();
    await api.work();
    expect((await api.call('GET', `/api/v1/runs/${begun.body.id}`)).body).toMatchObject({
      state: 'parked',
      reason: expect.stringContaining('invalid_grant'),
    });
    await authorise(id);
    await api.work();
    expect((await api.call('GET', `/api/v1/runs/${begun.body.id}`)).body).toMatchObject({ state: 'succeeded' });
  });

  it('is replaced by a credential that is set by hand', async () => {
    const id = await authorised();
    await api.call('PATCH', `/api/v1/connections/${id}`, { credential: 'set-by-hand-1234' });
    expect((await api.call('GET', addressOf(id))).body).toMatchObject({ state: 'none' });
    expect(await run(id)).toMatchObject({ state: 'succeeded' });
    expect(usedTokens().at(-1)).toBe('Bearer set-by-hand-1234');
  });
});

describe('a source that does not answer', () => {
  it('parks the run, and pauses nothing', async () => {
    const id = await authorised();
    await grownOld();
    server.onTokenAnswer(() => {
      throw new Error('down for a moment');
    });
    const begun = await api.call('POST', `/api/v1/connections/${id}/runs`, {});
    await api.work();
    expect((await api.call('GET', `/api/v1/runs/${begun.body.id}`)).body).toMatchObject({
      state: 'parked',
      reason: expect.stringContaining('could not be refreshed'),
    });
    expect((await api.call('GET', addressOf(id))).body).toMatchObject({ state: 'active' });
  });
});
