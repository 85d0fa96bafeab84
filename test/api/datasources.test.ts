import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { install, openApi, type Api } from '../helpers/api.ts';

let api: Api;
beforeAll(async () => {
  api = await openApi();
  await install(api, 'hello');
});
afterAll(() => api.close());

const GREETINGS = '/api/v1/datasources/hello/features/greetings';

test('an installed datasource shows what it asks for, what it was granted and every limit', async () => {
  const { body } = await api.call('GET', '/api/v1/datasources/hello');
  expect(body).toMatchObject({
    name: 'hello',
    version: '1.0.0',
    digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    asks: { http: [], storage: true },
    grant: { http: { origins: [], privateNetworks: [] }, storage: true, limits: {} },
    limits: { callTimeoutMs: 120_000 },
    features: [{ feature: 'greetings', enabled: true, config: { greeting: 'Hello', batch_size: 2 }, configSchema: { type: 'object' } }],
  });
  expect((await api.call('GET', '/api/v1/datasources')).body).toEqual({ items: [body] });
});

test('a datasource that is not installed is UNKNOWN_DATASOURCE', async () => {
  expect(await api.call('GET', '/api/v1/datasources/nope')).toMatchObject({ status: 404, body: { code: 'UNKNOWN_DATASOURCE' } });
  expect(await api.call('POST', '/api/v1/datasources/nope/features/x', { enabled: true })).toMatchObject({
    status: 404,
    body: { code: 'UNKNOWN_DATASOURCE' },
  });
});

describe('a feature flag', () => {
  test('is set with its config over the defaults, and stays', async () => {
    const set = await api.call('POST', GREETINGS, { enabled: false, config: { greeting: 'Good day' } });
    expect(set).toMatchObject({
      status: 200,
      body: { feature: 'greetings', enabled: false, config: { greeting: 'Good day', batch_size: 2 }, updatedAt: expect.any(String) },
    });
    const { body } = await api.call('GET', '/api/v1/datasources/hello');
    expect(body.features[0]).toMatchObject({ enabled: false, config: { greeting: 'Good day', batch_size: 2 } });
  });

  test('keeps its config when only the switch is set', async () => {
    await api.call('POST', GREETINGS, { enabled: true, config: { greeting: 'Servus' } });
    expect((await api.call('POST', GREETINGS, { enabled: false })).body.config.greeting).toBe('Servus');
    expect((await api.call('POST', GREETINGS, { enabled: true, config: {} })).body.config.greeting).toBe('Hello');
  });

  test('of an unknown feature is UNKNOWN_FEATURE and names the nearest', async () => {
    const refused = await api.call('POST', '/api/v1/datasources/hello/features/greeting', { enabled: true });
    expect(refused).toMatchObject({ status: 404, body: { code: 'UNKNOWN_FEATURE', remedy: expect.stringContaining('greetings') } });
  });

  test.each([
    [{ batch_size: 0 }, '/config/batch_size'],
    [{ batch_size: 'two' }, '/config/batch_size'],
    [{ greetin: 'Hi' }, '/config/greetin'],
  ])('with the config %j is INVALID_CONFIG at %s, and nothing changes', async (config, path) => {
    const before = (await api.call('GET', '/api/v1/datasources/hello')).body.features;
    expect(await api.call('POST', GREETINGS, { enabled: true, config })).toMatchObject({
      status: 422,
      body: { code: 'INVALID_CONFIG', errors: [{ path }] },
    });
    expect((await api.call('GET', '/api/v1/datasources/hello')).body.features).toEqual(before);
  });

  test.each([
    [{}, ''],
    [{ enabled: 'yes' }, '/enabled'],
    [{ enabled: true, config: [] }, '/config'],
    [{ enabled: true, config: null }, '/config'],
    [{ enable: true, enabled: true }, '/enable'],
  ])('with the body %j is INVALID_REQUEST at %j', async (body, path) => {
    expect(await api.call('POST', GREETINGS, body)).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST', errors: [{ path }] } });
  });
});
