import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isJsonObject } from '../../host/domain/json.ts';
import { install, openApi, type Api } from '../helpers/api.ts';

/** Stands in everything that the one organisation has, and must stand in nothing that the other one is answered. */
const CANARY = 'quagga';

/** What an operation is called with to reach for what is not the caller's: by operationId, bodies that would be good for the owner. */
const BODIES: Readonly<Record<string, unknown>> = {
  retrieve: { question: `${CANARY} plan`, k: 100 },
  createConnection: { datasource: 'probe' },
  changeConnection: { name: 'taken over' },
  setConnectionAccess: { maxAgeHours: 1 },
  createPerson: { email: 'own@rival.example' },
  importPeople: { people: [{ email: 'other@rival.example' }] },
  changePerson: { name: 'taken over' },
  createOrganisation: { id: 'third' },
  createKey: { name: 'own', scopes: ['reader'] },
  setFeature: { enabled: true },
};

/** Operations about the whole host, where there is nothing to cross: they are held to be for callers of the host by the table of routes. */
const OF_THE_HOST = ['getHealth', 'getReadiness', 'getMetrics', 'getOpenApi', 'createOrganisation', 'listOrganisations'];

let api: Api;
/** Of the owner, by the name of the path's parameter or by the collection that the path is of. */
const owned: Record<string, string> = {};

beforeAll(async () => {
  api = await openApi();
  await install(api, 'probe');
  for (const id of ['acme', 'rival']) await api.call('POST', '/api/v1/organisations', { id });
  const steps = [{ do: 'documents', count: 3, text: `The ${CANARY} plan number {number}.` }];
  const config = { steps };
  const connection = await api.call('POST', '/api/v1/connections?organisation=acme', {
    datasource: 'probe',
    name: `${CANARY} wiki`,
    config,
  });
  const run = await api.call('POST', `/api/v1/connections/${connection.body.id}/runs?organisation=acme`);
  await api.work();
  const person = await api.call('POST', '/api/v1/people?organisation=acme', { email: `ada@${CANARY}.example`, name: CANARY });
  const key = await api.call('POST', '/api/v1/keys?organisation=acme', { name: CANARY, scopes: ['reader'] });
  const hits = (await api.call('POST', '/api/v1/retrieve?organisation=acme', { question: CANARY })).body.hits;
  expect(hits).toHaveLength(3);
  Object.assign(owned, {
    connections: connection.body.id,
    runs: run.body.id,
    people: person.body.id,
    keys: key.body.key.id,
    documents: hits[0].documentId,
    // Both have the datasource: what is asked for is the other's part of it.
    datasources: 'probe',
    organisations: 'acme',
  });
});
afterAll(() => api.close());

interface Operation {
  operationId: string;
  method: string;
  path: string;
  parameters: { name: string; in: string }[];
}

async function operations(): Promise<Operation[]> {
  const document: unknown = JSON.parse(await readFile(join(import.meta.dirname, '../../docs/reference/openapi.json'), 'utf8'));
  const paths = isJsonObject(document) && isJsonObject(document.paths) ? document.paths : {};
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(isJsonObject(methods) ? methods : {}).map(([method, operation]) => {
      const { operationId, parameters } = operation as unknown as Operation;
      return { operationId, method: method.toUpperCase(), path, parameters };
    }),
  );
}

/** The path with what the owner has in the places of its parameters. */
function pathOf({ path }: Operation): string {
  return path.replaceAll(
    /([a-z-]+)\/\{(\w+)\}/g,
    (_, collection: string, name: string) => `${collection}/${owned[collection] ?? (name === 'feature' ? 'items' : 'unknown')}`,
  );
}

/** All that the owner can see of what it has. */
async function state(): Promise<unknown> {
  return Promise.all(
    [
      `/api/v1/connections/${owned.connections}?organisation=acme`,
      `/api/v1/connections/${owned.connections}/access?organisation=acme`,
      `/api/v1/runs/${owned.runs}?organisation=acme`,
      `/api/v1/people/${owned.people}?organisation=acme`,
      `/api/v1/connections?organisation=acme`,
      `/api/v1/people?organisation=acme`,
      `/api/v1/runs?organisation=acme`,
    ].map(async (path) => (await api.call('GET', path)).body),
  );
}

test('no operation of the API lets one organisation see or change anything of another', async () => {
  const all = await operations();
  expect(all.length).toBeGreaterThan(25);
  const before = await state();
  const tried: string[] = [];
  const rival = await api.keyWith(['admin', 'on-behalf-of'], 'rival');
  for (const operation of all) {
    const { operationId, method, parameters } = operation;
    if (OF_THE_HOST.includes(operationId) || operation.path.startsWith('/webhooks/')) continue;
    const named = new URLSearchParams();
    if (parameters.some(({ name }) => name === 'organisation')) named.set('organisation', 'rival');
    if (operationId === 'explainAccess') named.set('principal', 'email:a@b.example');
    // What names its organisation nowhere is asked by a caller of the other one.
    const body = BODIES[operationId] ?? (method === 'GET' || method === 'DELETE' ? undefined : {});
    const as = parameters.some(({ name }) => name === 'organisation') ? {} : { as: rival };
    const response = await api.call(method, `${pathOf(operation)}?${named}`, body, as).catch((error: unknown) => {
      throw new Error(`${operationId}: ${String(error)}`, { cause: error });
    });
    // The probe's own manifest and flags belong to the host, and an organisation is named in its own path.
    if (operation.path.startsWith('/api/v1/datasources') || operation.path.startsWith('/api/v1/organisations')) continue;
    tried.push(operationId);
    expect(response.status, `${operationId} must not fail by itself`).toBeLessThan(500);
    expect(JSON.stringify(response.body ?? ''), operationId).not.toContain(CANARY);
    for (const id of Object.values({ ...owned, datasources: '~', organisations: '~' })) {
      // A refusal may name what was asked for, and nothing else.
      if (response.status < 300) expect(JSON.stringify(response.body ?? ''), operationId).not.toContain(id);
    }
    // The page that a browser comes back to names a datasource, and is bound to what it was sent away with.
    if (/\{\w+\}/.test(operation.path) && !/datasources|\/oauth\//.test(operation.path))
      expect(response.status, operationId).toBeGreaterThanOrEqual(400);
  }
  expect(tried).toEqual(
    expect.arrayContaining(['retrieve', 'explainAccess', 'getPerson', 'changeConnection', 'startRun', 'listAuditEvents', 'deletePerson']),
  );
  expect(await state()).toEqual(before);
});

test('the same words in another organisation are neither found nor counted', async () => {
  const found = await api.call('POST', '/api/v1/retrieve?organisation=rival', { question: CANARY, k: 100 });
  expect(found.body.hits).toEqual([]);
  expect(
    await api.call('POST', '/api/v1/retrieve?organisation=rival', { question: CANARY, person: `ada@${CANARY}.example` }),
  ).toMatchObject({
    status: 404,
    body: { code: 'UNKNOWN_PERSON' },
  });
});
