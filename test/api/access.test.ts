import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COMMAND_LINE, SCOPES, type Scope } from '../../host/domain/caller.ts';
import type { Route } from '../../host/routes/route.ts';
import { apiRoutes } from '../../host/routes/routes.ts';
import { install, openApi, type Api } from '../helpers/api.ts';

const { routes } = apiRoutes();

/** What a key with one scope alone may do: said here once more, and not taken from the code that decides. */
const MAY: Readonly<Record<Scope, readonly Scope[]>> = {
  admin: ['admin', 'operator', 'author', 'reader', 'metrics'],
  operator: ['operator', 'author', 'reader'],
  author: ['author'],
  reader: ['reader'],
  'on-behalf-of': ['on-behalf-of'],
  metrics: ['metrics'],
};

let api: Api;
/** By scope, then by whose it is. */
const keys = new Map<string, string>();

beforeAll(async () => {
  api = await openApi();
  for (const id of ['own', 'other']) await api.services.organisations.create({ id }, COMMAND_LINE);
  for (const scope of SCOPES) {
    keys.set(`${scope} host`, await api.keyWith([scope]));
    // The host gives no such key to an organisation; the routes must not depend on that.
    if (scope !== 'metrics') keys.set(`${scope} own`, await api.keyWith([scope], 'own'));
  }
});
afterAll(() => api.close());

/** The route's address with ids that lead nowhere. */
function addressOf({ path, access }: Route, organisation: string | undefined): string {
  const inPath = access.kind === 'callers' && typeof access.organisation === 'object' ? access.organisation.path : undefined;
  const address = path.replaceAll(/\{(\w+)\}/g, (_braces, name: string) => (name === inPath ? (organisation ?? 'own') : 'x'));
  const inQuery = access.kind === 'callers' && (access.organisation === 'query' || access.organisation === 'query-or-body');
  return inQuery && organisation !== undefined ? `${address}?organisation=${organisation}` : address;
}

/** The code of the refusal; undefined when the request got past the door, whatever came then. */
async function refusal(route: Route, key: string | null, organisation: string | undefined): Promise<string | undefined> {
  const body = route.body.schema === undefined ? undefined : {};
  const response = await api.call(route.method, addressOf(route, organisation), body, { as: key });
  const code: unknown = response.body?.code;
  const statuses: Record<string, number> = { UNAUTHENTICATED: 401, FORBIDDEN: 403, UNKNOWN_ORGANISATION: 404 };
  if (typeof code !== 'string' || !(code in statuses)) return undefined;
  expect(response.status).toBe(statuses[code]);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(response.headers.get('www-authenticate') !== null).toBe(response.status !== 404);
  return code;
}

/** As the route declares it. */
function expected({ access }: Route, scope: Scope, whose: 'host' | 'own' | 'foreign'): string | undefined {
  if (access.kind === 'open') return undefined;
  if (!access.scopes.some((wanted) => MAY[scope].includes(wanted))) return 'FORBIDDEN';
  if (whose === 'host') return undefined;
  if (access.organisation === 'host') return 'FORBIDDEN';
  const named = typeof access.organisation === 'object' || access.organisation.startsWith('query');
  return whose === 'foreign' && named ? 'UNKNOWN_ORGANISATION' : undefined;
}

describe.each(routes.map((route) => [`${route.method} ${route.path}`, route] as const))('%s', (_name, route) => {
  test('asks everybody who they are, unless it says that it is open', async () => {
    const code = route.access.kind === 'open' ? undefined : 'UNAUTHENTICATED';
    expect(await refusal(route, null, undefined)).toBe(code);
    expect(await refusal(route, 'lorelai_0000000000000000000000000000000000000000000000000', undefined)).toBe(code);
    expect(await refusal(route, 'eyJhbGciOiJub25lIn0.e30.', undefined)).toBe(code);
  });

  test.each(SCOPES)('lets a key with the scope %s alone do what it declares, of its own organisation and of no other', async (scope) => {
    const found = {
      host: await refusal(route, keys.get(`${scope} host`) ?? '', 'own'),
      own: scope === 'metrics' ? undefined : await refusal(route, keys.get(`${scope} own`) ?? '', 'own'),
      unnamed: scope === 'metrics' ? undefined : await refusal(route, keys.get(`${scope} own`) ?? '', undefined),
      foreign: scope === 'metrics' ? undefined : await refusal(route, keys.get(`${scope} own`) ?? '', 'other'),
      missing: scope === 'metrics' ? undefined : await refusal(route, keys.get(`${scope} own`) ?? '', 'nobody'),
    };
    const own = scope === 'metrics' ? undefined : expected(route, scope, 'own');
    const foreign = scope === 'metrics' ? undefined : expected(route, scope, 'foreign');
    expect(found).toEqual({ host: expected(route, scope, 'host'), own, unnamed: own, foreign, missing: foreign });
  });
});

test('only the health of the host, its description and what proves itself otherwise is open', () => {
  const open = routes.filter(({ access }) => access.kind === 'open').map(({ path }) => path);
  // By a signature, a ticket, or a cookie: test/api/webhooks.test.ts, browser-links.test.ts.
  const links = ['start', 'reconnect'].map((kind) => `/api/v1/authorisations/${kind}`);
  const callbacks = ['/api/v1/authorisations/callback', '/v1/oauth/{datasource}/callback'];
  const others = open.filter((path) => ![...links, ...callbacks, '/webhooks/{connection}'].includes(path));
  expect(others).toEqual(['/healthz', '/readyz', '/openapi.json']);
});

describe('things of another organisation', () => {
  const ids: Record<string, { foreign: string; missing: string }> = {};
  let admin: string;

  beforeAll(async () => {
    await install(api, 'hello');
    const { services } = api;
    const connection = await services.connections.create('other', { datasource: 'hello' }, COMMAND_LINE);
    const run = await services.runs.start('other', connection.id, {}, COMMAND_LINE);
    const { key } = await services.keys.create({ organisation: 'other', name: 'other', scopes: ['reader'] }, COMMAND_LINE);
    const missing = '01KATM4X7Z6V0R1Q2W3E4R5T6Y';
    Object.assign(ids, {
      connections: { foreign: connection.id, missing },
      runs: { foreign: run.id, missing },
      keys: { foreign: key.id, missing },
    });
    admin = await api.keyWith(['admin'], 'own');
  });

  const byId = routes.filter(({ path, access }) => access.kind === 'callers' && /^\/api\/v1\/(connections|runs|keys)\/\{/.test(path));
  test.each(byId.map((route) => [`${route.method} ${route.path}`, route] as const))(
    'are to %s what things that are not there are',
    async (_name, route) => {
      const kind = route.path.split('/')[3] ?? '';
      const answer = async (id: string): Promise<unknown> => {
        const path = route.path.replace(/\{\w+\}/, id).replaceAll(/\{\w+\}/g, 'x');
        const { status, body } = await api.call(route.method, path, route.body.schema === undefined ? undefined : {}, { as: admin });
        return JSON.parse(JSON.stringify({ status, body: { ...body, requestId: '' } }).replaceAll(id, 'ID'));
      };
      const { foreign = '', missing = '' } = ids[kind] ?? {};
      const found = await answer(foreign);
      expect(found).toEqual(await answer(missing));
      expect(found).toMatchObject({ status: expect.toSatisfy((status: number) => [400, 404].includes(status)) });
    },
  );

  test('are not in any list', async () => {
    const lists = routes.filter(({ method, path, access }) => method === 'GET' && access.kind === 'callers' && !path.includes('{'));
    for (const { path } of lists.filter(({ path: address }) => address !== '/metrics')) {
      const { body } = await api.call('GET', path, undefined, { as: admin });
      const text = JSON.stringify(body);
      for (const { foreign } of Object.values(ids)) expect(text, path).not.toContain(foreign);
      expect(text, path).not.toContain('"other"');
    }
  });
});

test('what operators do and somebody was refused is in the log of whoever asked', async () => {
  const reader = await api.keyWith(['reader'], 'own');
  await api.call('DELETE', '/api/v1/connections/x', undefined, { as: reader, headers: { 'x-request-id': 'refused-1' } });
  const { items } = await api.services.changes.list('own', { limit: 1 });
  expect(items).toMatchObject([
    {
      action: 'access.refuse',
      target: 'operation/deleteConnection',
      actor: { kind: 'key', requestId: 'refused-1' },
      after: { code: 'FORBIDDEN' },
    },
  ]);
});

test('addresses that are not there are told to nobody unknown', async () => {
  expect((await api.call('GET', '/api/v1/nothing', undefined, { as: null })).status).toBe(401);
  expect((await api.call('PUT', '/api/v1/connections', undefined, { as: null })).status).toBe(401);
  expect((await api.call('GET', '/api/v1/nothing')).status).toBe(404);
  expect((await api.call('PUT', '/api/v1/connections')).status).toBe(405);
});
