import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMAND_LINE } from '../../host/domain/caller.ts';
import { EMPTY_GRANT } from '../../host/domain/grant.ts';
import { install as installComponent, openApi, type Api } from '../helpers/api.ts';
import { smallDatasource, type SmallVersion } from '../helpers/small-datasource.ts';

let api: Api;
let count = 0;

beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

const fresh = (): string => `small_${(count += 1)}`;

async function install(small: SmallVersion): Promise<void> {
  await api.services.registry.install(await smallDatasource(small), EMPTY_GRANT, COMMAND_LINE);
}

async function add(small: SmallVersion): Promise<void> {
  await api.services.versions.add(await smallDatasource(small), 'a test', COMMAND_LINE);
}

const upgrade = (name: string, body: object = {}): ReturnType<Api['call']> => api.call('POST', `/api/v1/datasources/${name}/upgrade`, body);

/** Versions with their states, highest first. */
async function states(name: string): Promise<string[]> {
  const { body } = await api.call('GET', `/api/v1/datasources/${name}/versions`);
  return body.items.map(({ version, state }: { version: string; state: string }) => `${version} ${state}`);
}

const running = async (name: string): Promise<string> => (await api.call('GET', `/api/v1/datasources/${name}`)).body.version;

describe('versions lie side by side', () => {
  it('and one of them runs', async () => {
    const name = fresh();
    await install({ name, version: '1.0.0' });
    await add({ name, version: '1.1.0' });
    await add({ name, version: '1.10.0' });
    await add({ name, version: '1.9.0' });
    expect(await states(name)).toEqual(['1.10.0 inspected', '1.9.0 inspected', '1.1.0 inspected', '1.0.0 enabled']);
    expect(await running(name)).toBe('1.0.0');
  });

  it('and upgrade goes to the highest, and rollback goes back', async () => {
    const name = fresh();
    await install({ name, version: '1.0.0' });
    await add({ name, version: '1.2.0' });
    const { status, body } = await upgrade(name);
    expect(status).toBe(200);
    expect(body.steps).toMatchObject([{ from: '1.0.0', to: '1.2.0', checkpoints: 'go-on', differences: [] }]);
    expect(await states(name)).toEqual(['1.2.0 enabled', '1.0.0 installed']);
    expect((await api.call('POST', `/api/v1/datasources/${name}/rollback`)).body).toMatchObject({ version: '1.0.0' });
    expect(await states(name)).toEqual(['1.2.0 installed', '1.0.0 enabled']);
    expect((await api.call('POST', `/api/v1/datasources/${name}/rollback`)).body.code).toBe('NOTHING_TO_ROLL_BACK');
    // And on again.
    expect((await upgrade(name)).status).toBe(200);
    expect(await running(name)).toBe('1.2.0');
  });

  it('with every change on record: who, why and when', async () => {
    const name = fresh();
    await install({ name, version: '1.0.0' });
    await add({ name, version: '1.1.0' });
    await upgrade(name);
    const { body } = await api.call('GET', `/api/v1/datasources/${name}/history`);
    const lines = body.items.map((item: Record<string, string>) => `${item.version} ${item.from ?? '-'} -> ${item.to}`);
    expect(lines.toReversed()).toEqual([
      '1.0.0 - -> discovered',
      '1.0.0 discovered -> inspected',
      '1.0.0 inspected -> enabled',
      '1.1.0 - -> discovered',
      '1.1.0 discovered -> inspected',
      '1.1.0 inspected -> upgrading',
      '1.0.0 enabled -> installed',
      '1.1.0 upgrading -> enabled',
    ]);
    expect(body.items[0]).toMatchObject({ actor: expect.stringMatching(/^key\//), reason: 'upgraded from 1.0.0', at: expect.any(String) });
    const page = await api.call('GET', `/api/v1/datasources/${name}/history?limit=3`);
    expect(page.body.items).toHaveLength(3);
    const next = await api.call('GET', `/api/v1/datasources/${name}/history?limit=200&after=${page.body.next}`);
    expect(next.body.items).toHaveLength(5);
  });
});

describe('an upgrade is refused', () => {
  it('over a major version that does not say that it goes on, and can begin afresh', async () => {
    const name = fresh();
    await install({ name, version: '1.0.0' });
    await add({ name, version: '2.0.0' });
    const { status, body } = await upgrade(name);
    expect([status, body.code]).toEqual([409, 'NO_UPGRADE_PATH']);
    expect(body.remedy).toContain('--fresh');
    expect((await upgrade(name, { afresh: true })).body.steps).toMatchObject([{ to: '2.0.0', checkpoints: 'afresh' }]);
    expect(await running(name)).toBe('2.0.0');
  });

  it('unless a version in between leads there', async () => {
    const name = fresh();
    await install({ name, version: '1.0.0' });
    await add({ name, version: '2.0.0', manifest: 'upgrade_from: ">=1.5.0,<2.0.0"\n' });
    expect((await upgrade(name, { version: '2.0.0' })).body.code).toBe('NO_UPGRADE_PATH');
    await add({ name, version: '1.5.0' });
    const path = await api.call('GET', `/api/v1/datasources/${name}/path?to=2.0.0`);
    expect(path.body.steps.map(({ to }: { to: string }) => to)).toEqual(['1.5.0', '2.0.0']);
    expect(await running(name)).toBe('1.0.0');
    await upgrade(name, { version: '2.0.0' });
    expect(await states(name)).toEqual(['2.0.0 enabled', '1.5.0 installed', '1.0.0 installed']);
  });

  it('when it asks for more, until that is approved; the old version keeps running', async () => {
    const name = fresh();
    await install({ name, version: '1.0.0' });
    const more = 'capabilities: { http: [{ origin: https://api.example.com, reason: Reads. }] }\n';
    await add({ name, version: '1.1.0', manifest: more });
    const { status, body } = await upgrade(name);
    expect([status, body.code]).toEqual([409, 'APPROVAL_NEEDED']);
    expect(body.detail).toContain('http https://api.example.com');
    expect(await states(name)).toEqual(['1.1.0 awaiting-approval', '1.0.0 enabled']);
    const path = await api.call('GET', `/api/v1/datasources/${name}/path?to=1.1.0`);
    expect(path.body.steps[0].differences).toContainEqual({ area: 'capabilities', change: 'added', what: 'http https://api.example.com' });
    const one = `/api/v1/datasources/${name}/versions/1.1.0`;
    const asks = await api.call('GET', `${one}/asks`);
    expect(asks.body.items).toEqual([{ what: 'http https://api.example.com', reason: 'Reads.' }]);
    const other = { digest: `sha256:${'0'.repeat(64)}` };
    expect((await api.call('POST', `${one}/approval`, other)).body.code).toBe('DIGEST_CHANGED');
    expect((await api.call('POST', `${one}/approval`, { digest: asks.body.digest })).status).toBe(200);
    expect((await api.call('POST', `${one}/approval`)).body.code).toBe('CONFLICT');
    expect((await api.call('GET', `/api/v1/datasources/${name}`)).body.grant.http.origins).toEqual(['https://api.example.com']);
  });

  it('and asks for nothing anew when what it asks for was asked before and not given', async () => {
    const name = fresh();
    const asks = 'capabilities: { http: [{ origin: https://api.example.com, reason: Reads. }] }\n';
    await install({ name, version: '1.0.0', manifest: asks });
    await add({ name, version: '1.1.0', manifest: asks });
    expect((await upgrade(name)).status).toBe(200);
    expect((await api.call('GET', `/api/v1/datasources/${name}`)).body.grant.http.origins).toEqual([]);
  });

  it('when the settings of a connection would not fit', async () => {
    const name = fresh();
    await install({ name, version: '1.0.0' });
    // Made by hand, it has no function to look at settings with; the store is told of the connection directly.
    const nowMs = Date.now();
    const { insertConnection } = await import('../../host/store/connections.ts');
    const { openDatabase } = await import('../../host/store/database.ts');
    const database = await openDatabase({ file: `${api.dataDir}/lorelai.db` });
    const row = {
      id: '01KATM4X7Z6V0R1Q2W3E4R5T6Y',
      organisation: 'default',
      datasource: name,
      name,
      features: {},
      sealedCredential: undefined,
      nowMs,
    };
    await insertConnection(database, { ...row, config: {} });
    await database.close();
    await add({
      name,
      version: '1.1.0',
      manifest: 'config_schema: { type: object, required: [site], properties: { site: { type: string } } }\n',
    });
    const { status, body } = await upgrade(name);
    expect([status, body.code]).toEqual([409, 'INCOMPATIBLE_UPGRADE']);
    expect(body.errors[0].path).toBe('connection/01KATM4X7Z6V0R1Q2W3E4R5T6Y');
    expect(await states(name)).toEqual(['1.1.0 inspected', '1.0.0 enabled']);
    expect((await api.call('DELETE', `/api/v1/datasources/${name}`)).body.code).toBe('DATASOURCE_IN_USE');
    const removed = await api.call('DELETE', `/api/v1/datasources/${name}?withConnections=true`);
    expect(removed.body).toEqual({ versions: 2, connections: 1 });
  });

  it('to what is not there, and to what is lower', async () => {
    const name = fresh();
    await install({ name, version: '1.1.0' });
    expect((await upgrade(name, { version: '9.0.0' })).body.code).toBe('UNKNOWN_VERSION');
    await add({ name, version: '1.0.0' });
    expect((await upgrade(name, { version: '1.0.0' })).body.code).toBe('NO_UPGRADE_PATH');
    expect((await upgrade('nobody')).body.code).toBe('UNKNOWN_DATASOURCE');
  });
});

describe('a component is refused', () => {
  it('when it was made for another framework', async () => {
    await expect(install({ name: fresh(), version: '1.0.0', frameworkVersion: '>=2.0.0,<3.0.0' })).rejects.toMatchObject({
      code: 'WRONG_FRAMEWORK',
      message: expect.stringContaining('works with framework >=2.0.0 <3.0.0, and this host has 1.0.0'),
    });
  });

  it('when what it needs is not there, and is taken once it is', async () => {
    const [name, other] = [fresh(), fresh()];
    const needing = { name, version: '1.0.0', manifest: `core_dependencies: { ${other}: ^2.0.0 }\n` };
    await expect(install(needing)).rejects.toMatchObject({
      code: 'DEPENDENCY_UNMET',
      message: expect.stringContaining(`needs ${other} ^2.0.0`),
    });
    await install({ name: other, version: '1.0.0' });
    await expect(install(needing)).rejects.toMatchObject({
      code: 'DEPENDENCY_UNMET',
      message: expect.stringContaining(`${other} 1.0.0 is installed`),
    });
    await install({ name: other, version: '2.3.0' });
    await install(needing);
    const { body } = await api.call('GET', '/api/v1/datasources/graph');
    expect(body.faults).toEqual([]);
    expect(body.order.indexOf(other)).toBeLessThan(body.order.indexOf(name));
    // And what it needs can no longer go back under it.
    expect((await api.call('POST', `/api/v1/datasources/${other}/rollback`)).body.code).toBe('DEPENDENCY_UNMET');
  });
});

describe('a datasource', () => {
  it('can be switched off and on again, with a reason', async () => {
    const name = fresh();
    await install({ name, version: '1.0.0' });
    const off = await api.call('POST', `/api/v1/datasources/${name}/disable`, { reason: 'it misbehaves' });
    expect(off.body).toMatchObject({ enabled: false });
    expect(await states(name)).toEqual(['1.0.0 disabled']);
    const history = await api.call('GET', `/api/v1/datasources/${name}/history?limit=1`);
    expect(history.body.items[0]).toMatchObject({ from: 'enabled', to: 'disabled', reason: 'it misbehaves' });
    expect((await api.call('POST', `/api/v1/datasources/${name}/enable`, { reason: 'mended' })).body).toMatchObject({ enabled: true });
    expect(await states(name)).toEqual(['1.0.0 enabled']);
  });

  it('that is switched off is not worked on, and says so', async () => {
    await installComponent(api, 'hello');
    const made = await api.call('POST', '/api/v1/connections', { datasource: 'hello' });
    await api.call('POST', '/api/v1/datasources/hello/disable', {});
    const start = await api.call('POST', `/api/v1/connections/${made.body.id}/runs?organisation=default`, {});
    expect([start.status, start.body.code]).toEqual([409, 'DATASOURCE_DISABLED']);
    expect((await api.call('POST', `/api/v1/connections/${made.body.id}/check?organisation=default`)).body.code).toBe(
      'DATASOURCE_DISABLED',
    );
    await api.call('POST', '/api/v1/datasources/hello/enable', {});
    expect((await api.call('POST', `/api/v1/connections/${made.body.id}/runs?organisation=default`, {})).status).toBe(202);
  });

  it('can be granted other powers, which are on record', async () => {
    const name = fresh();
    await install({ name, version: '1.0.0' });
    const grant = { http: { origins: ['https://a.example.com'], privateNetworks: [] }, storage: true, limits: { callTimeoutMs: 1000 } };
    const { body } = await api.call('PUT', `/api/v1/datasources/${name}/grant`, grant);
    expect(body.grant).toMatchObject(grant);
    expect((await api.call('PUT', `/api/v1/datasources/${name}/grant`, { http: { origins: ['nonsense'] } })).body.code).toBe(
      'INVALID_GRANT',
    );
  });

  it('that nobody uses can be removed, and may come again with other bytes', async () => {
    const name = fresh();
    await install({ name, version: '1.0.0' });
    expect((await api.call('DELETE', `/api/v1/datasources/${name}`)).body).toEqual({ versions: 1, connections: 0 });
    expect((await api.call('GET', `/api/v1/datasources/${name}`)).status).toBe(404);
    await install({ name, version: '1.0.0', features: ['others'] });
    expect(await states(name)).toEqual(['1.0.0 enabled']);
  });

  it('that is removed leaves no file behind, compiled or not, and no secret to the next of its name', async () => {
    const name = fresh();
    const manifest = 'env_vars: [{ name: CLIENT_SECRET, description: Of the app. }]\n';
    const folders = ['components', 'cache/compiled'].map((folder) => join(api.dataDir, folder));
    const files = async (): Promise<string[]> => (await Promise.all(folders.map((folder) => readdir(folder).catch(() => [])))).flat();
    const before = await files();
    await install({ name, version: '1.0.0', manifest });
    await api.call('PATCH', `/api/v1/datasources/${name}/host-variables`, { values: { CLIENT_SECRET: 'swordfish' } });
    await api.call('PATCH', `/api/v1/datasources/${name}/variables?organisation=default`, { values: { CLIENT_SECRET: 'marlin' } });
    expect(await files()).toHaveLength(before.length + 2);
    expect((await api.call('DELETE', `/api/v1/datasources/${name}`)).status).toBe(200);
    expect(await files()).toEqual(before);
    await install({ name, version: '2.0.0', manifest });
    const { body } = await api.call('GET', `/api/v1/datasources/${name}/variables?organisation=default`);
    expect(body.items).toMatchObject([{ name: 'CLIENT_SECRET', set: false }]);
  });

  it('is in the matrix with every version', async () => {
    const name = fresh();
    await install({ name, version: '1.0.0' });
    await add({ name, version: '1.1.0', frameworkVersion: '>=1.0.0,<3.0.0' });
    const { body } = await api.call('GET', `/api/v1/datasources/matrix?name=${name}`);
    expect(body.items).toEqual([
      { name, version: '1.1.0', state: 'inspected', frameworkVersion: '>=1.0.0 <3.0.0', fits: [{ framework: '1.0.0', fits: true }] },
      { name, version: '1.0.0', state: 'enabled', frameworkVersion: '>=1.0.0 <2.0.0', fits: [{ framework: '1.0.0', fits: true }] },
    ]);
    const later = await api.call('GET', `/api/v1/datasources/matrix?name=${name}&framework=2.0.0`);
    expect(later.body.items.map(({ fits }: { fits: unknown }) => fits)).toEqual([
      [
        { framework: '1.0.0', fits: true },
        { framework: '2.0.0', fits: true },
      ],
      [
        { framework: '1.0.0', fits: true },
        { framework: '2.0.0', fits: false },
      ],
    ]);
    expect((await api.call('GET', '/api/v1/datasources/matrix?framework=two')).body.code).toBe('INVALID_REQUEST');
  });
});
