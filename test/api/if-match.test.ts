import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COMMAND_LINE } from '../../host/domain/caller.ts';
import { makeSigningKey } from '../../host/domain/signing-key.ts';
import { apiRoutes } from '../../host/routes/routes.ts';
import { install, openApi, type Api } from '../helpers/api.ts';
import { installOAuthProbe, loopbackGrant } from '../helpers/oauth-datasource.ts';
import { ISSUER, startSigstore, type SigstoreInstance } from '../helpers/sigstore.ts';
import { smallDatasource } from '../helpers/small-datasource.ts';

type Call = [method: string, path: string, body?: unknown];

/** One change, what shows its thing, and another change of the same thing. */
interface Case {
  read: string;
  change: Call;
  meanwhile: Call;
}

let api: Api;
let instance: SigstoreInstance;
let count = 0;

beforeAll(async () => {
  api = await openApi({ LORELAI_PUBLIC_URL: 'http://127.0.0.1:8799' });
  instance = await startSigstore();
  await install(api, 'hello');
  const oauth = {
    flows: ['code'],
    authorization_endpoint: 'http://127.0.0.1:9/authorize',
    token_endpoint: 'http://127.0.0.1:9/token',
    client_id: 'CLIENT_ID',
    resources: { endpoint: 'http://127.0.0.1:9/sites', config_key: 'cloud_id' },
  };
  const grant = loopbackGrant({ authorisation: ['http://127.0.0.1:9'] });
  await installOAuthProbe(api.services, { oauth, env_vars: ['CLIENT_ID'] }, grant, { CLIENT_ID: 'x' });
});
afterAll(() => api.close());

async function made(path: string, body: object): Promise<string> {
  const answer = await api.call('POST', path, body);
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return (answer.body.key ?? answer.body).id;
}

async function ofConnection(change: (path: string) => Call, read = (path: string): string => path): Promise<Case> {
  const path = `/api/v1/connections/${await made('/api/v1/connections', { datasource: 'probe', config: { steps: [] } })}`;
  return { read: read(path), change: change(path), meanwhile: ['POST', `${path}/pause`] };
}

async function ofPerson(change: (path: string) => Call): Promise<Case> {
  const email = `p${(count += 1)}@acme.example`;
  await made('/api/v1/people', { email });
  const path = `/api/v1/people/${email}`;
  return { read: path, change: change(path), meanwhile: ['PATCH', path, { name: 'Meanwhile' }] };
}

async function ofKey(change: (path: string) => Call): Promise<Case> {
  const path = `/api/v1/keys/${await made('/api/v1/keys', { name: 'x', scopes: ['reader'], organisation: 'default' })}`;
  return { read: path, change: change(path), meanwhile: ['POST', `${path}/rotate`] };
}

async function ofDatasource(change: (path: string) => Call, versions: readonly string[] = ['1.0.0']): Promise<Case> {
  const name = `small_${(count += 1)}`;
  const grant = { http: { origins: [], privateNetworks: [] }, storage: false, limits: {} };
  for (const version of versions) await api.services.registry.install(await smallDatasource({ name, version }), grant, COMMAND_LINE);
  const path = `/api/v1/datasources/${name}`;
  return { read: path, change: change(path), meanwhile: ['PUT', `${path}/grant`, { ...grant, limits: { callTimeoutMs: 1_000 } }] };
}

async function ofVersion(change: (path: string) => Call, more = ''): Promise<Case> {
  const known = await ofDatasource(change);
  const component = await smallDatasource({ name: known.read.split('/').at(-1) ?? '', version: '1.1.0', manifest: more });
  await api.services.versions.add(component, 'a test', COMMAND_LINE);
  return known;
}

async function ofTrust(change: (id: string) => Call): Promise<Case> {
  const { body } = await api.call('POST', '/api/v1/trusted-keys', newKey());
  return { read: '/api/v1/trusted-keys', change: change(body.id), meanwhile: ['POST', '/api/v1/trusted-keys', newKey()] };
}

async function ofRoots(change: (path: string) => Call): Promise<Case> {
  const path = await putRoot();
  return { read: '/api/v1/sigstore-roots', change: change(path), meanwhile: ['PUT', path, { trustedRoot: instance.root() }] };
}

async function ofIdentities(change: (id: string) => Call): Promise<Case> {
  await putRoot();
  const { body } = await api.call('POST', '/api/v1/trusted-identities', newIdentity());
  return { read: '/api/v1/trusted-identities', change: change(body.id), meanwhile: ['POST', '/api/v1/trusted-identities', newIdentity()] };
}

async function putRoot(): Promise<string> {
  const path = '/api/v1/sigstore-roots/acme';
  expect((await api.call('PUT', path, { trustedRoot: instance.root() })).status).toBe(200);
  return path;
}

const variables = (path: string): Case => ({
  read: path,
  change: ['PATCH', path, { values: { CLIENT_ID: 'mine' } }],
  meanwhile: ['PATCH', path, { values: { CLIENT_ID: 'theirs' } }],
});

/** By operation. */
const CASES: Readonly<Record<string, () => Promise<Case> | Case>> = {
  changeConnection: () => ofConnection((path) => ['PATCH', path, { name: 'mine' }]),
  deleteConnection: () => ofConnection((path) => ['DELETE', path]),
  beginAuthorisation: () =>
    ofConnection(
      (path) => ['POST', `${path}/authorisation`, {}],
      (path) => `${path}/authorisation`,
    ),
  revokeConnection: () => ofConnection((path) => ['POST', `${path}/revoke`]),
  changeSchedule: () =>
    ofConnection(
      (path) => ['PATCH', `${path}/schedule`, { prune: 'off' }],
      (path) => `${path}/schedule`,
    ),
  pauseConnection: () =>
    ofConnection(
      (path) => ['POST', `${path}/pause`],
      (path) => `${path}/schedule`,
    ),
  resumeConnection: () => ofConnection((path) => ['POST', `${path}/resume`]),
  openWebhook: () =>
    ofConnection(
      (path) => ['POST', `${path}/webhook`, {}],
      (path) => `${path}/webhook`,
    ),
  closeWebhook: () =>
    ofConnection(
      (path) => ['DELETE', `${path}/webhook`],
      (path) => `${path}/webhook`,
    ),
  setConnectionAccess: () =>
    ofConnection(
      (path) => ['PATCH', `${path}/access`, { maxAgeHours: 5 }],
      (path) => `${path}/access`,
    ),
  lorelaiRevoke: () => ofConnection((path) => ['POST', `${path.replace('/api', '')}/revoke`]),
  lorelaiSelect: () =>
    ofConnection(
      (path) => ['PUT', `${path.replace('/api', '')}/selection`, { items: [] }],
      (path) => `${path.replace('/api', '')}/selection`,
    ),
  lorelaiUnselect: () => ofConnection((path) => ['DELETE', `${path.replace('/api', '')}/selection`]),
  changePerson: () => ofPerson((path) => ['PATCH', path, { name: 'Mine' }]),
  deletePerson: () => ofPerson((path) => ['DELETE', path]),
  rotateKey: () => ofKey((path) => ['POST', `${path}/rotate`]),
  revokeKey: () => ofKey((path) => ['POST', `${path}/revoke`]),
  setVariables: () => variables('/api/v1/datasources/probe/variables'),
  setHostVariables: () => variables('/api/v1/datasources/probe/host-variables'),
  setFeature: () => {
    const path = '/api/v1/datasources/hello/features/greetings';
    return { read: path, change: ['POST', path, { enabled: true }], meanwhile: ['POST', path, { enabled: false }] };
  },
  setGrant: () => ofDatasource((path) => ['PUT', `${path}/grant`, { limits: { callTimeoutMs: 2_000 } }]),
  enableDatasource: async () => {
    const known = await ofDatasource((path) => ['POST', `${path}/enable`, {}]);
    await api.call('POST', `${known.read}/disable`, {});
    return known;
  },
  disableDatasource: () => ofDatasource((path) => ['POST', `${path}/disable`, {}]),
  rollbackDatasource: () => ofDatasource((path) => ['POST', `${path}/rollback`], ['1.0.0', '1.1.0']),
  removeDatasource: () => ofDatasource((path) => ['DELETE', path]),
  upgradeDatasource: () => ofVersion((path) => ['POST', `${path}/upgrade`, {}]),
  approveVersion: async () => {
    const asks = 'capabilities: { http: [{ origin: https://new.example.com, reason: Reads. }] }\n';
    const known = await ofVersion((path) => ['POST', `${path}/versions/1.1.0/approval`, {}], asks);
    expect((await api.call('POST', `${known.read}/upgrade`, {})).body).toMatchObject({ code: 'APPROVAL_NEEDED' });
    return known;
  },
  trustKey: () => ofTrust(() => ['POST', '/api/v1/trusted-keys', newKey()]),
  putSigstoreRoot: () => ofRoots((path) => ['PUT', path, { trustedRoot: instance.root() }]),
  removeSigstoreRoot: () => ofRoots((path) => ['DELETE', path]),
  trustIdentity: () => ofIdentities(() => ['POST', '/api/v1/trusted-identities', newIdentity()]),
  distrustIdentity: () => ofIdentities((id) => ['DELETE', `/api/v1/trusted-identities/${id}`]),
  distrustKey: () => ofTrust((id) => ['DELETE', `/api/v1/trusted-keys/${id}`]),
};

function newIdentity(): object {
  const { publisher, ...more } = newNames();
  return { publisher, ...more, root: 'acme', issuer: ISSUER, subject: `https://github.example/${publisher}` };
}

function newKey(): object {
  return { ...newNames(), publicKey: makeSigningKey().publicKey.text };
}

/** Names that are not alike. */
function newNames(): { publisher: string; names: string[]; allowLookAlike: true } {
  const name = Math.random().toString(36).slice(2, 12);
  return { publisher: `by${name}`, names: [`of${name}`], allowLookAlike: true };
}

const tagOf = async (read: string): Promise<string> => {
  const { status, headers, body } = await api.call('GET', read);
  expect(status, JSON.stringify(body)).toBe(200);
  return headers.get('etag') ?? 'none';
};
const send = ([method, path, body]: Call, tag?: string): ReturnType<Api['call']> =>
  api.call(method, path, body, tag === undefined ? {} : { headers: { 'if-match': tag } });

describe.each(Object.entries(CASES))('%s', (_operation, prepare) => {
  test('takes effect in the state that was read, and in no other', async () => {
    const { read, change, meanwhile } = await prepare();
    const before = await tagOf(read);
    expect(before).toMatch(/^"\d+"$/);
    expect((await send(meanwhile)).status).toBeLessThan(300);
    const now = await tagOf(read);
    expect(now).not.toBe(before);
    expect(await send(change, before)).toMatchObject({ status: 412, body: { code: 'CHANGED_MEANWHILE' } });
    expect(await tagOf(read)).toBe(now);
    const done = await send(change, now);
    expect(done.status, JSON.stringify(done.body)).toBeLessThan(300);
    const tag = done.headers.get('etag');
    if (tag !== null) expect(await tagOf(read)).toBe(tag);
  });

  test('is decided in its own transaction, not by a look before', async () => {
    const { read, change, meanwhile } = await prepare();
    const before = await tagOf(read);
    await send(meanwhile);
    const now = await tagOf(read);
    const { verifyExpected } = api.services.changes;
    api.services.changes.verifyExpected = () => Promise.resolve();
    try {
      expect(await send(change, before)).toMatchObject({ status: 412, body: { code: 'CHANGED_MEANWHILE' } });
      expect(await tagOf(read)).toBe(now);
    } finally {
      api.services.changes.verifyExpected = verifyExpected;
    }
  });
});

test('every operation that takes If-Match is tried, but for the choice of a site, which needs a source', () => {
  const taking = apiRoutes().routes.flatMap(({ conditional, operationId }) => (conditional ? [operationId] : []));
  expect([...Object.keys(CASES), 'chooseAuthorisation'].toSorted()).toEqual(taking.toSorted());
});

test('what would change nothing is refused in another state all the same', async () => {
  const { read, meanwhile } = await ofDatasource((path) => ['POST', `${path}/enable`, {}]);
  const before = await tagOf(read);
  await send(meanwhile);
  const enable: Call = ['POST', `${read}/enable`, {}];
  expect((await send(enable, before)).status).toBe(412);
  const { verifyExpected } = api.services.changes;
  // As if the change of the other had come after the first look.
  let looks = 0;
  api.services.changes.verifyExpected = (expects) => ((looks += 1) === 1 ? Promise.resolve() : verifyExpected(expects));
  try {
    expect((await send(enable, before)).status).toBe(412);
  } finally {
    api.services.changes.verifyExpected = verifyExpected;
  }
  expect((await send(enable, await tagOf(read))).status).toBe(200);
});

test('of changes that come at the same moment for the same state one is made', async () => {
  const { read } = await ofPerson((path) => ['PATCH', path]);
  const tag = await tagOf(read);
  const changes = await Promise.all(['a', 'b', 'c', 'd'].map((name) => send(['PATCH', read, { name }], tag)));
  expect(changes.map(({ status }) => status).toSorted()).toEqual([200, 412, 412, 412]);
});

test('a state says nothing of things of other organisations', async () => {
  await api.call('POST', '/api/v1/organisations', { id: 'rival' });
  const rival = await api.keyWith(['admin'], 'rival');
  const { read } = await ofConnection((path) => ['PATCH', path]);
  const tag = await tagOf(read);
  const answers = await Promise.all(
    [tag, '"1"', '"999"'].flatMap((guess) =>
      [read, '/api/v1/connections/01KATM4X7Z6V0R1Q2W3E4R5T6Y'].map((path) =>
        api.call('PATCH', path, { name: 'x' }, { as: rival, headers: { 'if-match': guess } }),
      ),
    ),
  );
  expect(new Set(answers.map(({ status, body }) => `${status} ${body.code}`))).toEqual(new Set(['404 UNKNOWN_CONNECTION']));
});
