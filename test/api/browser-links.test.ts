import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, operation } from '../../host/store/database.ts';
import { defineStatement } from '../../host/store/statement.ts';
import { type Api, openApi } from '../helpers/api.ts';
import { ACCOUNT, type AuthorizationServer, CLIENT, startAuthorizationServer } from '../helpers/authorization-server.ts';
import { openBrowser } from '../helpers/browser.ts';
import { freePort } from '../helpers/free-port.ts';
import { installOAuthProbe, installProbeForPeople, loopbackGrant } from '../helpers/oauth-datasource.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';
import { visitor } from '../helpers/visitor.ts';

const PUBLIC_URL = 'http://127.0.0.1:8799';
const REDIRECT_URI = `${PUBLIC_URL}/api/v1/authorisations/callback`;
const NOTIFY_KEY = 'a key for notifications in tests';

let server: AuthorizationServer;
let source: Upstream;
let lorelai: Server;
let told: { headers: NodeJS.Dict<string | string[]>; text: string }[];
let api: Api;
/** Whether the source takes no token. */
let refuses = false;

beforeAll(async () => {
  server = await startAuthorizationServer({ redirectUris: [REDIRECT_URI] });
  source = await startUpstream((_, response) => response.writeHead(refuses ? 401 : 200).end('{}'));
  told = [];
  const port = await freePort();
  lorelai = createServer(async (request, response) => {
    let text = '';
    for await (const piece of request) text += String(piece);
    told.push({ headers: request.headers, text });
    response.end();
  }).listen(port, '127.0.0.1');
  await once(lorelai, 'listening');
  const notify = { LORELAI_NOTIFY_URL: `http://127.0.0.1:${port}/told`, LORELAI_NOTIFY_KEY: NOTIFY_KEY };
  api = await openApi({ LORELAI_PUBLIC_URL: PUBLIC_URL, ...notify });
  await installProbeForPeople(api.services, server, [source.origin]);
});

afterAll(async () => {
  await api.close();
  await server.close();
  await source.close();
  lorelai.closeAllConnections();
  lorelai.close();
});

const addressOf = (id: string): string => `/api/v1/connections/${id}/authorisation`;
const statusOf = async (id: string): Promise<Record<string, unknown>> => (await api.call('GET', addressOf(id))).body;

async function connect(name = 'handbook'): Promise<string> {
  const config = { auth_url: server.issuer, base_url: source.origin, steps: [{ do: 'http', url: `${source.origin}/x`, minds401: true }] };
  return (await api.call('POST', '/api/v1/connections', { datasource: 'probe', name, config })).body.id;
}

async function begin(id: string, as?: string): Promise<string> {
  const begun = await api.call('POST', addressOf(id), {}, as === undefined ? {} : { as });
  expect(begun.status).toBe(200);
  return begun.body.attempt.authorizationUrl;
}

/** Agrees at the source, in whatever browser the source knows. */
const agree = (url: string): Promise<URL> => openBrowser().follow(url, REDIRECT_URI);

async function ticketOf(link: string): Promise<string> {
  return new URL(link).searchParams.get('ticket') ?? '';
}

/** Posts the form of a link as a page of another kind would. */
async function post(kind: string, body: string, headers: Record<string, string> = {}): Promise<Response> {
  const form = { 'content-type': 'application/x-www-form-urlencoded', ...headers };
  return api.request(`/api/v1/authorisations/${kind}`, { method: 'POST', headers: form, body });
}

/** A connection whose source has ended its authorisation. */
async function ended(): Promise<{ id: string; link: string }> {
  const id = await connect();
  const person = visitor(api.request);
  await person.comeBack(await agree(await person.goOn(await begin(id))));
  expect(await statusOf(id)).toMatchObject({ state: 'active', account: `${ACCOUNT}@acme.example` });
  expect(await statusOf(id)).not.toHaveProperty('reconnectUrl');
  return { id, link: await endedAgain(id) };
}

/** The source ends the authorisation of a connection: the link that brings it back. */
async function endedAgain(id: string): Promise<string> {
  await server.forgetGrants();
  refuses = true;
  await api.call('POST', `/api/v1/connections/${id}/runs`, {});
  await api.work();
  refuses = false;
  const { state, reason, reconnectUrl } = await statusOf(id);
  expect([state, reason]).toEqual(['paused', expect.stringContaining('invalid_grant')]);
  return String(reconnectUrl);
}

const SET_BACK = defineStatement<{ connection: string; byMs: number }>(
  'test.set-back',
  'UPDATE authorisations SET ended_at_ms = ended_at_ms - :byMs WHERE connection_id = :connection',
);

describe('a link that begins an attempt', () => {
  it('says who asks for what, in a page that runs nothing, and begins nothing before the button is pressed', async () => {
    const key = await api.services.keys.create(
      { organisation: 'default', name: '<b>Lorelai</b>', scopes: ['operator'] },
      { kind: 'local', id: 'x', requestId: undefined },
    );
    const link = await begin(await connect('<i>wiki</i>'), key.text);
    expect(link).toMatch(/^http:\/\/127\.0\.0\.1:8799\/api\/v1\/authorisations\/start\?ticket=[\w-]{43}$/);
    const person = visitor(api.request);
    for (let look = 0; look < 3; look += 1) {
      const page = await person.look(link);
      expect(page).toContain('&lt;i&gt;wiki&lt;/i&gt;');
      expect(page).toContain(`&lt;b&gt;Lorelai&lt;/b&gt; (${key.key.id})`);
      expect(page).toContain(`Go on to ${server.issuer}`);
      expect(page).not.toMatch(/<script|<i>|<b>/);
    }
    expect(person.cookies.size).toBe(0);
    const { headers } = await api.request(new URL(link).pathname + new URL(link).search, {});
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    );
    expect(headers.get('referrer-policy')).toBe('same-origin');
    expect(await person.comeBack(await agree(await person.goOn(link)))).toContain('for the key &lt;b&gt;Lorelai&lt;/b&gt;');
  });

  it('is good once, and its cookie is kept from scripts and other sites', async () => {
    const link = await begin(await connect());
    const answer = await post('start', `ticket=${await ticketOf(link)}`);
    expect(answer.status).toBe(200);
    expect(answer.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^authorisation-[0-9A-Z]{26}=[\w-]{43}; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/),
    ]);
    expect(answer.headers.get('content-security-policy')).toContain("form-action 'none'");
    expect(answer.headers.get('referrer-policy')).toBe('no-referrer');
    const again = await post('start', `ticket=${await ticketOf(link)}`);
    expect(again.headers.getSetCookie()).toEqual([]);
    expect(await again.text()).toContain('has been used');
    expect(await visitor(api.request).look(link)).toContain('has been used');
  });

  it('under TLS the cookie has a name that no other host can give', async () => {
    const secure = await openApi({ LORELAI_PUBLIC_URL: 'https://datasources.example.com' });
    try {
      const oauth = {
        flows: ['code'],
        authorization_endpoint: `${server.issuer}/auth`,
        token_endpoint: `${server.issuer}/token`,
        client_id: 'CLIENT_ID',
      };
      await installOAuthProbe(secure.services, { oauth, env_vars: ['CLIENT_ID'] }, loopbackGrant({ authorisation: [server.issuer] }), {
        CLIENT_ID: CLIENT.id,
      });
      const { body } = await secure.call('POST', '/api/v1/connections', { datasource: 'probe', config: { steps: [] } });
      const begun = await secure.call('POST', addressOf(body.id), {});
      const form = { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' } };
      const ticket = await ticketOf(begun.body.attempt.authorizationUrl);
      const answer = await secure.request('/api/v1/authorisations/start', { ...form, body: `ticket=${ticket}` });
      const [cookie = ''] = answer.headers.getSetCookie();
      expect(cookie).toMatch(/^__Host-authorisation-\w+=[\w-]+; Max-Age=600; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
      // One without the prefix could have been planted by a neighbour.
      const [, url = ''] = /content="0;url=([^"]+)"/.exec(await answer.text()) ?? [];
      const state = new URL(url.replaceAll('&amp;', '&')).searchParams.get('state');
      const planted = (cookie.split(';')[0] ?? '').replace('__Host-', '');
      const back = await secure.request(`/api/v1/authorisations/callback?state=${state}&code=x`, { headers: { cookie: planted } });
      expect(await back.text()).toContain('another browser');
    } finally {
      await secure.close();
    }
  });

  it.each([
    ['from a page of another site', 'start', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['from a page that hides where it is', 'start', { origin: 'null' }],
    ['from a page of another site, to bring a connection back', 'reconnect', { origin: 'https://evil.example' }],
  ])('is not followed %s', async (_, kind, headers) => {
    const link = await begin(await connect());
    const answer = await post(kind, `ticket=${await ticketOf(link)}`, headers);
    expect([answer.status, answer.headers.getSetCookie()]).toEqual([403, []]);
    expect(await visitor(api.request).look(link)).toContain('Go on');
  });

  it.each([
    ['no ticket', '', 400],
    ['two tickets', 'ticket=a&ticket=b', 400],
    ['a field too many', 'ticket=a&connection=b', 400],
    ['a ticket of nobody', 'ticket=abc', 200],
    ['a ticket that is too long', `ticket=${'a'.repeat(2_000)}`, 400],
  ])('gives nothing for %s', async (_, body, status) => {
    for (const kind of ['start', 'reconnect']) {
      const answer = await post(kind, body);
      expect([answer.status, answer.headers.getSetCookie()]).toEqual([status, []]);
    }
    expect((await api.request('/api/v1/authorisations/start', { method: 'POST', headers: {}, body: 'ticket=a' })).status).toBe(415);
    expect((await api.request('/api/v1/authorisations/start', {})).status).toBe(400);
  });
});

describe('an attempt that somebody else began', () => {
  it('is not finished by the browser of a victim who was sent straight to the source', async () => {
    const id = await connect();
    const attacker = visitor(api.request);
    const victim = visitor(api.request);
    // The attacker opens their own link, keeps the cookie, and hands the address of the source on.
    const back = await agree(await attacker.goOn(await begin(id)));
    const before = server.tokenRequests.length;
    expect(await victim.comeBack(back)).toContain('another browser');
    expect(server.tokenRequests).toHaveLength(before);
    expect(await statusOf(id)).toMatchObject({
      state: 'none',
      attempt: { state: 'failed', reason: expect.stringContaining('another browser') },
    });
    // Nor by the attacker afterwards, with what the victim's browser was given.
    expect(await attacker.comeBack(back)).toContain('has been used');
    expect(server.tokenRequests).toHaveLength(before);
  });

  it('is not finished with the cookie of another attempt, under either name', async () => {
    const [mine, theirs] = [visitor(api.request), visitor(api.request)];
    await mine.goOn(await begin(await connect()));
    const id = await connect();
    const back = await agree(await theirs.goOn(await begin(id)));
    const [[myName = '', mySecret = ''] = []] = mine.cookies;
    const [theirName = ''] = theirs.cookies.keys();
    mine.cookies.set(theirName, mySecret).set(myName, mySecret);
    expect(await mine.comeBack(back)).toContain('another browser');
    expect(await statusOf(id)).toMatchObject({ state: 'none' });
  });

  it('is not finished before anybody has opened its link', async () => {
    const id = await connect();
    const link = await begin(id);
    const answer = await api.request(`/api/v1/authorisations/callback?state=${await ticketOf(link)}&code=x`, {});
    expect(await answer.text()).toContain('not known');
    expect(await statusOf(id)).toMatchObject({ attempt: { state: 'waiting' } });
  });

  it('is finished in the browser that it was begun in, whatever else is begun there', async () => {
    const person = visitor(api.request);
    const [first, second] = [await connect(), await connect()];
    const back = await agree(await person.goOn(await begin(first)));
    await person.goOn(await begin(second));
    expect(await person.comeBack(back)).toContain('Authorised');
    expect(await statusOf(first)).toMatchObject({ state: 'active' });
  });

  it('is taken once: the same browser is told again how it ended, another one is not', async () => {
    const person = visitor(api.request);
    const back = await agree(await person.goOn(await begin(await connect())));
    expect(await person.comeBack(back)).toContain('Authorised');
    const before = server.tokenRequests.length;
    expect(await person.comeBack(back)).toContain('Authorised');
    expect(await visitor(api.request).comeBack(back)).toContain('has been used');
    expect(server.tokenRequests).toHaveLength(before);
  });
});

describe('a link that brings a connection back', () => {
  it('needs no key, says why, and has the connection go on', async () => {
    const { id, link } = await ended();
    const operator = visitor(api.request);
    const page = await operator.look(link);
    expect(page).toContain('handbook');
    expect(page).toContain('invalid_grant');
    expect(page).toContain(`${ACCOUNT}@acme.example`);
    expect(await statusOf(id)).toMatchObject({ attempt: { state: 'done' } });
    const back = await agree(await operator.goOn(link));
    expect(await operator.comeBack(back)).toContain('for somebody with a link');
    expect(await statusOf(id)).toMatchObject({ state: 'active' });
    expect((await api.call('GET', `/api/v1/connections/${id}/schedule`)).body.paused).toBeUndefined();
    // It has done what it was for.
    expect(await operator.look(link)).toContain('has been used');
    await expect(operator.goOn(link)).rejects.toThrow('not good');
    const { body } = await api.call('GET', '/api/v1/changes?organisation=default&limit=10');
    expect(body.items).toContainEqual(
      expect.objectContaining({ action: 'authorisation.begin', actor: expect.objectContaining({ kind: 'nobody', id: 'reconnect-link' }) }),
    );
  });

  it('goes nowhere but to the origin that its page names', async () => {
    const { id, link } = await ended();
    expect(await visitor(api.request).look(link)).toContain(`Go on to ${server.issuer}<`);
    for (const origin of ['', '&origin=', '&origin=https://elsewhere.example']) {
      const answer = await post('reconnect', `ticket=${await ticketOf(link)}${origin}`);
      expect([await answer.text(), answer.headers.getSetCookie()]).toEqual([expect.stringContaining('not good'), []]);
    }
    expect(await statusOf(id)).toMatchObject({ state: 'paused', attempt: { state: 'done' } });
  });

  it('has no button while it is not known where that would go, and says why', async () => {
    const { link } = await ended();
    const person = visitor(api.request);
    await server.away(async () => {
      const page = await person.look(link);
      expect(page).toContain('It cannot be begun now: The metadata of the authorization server');
      expect(page).not.toContain('<button');
    });
    expect(await person.look(link)).toContain('<button');
  });

  it('is for one browser too: nobody is made to finish what somebody else began', async () => {
    const { id, link } = await ended();
    const back = await agree(await visitor(api.request).goOn(link));
    expect(await visitor(api.request).comeBack(back)).toContain('another browser');
    expect(await statusOf(id)).toMatchObject({ state: 'paused' });
  });

  it('is for one end of an authorisation: a later one needs another link', async () => {
    const { id, link } = await ended();
    const person = visitor(api.request);
    await person.comeBack(await agree(await person.goOn(link)));
    const later = await endedAgain(id);
    expect(later).not.toBe(link);
    expect(await person.look(link)).toContain('not good');
    expect(await person.look(later)).toContain('Go on');
  });

  it('is good for a week', async () => {
    const { id, link } = await ended();
    const database = await openDatabase({ file: join(api.dataDir, 'lorelai.db') });
    const back = async (days: number): Promise<unknown> =>
      database.write([operation(SET_BACK, { connection: id, byMs: days * 24 * 3_600_000 })]);
    try {
      await back(6.9);
      expect(await visitor(api.request).look(link)).toContain('Go on');
      expect(await statusOf(id)).toHaveProperty('reconnectUrl', link);
      await back(0.2);
      expect(await visitor(api.request).look(link)).toContain('not good');
      expect(await statusOf(id)).not.toHaveProperty('reconnectUrl');
    } finally {
      await database.close();
    }
  });

  it('is shown to operators alone, and is written nowhere', async () => {
    const { id, link } = await ended();
    const author = await api.keyWith(['author'], 'default');
    const seen = await api.call('GET', addressOf(id), undefined, { as: author });
    expect(seen.body).toMatchObject({ state: 'paused' });
    expect(seen.body).not.toHaveProperty('reconnectUrl');
    expect(api.logged()).not.toContain(await ticketOf(link));
    expect(api.logged()).toContain('"path":"/api/v1/authorisations');
  });

  it.each([
    ['another connection', ([about, signature]: string[], other: string) => `${about?.replace(/^.*$/, other)}.${signature}`],
    ['no signature', ([about]: string[]) => `${about}.`],
    ['a signature cut short', ([about, signature = '']: string[]) => `${about}.${signature.slice(0, 20)}`],
    [
      'a signature under a key that everybody knows',
      ([about = '']: string[]) => `${about}.${createHmac('sha256', '').update(about).digest('base64url')}`,
    ],
  ])('is worth nothing with %s', async (_, change) => {
    const { id, link } = await ended();
    const other = Buffer.from(JSON.stringify(['default', await connect(), 1])).toString('base64url');
    const ticket = change((await ticketOf(link)).split('.'), other);
    expect(await (await post('reconnect', `ticket=${ticket}&origin=${server.issuer}`)).text()).toContain('not good');
    expect(await statusOf(id)).toMatchObject({ state: 'paused', attempt: { state: 'done' } });
  });

  it('opens no attempt of another kind, and starts none itself', async () => {
    const { link } = await ended();
    expect(await (await post('start', `ticket=${await ticketOf(link)}`)).text()).toContain('not good');
    const start = await begin(await connect());
    expect(await (await post('reconnect', `ticket=${await ticketOf(start)}&origin=${server.issuer}`)).text()).toContain('not good');
  });

  it('takes no other account than the one that authorised before', async () => {
    const { id, link } = await ended();
    server.account = 'mallory';
    try {
      const person = visitor(api.request);
      const page = await person.comeBack(await agree(await person.goOn(link)));
      expect(page).toContain('mallory@acme.example agreed');
      expect(await statusOf(id)).toMatchObject({ state: 'paused', reason: expect.stringContaining('invalid_grant') });
      expect(await statusOf(id)).toHaveProperty('reconnectUrl', link);
    } finally {
      server.account = ACCOUNT;
    }
  });

  it('reaches Lorelai by a notification, signed, once', async () => {
    const stop = new AbortController();
    const working = api.keepAuthorisations(stop.signal);
    try {
      // A host has to have said that it delivers.
      await expect.poll(() => api.logged().length).toBeGreaterThan(0);
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      const { id, link } = await ended();
      const mine = (): typeof told => told.filter(({ text }) => text.includes('authorisation_ended') && text.includes(id));
      await expect.poll(() => mine().length, { timeout: 20_000 }).toBe(1);
      const [{ headers, text } = { headers: {}, text: '{}' }] = mine();
      expect(JSON.parse(text)).toMatchObject({
        id: `${id}.authorisation.1`,
        title: 'Authorisation has ended: handbook',
        message: expect.stringContaining('invalid_grant'),
        data: { org: 'default', connection: id, reconnect_url: link },
      });
      const signed = createHmac('sha256', NOTIFY_KEY)
        .update(`${String(headers['x-lorelai-timestamp'])}.${text}`)
        .digest('hex');
      expect(headers['x-lorelai-signature']).toBe(`sha256=${signed}`);
    } finally {
      stop.abort();
      await working;
    }
  });
});
