import { afterAll, beforeAll, expect, test } from 'vitest';
import { openApi, type Api } from '../helpers/api.ts';
import { command } from '../helpers/command.ts';

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

test('the default organisation is there from the start', async () => {
  expect((await api.call('GET', '/api/v1/organisations/default')).body).toMatchObject({ id: 'default', name: 'Default' });
});

test('a new organisation is at its Location and in the list', async () => {
  const made = await api.call('POST', '/api/v1/organisations', { id: 'acme', name: 'Acme Ltd' });
  expect(made.status).toBe(201);
  expect(made.headers.get('location')).toBe('/api/v1/organisations/acme');
  expect((await api.call('GET', '/api/v1/organisations/acme')).body).toEqual(made.body);
  const listed = await api.call('GET', '/api/v1/organisations');
  expect(listed.body.items.map(({ id }: { id: string }) => id)).toEqual(['acme', 'default']);
});

test('an id that is taken is CONFLICT and changes nothing', async () => {
  await api.call('POST', '/api/v1/organisations', { id: 'twice', name: 'First' });
  expect(await api.call('POST', '/api/v1/organisations', { id: 'twice', name: 'Second' })).toMatchObject({
    status: 409,
    body: { code: 'CONFLICT' },
  });
  expect((await api.call('GET', '/api/v1/organisations/twice')).body.name).toBe('First');
});

test.each(['', 'Acme', '-acme', 'a_b', 'a b', 'a'.repeat(64), 'acmé'])('the id %j is refused', async (id) => {
  expect(await api.call('POST', '/api/v1/organisations', { id })).toMatchObject({
    status: 400,
    body: { code: 'INVALID_REQUEST', errors: [{ path: '/id' }] },
  });
});

test('an unknown organisation is UNKNOWN_ORGANISATION wherever it is named', async () => {
  const unknown = { status: 404, body: { code: 'UNKNOWN_ORGANISATION' } };
  expect(await api.call('GET', '/api/v1/organisations/nobody')).toMatchObject(unknown);
  expect(await api.call('GET', '/api/v1/connections?organisation=nobody')).toMatchObject(unknown);
  expect(await api.call('POST', '/api/v1/connections?organisation=nobody', { datasource: 'hello' })).toMatchObject(unknown);
  expect(await api.call('GET', '/api/v1/runs?organisation=nobody')).toMatchObject(unknown);
  expect(await api.call('GET', '/api/v1/connections/x?organisation=nobody')).toMatchObject(unknown);
  expect(await api.call('POST', '/api/v1/retrieve', { question: 'x', organisation: 'nobody' })).toMatchObject(unknown);
});

test('commands make and list them, too, and what they make is on record', async () => {
  const run = (...args: string[]) => command(['organisations', ...args], { env: { DATA_DIR: api.dataDir, LOG_LEVEL: 'error' } });
  expect(await run('create', 'by-hand', '--name', 'Made by hand')).toMatchObject({ exitCode: 0, stdout: 'Made by-hand (Made by hand).\n' });
  expect((await run('list')).stdout).toMatch(/^by-hand +Made by hand +\d{4}-/m);
  const again = await run('create', 'by-hand', '--json');
  expect([again.exitCode, JSON.parse(again.stderr).code]).toEqual([1, 'CONFLICT']);
  expect((await run('create', 'Not an id')).stderr).toContain('remedy');
  expect((await api.call('GET', '/api/v1/organisations/by-hand')).body.name).toBe('Made by hand');
  expect((await api.call('GET', '/api/v1/changes?organisation=by-hand&limit=50')).body.items).toContainEqual(
    expect.objectContaining({
      action: 'organisation.create',
      target: 'organisation/by-hand',
      actor: expect.objectContaining({ kind: 'local' }),
    }),
  );
});
