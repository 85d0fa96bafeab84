import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { COMMAND_LINE } from '../../host/domain/caller.ts';
import { EMPTY_GRANT } from '../../host/domain/grant.ts';
import { openApi, type Api } from '../helpers/api.ts';
import { componentFile } from '../helpers/components.ts';
import { startMirrorSource, type MirrorSource } from '../helpers/mirror.ts';
import { smallDatasource } from '../helpers/small-datasource.ts';

const NOTHING = { http: { origins: [], privateNetworks: [] }, storage: false, limits: {} };
let api: Api;
let source: MirrorSource;

beforeAll(async () => {
  api = await openApi();
  source = await startMirrorSource();
});
afterAll(async () => {
  await source.close();
  await api.close();
});

it('an origin that is revoked under a run is denied from the next call on', async () => {
  for (let item = 0; item < 20; item += 1) source.put({ id: `item-${item}` });
  const grant = { ...EMPTY_GRANT, http: { origins: [source.origin], privateNetworks: ['127.0.0.0/8'] } };
  await api.services.registry.install(new Uint8Array(await readFile(componentFile('mirror'))), grant, COMMAND_LINE);
  const made = await api.call('POST', '/api/v1/connections', { datasource: 'mirror', config: { base_url: source.origin, page_size: 1 } });
  let asked = 0;
  source.interfere(async (_request, _response, path) => {
    if (path === '/changes' && (asked += 1) === 4) await api.call('PUT', '/api/v1/datasources/mirror/grant', NOTHING);
    return false;
  });
  const started = await api.call('POST', `/api/v1/connections/${made.body.id}/runs`, {});
  await api.work();
  expect(asked).toBe(4);
  const { body: run } = await api.call('GET', `/api/v1/runs/${started.body.id}`);
  expect(run.state).not.toBe('succeeded');
  const { body: record } = await api.call('GET', `/api/v1/connections/${made.body.id}/audit?kind=denial`);
  expect(JSON.stringify(record.items)).toContain(source.origin);
});

it('what is revoked while a version is tried stays revoked', async () => {
  const given = { ...EMPTY_GRANT, http: { origins: ['https://api.example.com'], privateNetworks: [] } };
  await api.services.registry.install(await smallDatasource({ version: '1.0.0' }), given, COMMAND_LINE);
  await api.services.versions.add(await smallDatasource({ version: '1.1.0' }), 'a test', COMMAND_LINE);
  const upgrade = api.call('POST', '/api/v1/datasources/small/upgrade', {});
  const states = async (): Promise<string[]> =>
    (await api.call('GET', '/api/v1/datasources/small/versions')).body.items.map(({ state }: { state: string }) => state);
  await expect.poll(states, { interval: 5, timeout: 30_000 }).toContain('upgrading');
  expect((await api.call('POST', '/api/v1/datasources/small/upgrade', { version: '1.1.0' })).body.code).toBe('CONFLICT');
  await api.call('PUT', '/api/v1/datasources/small/grant', NOTHING);
  expect((await upgrade).status).toBe(200);
  const { body } = await api.call('GET', '/api/v1/datasources/small');
  expect([body.version, body.grant.http.origins]).toEqual(['1.1.0', []]);
}, 60_000);
