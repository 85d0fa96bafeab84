import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Api, openApi } from '../helpers/api.ts';
import { type AuthorizationServer, startAuthorizationServer } from '../helpers/authorization-server.ts';
import { openBrowser } from '../helpers/browser.ts';
import { installProbeForPeople } from '../helpers/oauth-datasource.ts';
import { visitor, type Visitor } from '../helpers/visitor.ts';

const PUBLIC_URL = 'http://127.0.0.1:8799';
const REDIRECT_URI = `${PUBLIC_URL}/api/v1/authorisations/callback`;

let server: AuthorizationServer;
let api: Api;
let operator: string;
let connection: string;
let person: Visitor;

beforeAll(async () => {
  server = await startAuthorizationServer({ redirectUris: [REDIRECT_URI] });
  api = await openApi({ LORELAI_PUBLIC_URL: PUBLIC_URL });
  person = visitor(api.request);
  await installProbeForPeople(api.services, server);
  await api.call('POST', '/api/v1/organisations', { id: 'acme', name: 'Acme Ltd.' });
  operator = await api.keyWith(['operator'], 'acme');
  connection = await connect();
});
afterAll(async () => {
  await api.close();
  await server.close();
});

async function connect(): Promise<string> {
  const input = { datasource: 'probe', config: { auth_url: server.issuer } };
  return (await api.call('POST', '/api/v1/connections?organisation=acme', input)).body.id;
}

async function start(more: object = {}, as = operator) {
  return api.call('POST', '/v1/oauth/PROBE/start', { org: 'Acme Ltd.', ...more }, { as });
}

async function refresh() {
  return api.call('POST', `/v1/connections/${connection}/refresh`, undefined, { as: operator });
}

async function forward(given: object, as: string | null = operator) {
  return (await api.call('POST', '/v1/oauth/probe/callback', given, { as })).body;
}

/** The parameters that the source sends the browser back with. */
async function agreed(authorizationUrl: string): Promise<Record<string, string>> {
  return Object.fromEntries((await openBrowser().follow(await person.goOn(authorizationUrl), REDIRECT_URI)).searchParams);
}

test('Lorelai begins, a person agrees, Lorelai hands over what came back, and the host has the token', async () => {
  const begun = await start();
  expect(begun).toMatchObject({
    status: 200,
    body: { connection, state: 'waiting', authorization_url: expect.stringContaining(`${PUBLIC_URL}/api/v1/authorisations/start?`) },
  });
  const parameters = await agreed(begun.body.authorization_url);
  expect(await forward({ ...parameters, state: 'of nobody' })).toEqual({ authorised: false, error: expect.stringContaining('not known') });
  expect(await forward(parameters)).toEqual({ authorised: true });
  // It is good once.
  expect(await forward(parameters)).toMatchObject({ authorised: false });
  expect((await refresh()).body).toMatchObject({ connection, state: 'active', expires_at: expect.any(String) });
  expect(JSON.stringify((await refresh()).body)).not.toContain('token');
});

test('the browser itself may come back, and addresses begin as bodies do', async () => {
  const begun = await api.call('GET', '/v1/oauth/pro%20be/start?org=acme', undefined, { as: operator });
  const parameters = new URLSearchParams(await agreed(begun.body.authorization_url));
  expect(await person.comeBack(new URL(`${PUBLIC_URL}/v1/oauth/anything/callback?${parameters}`))).toContain('Authorised');
});

test('what came back is taken from nobody but the caller that began it', async () => {
  for (const as of [await api.keyWith(['operator'], 'acme'), await api.keyWith(['admin'])]) {
    const parameters = await agreed((await start()).body.authorization_url);
    expect(await forward(parameters, as)).toEqual({ authorised: false, error: expect.stringContaining('another browser') });
    // Whoever had it and should not have has spoilt it.
    expect(await forward(parameters)).toMatchObject({ authorised: false });
  }
  const parameters = await agreed((await start()).body.authorization_url);
  expect(await forward(parameters, null)).toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(await forward(parameters)).toEqual({ authorised: true });
});

test('a connection has to be named where there are several, and to be one of the caller’s own', async () => {
  const second = await connect();
  expect(await start()).toMatchObject({
    status: 400,
    body: { code: 'INVALID_REQUEST', detail: expect.stringContaining('several connections') },
  });
  expect((await start({ connection: second })).body).toMatchObject({ connection: second });
  expect(await start({ connection: '01KATM4X7Z6V0R1Q2W3E4R5T6Y' })).toMatchObject({ status: 404, body: { code: 'UNKNOWN_CONNECTION' } });
  await api.call('POST', '/api/v1/organisations', { id: 'rival' });
  const rival = await api.keyWith(['admin'], 'rival');
  expect(await start({}, rival)).toMatchObject({ status: 404, body: { code: 'UNKNOWN_ORGANISATION' } });
  expect(await api.call('POST', `/v1/connections/${connection}/refresh`, undefined, { as: rival })).toMatchObject({ status: 404 });
  expect(await api.call('POST', `/v1/connections/${connection}/revoke`, undefined, { as: rival })).toMatchObject({ status: 404 });
});

test('what is revoked is revoked at the source too, and has to be authorised again', async () => {
  const { body } = await api.call('POST', `/v1/connections/${connection}/revoke`, undefined, { as: operator });
  expect(body).toMatchObject({ connection, at_source: 'revoked' });
  expect((await refresh()).body).toEqual({ connection, state: 'none', scopes: [] });
});
