import { randomBytes } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readConfig } from '../../host/config.ts';
import { ensureDefaultOrganisation } from '../../host/default-organisation.ts';
import { createLog } from '../../host/log.ts';
import { openServices } from '../../host/services/open.ts';
import { adminKeyEnv, ADMIN_KEY } from '../helpers/admin-key.ts';
import { callApi, endOfRun } from '../helpers/api-client.ts';
import { type AuthorizationServer, startAuthorizationServer } from '../helpers/authorization-server.ts';
import { openBrowser } from '../helpers/browser.ts';
import { type HostProcess, startHostProcess } from '../helpers/host-process.ts';
import { installOAuthProbe, loopbackGrant } from '../helpers/oauth-datasource.ts';
import { descendantsOf } from '../helpers/processes.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';
import { visitor } from '../helpers/visitor.ts';

const PUBLIC_URL = 'http://127.0.0.1:8799';
const REDIRECT_URI = `${PUBLIC_URL}/api/v1/authorisations/callback`;
/** Nothing that a host writes may hold one of these, however it is written down. */
const SECRETS = {
  credential: `canary-credential-${randomBytes(8).toString('hex')}`,
  replaced: `canary-replaced-${randomBytes(8).toString('hex')}`,
  clientSecret: `canary-client-secret-${randomBytes(8).toString('hex')}`,
  webhook: `canary-webhook-${randomBytes(8).toString('hex')}`,
  basic: `canary-user:canary-password-${randomBytes(8).toString('hex')}`,
};

let dataDir: string;
let scratch: string;
let server: AuthorizationServer;
let source: Upstream;
let host: HostProcess;
/** Tokens that the authorization server made. */
const tokens: string[] = [];
/** Everything that the host said or showed: answers, errors, metrics, records, pages. */
const said: string[] = [];
/** Arguments and environments of everything that the host started. */
const processes: string[] = [];

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'canary-'));
  dataDir = join(scratch, 'data');
  const client = {
    client_id: 'the-client',
    client_secret: SECRETS.clientSecret,
    redirect_uris: [REDIRECT_URI],
    grant_types: ['authorization_code', 'refresh_token'],
  };
  server = await startAuthorizationServer({
    redirectUris: [REDIRECT_URI],
    accessTokenSeconds: 4,
    clients: [{ ...client, token_endpoint_auth_method: 'client_secret_post' }],
  });
  server.provider.on('access_token.saved', (token) => void tokens.push(token.jti));
  server.provider.on('refresh_token.saved', (token) => void tokens.push(token.jti));
  // Echoes what it was sent in every way, and looks meanwhile at what the host has started.
  source = await startUpstream((request, response) => {
    void lookAtProcesses().then(() => {
      const { authorization = '' } = request.headers;
      response.setHeader('x-echo', authorization);
      response
        .writeHead(request.url === '/refuse' ? 401 : 200)
        .end(JSON.stringify({ authorization, base64: Buffer.from(authorization).toString('base64') }));
    });
  });
  await prepare();
  host = await startHostProcess({ dataDir, env: { LOG_LEVEL: 'debug', LORELAI_PUBLIC_URL: PUBLIC_URL } });
});

afterAll(async () => {
  await source.close();
  await server.close();
  await rm(scratch, { recursive: true, force: true });
});

async function prepare(): Promise<void> {
  const { services, close } = await openServices(
    readConfig({ DATA_DIR: dataDir }),
    createLog({ level: 'error', pretty: false, write: () => undefined }),
  );
  await ensureDefaultOrganisation(services);
  const oauth = { issuer: '{auth_url.origin}', client_id: 'CLIENT_ID', client_secret: 'CLIENT_SECRET', extra_scopes: ['offline_access'] };
  await installOAuthProbe(services, { oauth }, loopbackGrant({ http: [source.origin], authorisation: [server.issuer] }));
  await close();
}

async function lookAtProcesses(): Promise<void> {
  for (const pid of await descendantsOf(host.pid)) {
    for (const file of ['cmdline', 'environ']) processes.push(await readFile(`/proc/${pid}/${file}`, 'latin1').catch(() => ''));
  }
  processes.push(await readFile(`/proc/${host.pid}/cmdline`, 'latin1'));
}

/** Asks without judging, and keeps what came back. */
async function ask(method: string, path: string, body?: unknown): Promise<string> {
  const response = await fetch(`${host.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  said.push(JSON.stringify([...response.headers]), text);
  return text;
}

/** A connection that sends its credential to the source, and says what came back. */
async function connect(extra: object): Promise<string> {
  const steps = ['/items', '/refuse'].map((path) => ({ do: 'http', url: `${source.origin}${path}` }));
  const config = { auth_url: server.issuer, base_url: source.origin, steps: [...steps, { do: 'log', lines: 1, message: 'a line' }] };
  const made: { id: string } = JSON.parse(await ask('POST', '/api/v1/connections', { datasource: 'probe', config, ...extra }));
  return made.id;
}

async function run(id: string): Promise<void> {
  const begun: { id: string } = JSON.parse(await ask('POST', `/api/v1/connections/${id}/runs`, {}));
  await endOfRun(host.url, begun.id);
  await ask('GET', `/api/v1/runs/${begun.id}`);
}

async function authorise(id: string): Promise<void> {
  const begun: { attempt: { authorizationUrl: string } } = JSON.parse(await ask('POST', `/api/v1/connections/${id}/authorisation`, {}));
  const person = visitor((path, init) => fetch(`${host.url}${path}`, init));
  said.push(await person.look(begun.attempt.authorizationUrl));
  const back = await openBrowser().follow(await person.goOn(begun.attempt.authorizationUrl), REDIRECT_URI);
  said.push(await person.comeBack(back));
}

/** Every way in which a secret passes, well and badly. */
async function useEverything(): Promise<void> {
  await ask('PATCH', '/api/v1/datasources/probe/host-variables', {
    values: { CLIENT_ID: 'the-client', CLIENT_SECRET: SECRETS.clientSecret },
  });
  const byHand = await connect({ credential: SECRETS.credential });
  await run(byHand);
  await ask('POST', `/api/v1/connections/${byHand}/check`);
  await ask('PATCH', `/api/v1/connections/${byHand}`, { credential: SECRETS.replaced });
  await ask('PATCH', `/api/v1/connections/${byHand}`, { credential: SECRETS.basic });
  await run(byHand);
  await ask('POST', `/api/v1/connections/${byHand}/webhook`, { secret: SECRETS.webhook });
  const byToken = await connect({});
  await authorise(byToken);
  await run(byToken);
  // Refreshed at least once, by the host itself or by the run.
  await expect.poll(() => server.tokenRequests.includes('refresh_token'), { timeout: 20_000 }).toBe(true);
  await run(byToken);
  for (const broken of [`{"credential":"${SECRETS.credential}"`, { credential: [SECRETS.credential] }, { credentials: SECRETS.credential }])
    await ask('PATCH', `/api/v1/connections/${byHand}`, broken);
  await ask('PATCH', '/api/v1/datasources/probe/host-variables', { values: { CLIENT_SECRET: [SECRETS.clientSecret] } });
  await ask('GET', `/api/v1/authorisations/callback?state=${SECRETS.credential}&code=${SECRETS.clientSecret}`);
  await server.forgetGrants();
  await expect
    .poll(async () => (await ask('GET', `/api/v1/connections/${byToken}/authorisation`)).includes('paused'), { timeout: 30_000 })
    .toBe(true);
  await ask('POST', `/api/v1/connections/${byToken}/check`);
  await authorise(byToken);
  for (const path of ['/metrics', '/openapi.json', '/reference', '/api/v1/connections', '/api/v1/changes', '/api/v1/datasources'])
    await ask('GET', path);
  for (const id of [byHand, byToken]) await ask('GET', `/api/v1/connections/${id}/audit?limit=200`);
  await ask('POST', '/api/v1/retrieve', { question: 'authorization canary' });
  await ask('POST', `/api/v1/connections/${byHand}/revoke`);
}

async function filesOf(folder: string): Promise<[string, Buffer][]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(files.map(async (file): Promise<[string, Buffer]> => [file, await readFile(file)]));
}

/** As somebody would write it down who does not mean to. */
function spellings(secret: string): Buffer[] {
  const within = (before: number): string =>
    Buffer.concat([Buffer.alloc(before), Buffer.from(secret)])
      .toString('base64')
      .slice(before === 0 ? 0 : before + 1, -4);
  return [secret, encodeURIComponent(secret), Buffer.from(secret).toString('hex'), within(0), within(1), within(2)].map((text) =>
    Buffer.from(text),
  );
}

it('writes no secret anywhere: not in its files, its log, its answers, nor in what its processes are started with', async () => {
  await useEverything();
  const dump = join(scratch, 'dump.db');
  const database = new Libsql(join(dataDir, 'lorelai.db'));
  database.exec(`VACUUM INTO '${dump}'`);
  database.close();
  // Killed, so that the write-ahead log stays behind with all that it holds.
  await host.kill();
  const kept = /master\.key$|test-admin\.key$/;
  const files = (await filesOf(dataDir)).filter(([file]) => !kept.test(file));
  const masterKey = (await readFile(join(dataDir, 'master.key'), 'utf8')).trim();
  const looked: [string, Buffer][] = [
    ...files,
    ['the dump', await readFile(dump)],
    ['the log', Buffer.from(host.log())],
    ['the answers', Buffer.from(said.join('\n'))],
    ['the processes', Buffer.from(processes.join('\n'), 'latin1')],
  ];
  expect(files.map(([file]) => file).some((file) => file.endsWith('lorelai.db-wal'))).toBe(true);
  expect(processes.length).toBeGreaterThan(10);
  expect(tokens.length).toBeGreaterThanOrEqual(4);
  const secrets = {
    ...SECRETS,
    masterKey,
    password: SECRETS.basic.split(':')[1] ?? '',
    ...Object.fromEntries(tokens.map((token, at) => [`token ${at}`, token])),
  };
  const found = Object.entries(secrets).flatMap(([name, secret]) =>
    looked.flatMap(([where, bytes]) => (spellings(secret).some((spelling) => bytes.includes(spelling)) ? [`${name} in ${where}`] : [])),
  );
  expect(found).toEqual([]);
  // The source did see them, so that the search is not for something that never was.
  const sent = source.requests.map((request) => request.headers.authorization ?? '').join('\n');
  for (const secret of [SECRETS.credential, SECRETS.basic]) expect(sent).toContain(secret);
  expect(tokens.some((token) => sent.includes(token))).toBe(true);
}, 150_000);

it('opens everything again from a backup and its key, and nothing without the key', async () => {
  const restored = join(scratch, 'restored');
  await cp(dataDir, restored, { recursive: true });
  await rm(join(restored, 'lorelai.db-wal'), { force: true });
  await rm(join(restored, 'lorelai.db-shm'), { force: true });
  await cp(join(scratch, 'dump.db'), join(restored, 'lorelai.db'));
  const second = await startHostProcess({ dataDir: restored, env: { LOG_LEVEL: 'warn', LORELAI_PUBLIC_URL: PUBLIC_URL } });
  const { items }: { items: { id: string; hasCredential: boolean }[] } = await callApi(`${second.url}/api/v1/connections`);
  const [withToken] = items.filter(({ hasCredential }) => hasCredential);
  const check: { ready: boolean } = await callApi(`${second.url}/api/v1/connections/${withToken?.id}/check`, { method: 'POST' });
  expect(check.ready).toBe(true);
  expect(await second.stop()).toBe(0);
  await rm(join(restored, 'master.key'));
  const { LORELAI_ADMIN_KEY_FILE } = await adminKeyEnv(restored);
  const third = await startHostProcess({
    dataDir: restored,
    env: { LOG_LEVEL: 'warn', LORELAI_ADMIN_KEY_FILE, LORELAI_PUBLIC_URL: PUBLIC_URL },
  });
  await expect(callApi(`${third.url}/api/v1/connections/${withToken?.id}/check`, { method: 'POST' })).rejects.toThrow(/CREDENTIAL_MISSING/);
  await third.stop();
}, 120_000);
