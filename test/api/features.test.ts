import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { COMMAND_LINE } from '../../host/domain/caller.ts';
import { EMPTY_GRANT } from '../../host/domain/grant.ts';
import { insertConnection } from '../../host/store/connections.ts';
import { openDatabase } from '../../host/store/database.ts';
import { openApi, type Api } from '../helpers/api.ts';
import { command } from '../helpers/command.ts';
import { componentFile } from '../helpers/components.ts';
import { startMirrorSource, type MirrorSource } from '../helpers/mirror.ts';
import { smallDatasource } from '../helpers/small-datasource.ts';

const ITEMS = 12;
const PAGES = '/api/v1/datasources/mirror/features/pages';
let api: Api;
let source: MirrorSource;

beforeAll(async () => {
  api = await openApi();
  source = await startMirrorSource();
  for (let item = 0; item < ITEMS; item += 1) source.put({ id: `item-${item}`, text: `A page about zebras, number ${item}.` });
  const grant = { ...EMPTY_GRANT, http: { origins: [source.origin], privateNetworks: ['127.0.0.0/8'] } };
  await api.services.registry.install(new Uint8Array(await readFile(componentFile('mirror'))), grant, COMMAND_LINE);
});
afterAll(async () => {
  await source.close();
  await api.close();
});

// Whatever a test left switched off is on for the next one.
afterEach(async () => {
  await api.services.flags.purgeDue();
  if ((await api.call('GET', PAGES)).body.enabled !== true) await set({ enabled: true });
});

async function connect(): Promise<string> {
  const config = { base_url: source.origin, page_size: 3 };
  const { body } = await api.call('POST', '/api/v1/connections', { datasource: 'mirror', config });
  return body.id;
}

async function run(connection: string): Promise<{ state: string; features: { state: string; upserted: number; reason?: string }[] }> {
  const started = await api.call('POST', `/api/v1/connections/${connection}/runs`, {});
  await api.work();
  return (await api.call('GET', `/api/v1/runs/${started.body.id}`)).body;
}

/** How many documents of a connection are found. */
async function found(connection: string): Promise<number> {
  const { body } = await api.call('POST', '/api/v1/retrieve', { question: 'zebras', k: 50, connections: [connection] });
  return body.hits.length;
}

const documents = async (connection: string): Promise<number> =>
  (await api.call('GET', `/api/v1/connections/${connection}`)).body.documents;
const set = (body: object) => api.call('POST', PAGES, body);

describe('a feature that is switched off', () => {
  it('under a run is read no more from the next batch on, and goes on where it stopped', async () => {
    const connection = await connect();
    let asked = 0;
    source.interfere(async (_request, _response, path) => {
      if (path === '/changes' && (asked += 1) === 2) await set({ enabled: false });
      return false;
    });
    const stopped = await run(connection);
    source.interfere(undefined);
    // The batch before it is kept, and the one under way where that was asked for in its turn and not ahead: a matter of time.
    expect(stopped.features).toMatchObject([{ state: 'skipped', reason: 'switched off while the run went on' }]);
    const kept = stopped.features[0]?.upserted ?? 0;
    expect([3, 6]).toContain(kept);
    expect(asked).toBe(2);
    expect(await found(connection)).toBe(kept);
    expect((await api.call('POST', `/api/v1/connections/${connection}/runs`, {})).status).toBe(400);
    await set({ enabled: true });
    expect((await run(connection)).features).toMatchObject([{ state: 'done', upserted: ITEMS - kept }]);
    expect(await found(connection)).toBe(ITEMS);
  });

  it('hides its documents while that is said, and shows them again without reading anything', async () => {
    const connection = await connect();
    await run(connection);
    expect((await set({ enabled: false, documents: 'hide' })).body).toMatchObject({ enabled: false, documents: 'hide' });
    expect(await found(connection)).toBe(0);
    expect(await documents(connection)).toBe(ITEMS);
    // What is said of the settings alone leaves it hidden.
    expect((await set({ enabled: false, config: {} })).body.documents).toBe('hide');
    expect((await set({ enabled: true })).body.documents).toBe('keep');
    expect(await found(connection)).toBe(ITEMS);
    expect((await run(connection)).features).toMatchObject([{ upserted: 0 }]);
  });

  it('purges its documents: gone from answers at once, deleted behind it, and read again when it is on', async () => {
    const [connection, other] = [await connect(), await connect()];
    await run(connection);
    await run(other);
    const { body } = await set({ enabled: false, documents: 'purge' });
    expect(body.purging.documents).toBeGreaterThanOrEqual(2 * ITEMS);
    expect([await found(connection), await found(other)]).toEqual([0, 0]);
    const early = await set({ enabled: true });
    expect([early.status, early.body.code]).toEqual([409, 'CONFLICT']);
    await Promise.all([api.services.flags.purgeDue(), api.services.flags.purgeDue()]);
    expect([await documents(connection), await documents(other)]).toEqual([0, 0]);
    expect((await api.call('GET', PAGES)).body.purging).toBeUndefined();
    expect((await set({ enabled: true })).status).toBe(200);
    expect((await run(connection)).features).toMatchObject([{ state: 'done', upserted: ITEMS }]);
    expect(await found(connection)).toBe(ITEMS);
  });

  it('leaves nothing behind of a call that was under way when its documents were purged', async () => {
    const connection = await connect();
    await run(connection);
    for (let item = 0; item < ITEMS; item += 1) source.put({ id: `item-${item}` });
    let asked = 0;
    let meanwhile: unknown;
    // The first call of the run: it cannot end before this is answered, and nothing was asked for ahead that could end it.
    source.interfere(async (_request, _response, path) => {
      if (path !== '/changes' || (asked += 1) !== 1) return false;
      await set({ enabled: false, documents: 'purge' });
      await api.services.flags.purgeDue();
      meanwhile = { documents: await documents(connection), purging: (await api.call('GET', PAGES)).body.purging };
      return false;
    });
    await run(connection);
    source.interfere(undefined);
    // All that was written is gone, but the end waits for this call.
    expect(meanwhile).toMatchObject({ documents: 0, purging: { documents: 0 } });
    await expect
      .poll(
        async () => {
          await api.services.flags.purgeDue();
          return (await api.call('GET', PAGES)).body.purging;
        },
        { timeout: 20_000 },
      )
      .toBeUndefined();
    expect(await documents(connection)).toBe(0);
    await set({ enabled: true });
    expect((await run(connection)).features).toMatchObject([{ upserted: ITEMS }]);
  });

  it('of one connection concerns that one alone', async () => {
    const [connection, other] = [await connect(), await connect()];
    await run(connection);
    await run(other);
    const ofOne = (pages: object) => api.call('PATCH', `/api/v1/connections/${connection}`, { features: { pages } });
    expect((await ofOne({ enabled: false, documents: 'hide' })).body.features).toEqual({ pages: { enabled: false, documents: 'hide' } });
    expect([await found(connection), await found(other)]).toEqual([0, ITEMS]);
    await ofOne({ enabled: false, documents: 'purge' });
    expect((await ofOne({})).body.code).toBe('CONFLICT');
    await api.services.flags.purgeDue();
    expect([await documents(connection), await documents(other)]).toEqual([0, ITEMS]);
    expect((await ofOne({})).status).toBe(200);
    expect((await run(connection)).features).toMatchObject([{ upserted: ITEMS }]);
    expect((await ofOne({ enabled: true, documents: 'hide' })).body.code).toBe('INVALID_CONFIG');
  });

  it('has a history of who did it, and is set from the command line too', async () => {
    const { body } = await api.call('GET', `${PAGES}/history?limit=2`);
    expect(body.items[0]).toMatchObject({
      actor: { kind: 'key' },
      action: 'feature.set',
      target: 'feature/mirror/pages',
      before: { enabled: false, documents: 'purge' },
      after: { enabled: true },
    });
    expect(body.items).toHaveLength(2);
    const cli = (...args: string[]) => command(['feature', 'mirror', 'pages', ...args, '--json'], { env: { DATA_DIR: api.dataDir } });
    const connection = await connect();
    await run(connection);
    expect(JSON.parse((await cli('off', '--hide')).stdout)).toMatchObject({ enabled: false, documents: 'hide' });
    expect(JSON.parse((await cli('--history')).stdout).items[0]).toMatchObject({ actor: { kind: 'local' } });
    expect((await cli('off', '--purge', '--hide')).exitCode).toBe(2);
    expect((await cli('on', '--purge')).exitCode).toBe(2);
    const purged = await cli('off', '--purge');
    expect(JSON.parse(purged.stdout).purging).toBeUndefined();
    expect(await documents(connection)).toBe(0);
    expect(JSON.parse((await cli('on')).stdout)).toMatchObject({ enabled: true });
    const one = JSON.parse((await cli('off', '--connection', connection)).stdout);
    expect(one.features).toEqual({ pages: { enabled: false } });
    expect(JSON.parse((await cli('on', '--connection', connection)).stdout).features).toEqual({ pages: { enabled: true } });
  });
});

const ID = '01KATM4X7Z6V0R1Q2W3E4R5T6Y';
const feature = (name: string, enabled: boolean) => api.call('POST', `/api/v1/datasources/ladder/features/${name}`, { enabled });
const change = (features: object) => api.call('PATCH', `/api/v1/connections/${ID}`, { features });

describe('a feature that needs another', () => {
  beforeAll(async () => {
    const dependsOn = { middle: ['base'], top: ['middle'] };
    const component = await smallDatasource({ name: 'ladder', version: '1.0.0', features: ['base', 'middle', 'top'], dependsOn });
    await api.services.registry.install(component, EMPTY_GRANT, COMMAND_LINE);
    // Made by hand, it has no function to look at settings with; the store is told of the connection directly.
    const database = await openDatabase({ file: `${api.dataDir}/lorelai.db` });
    const row = { id: ID, organisation: 'default', datasource: 'ladder', name: 'ladder', config: {}, sealedCredential: undefined };
    await insertConnection(database, { ...row, features: { middle: { enabled: false }, top: { enabled: false } }, nowMs: Date.now() });
    await database.close();
  });

  it('keeps it from being switched off, and cannot be switched on before it', async () => {
    const refused = await feature('base', false);
    expect([refused.status, refused.body.code]).toEqual([409, 'FEATURE_DEPENDENCY']);
    expect(refused.body).toMatchObject({
      detail: 'middle needs base, and is on for the datasource.',
      remedy: 'Switch middle off for the datasource first, or together with it.',
    });
    for (const name of ['top', 'middle', 'base']) expect((await feature(name, false)).status).toBe(200);
    expect((await feature('top', true)).body).toMatchObject({
      detail: 'top needs middle, which is off for the datasource.',
      remedy: 'Switch middle on for the datasource first, or together with it.',
    });
    for (const name of ['base', 'middle']) expect((await feature(name, true)).status).toBe(200);
  });

  it('also where a connection has switched what it needs off', async () => {
    expect((await feature('top', true)).status).toBe(200);
    const refused = await change({ middle: { enabled: false } });
    expect(refused.body).toMatchObject({
      code: 'FEATURE_DEPENDENCY',
      detail: 'top needs middle, which is off for the connection.',
      errors: [{ path: '/features/top' }],
    });
    expect((await change({ base: { enabled: false }, top: { enabled: false } })).body.detail).toBe(
      'middle needs base, and is on for the connection.',
    );
  });

  it('also where switching it on for all would leave a connection without', async () => {
    for (const name of ['top', 'middle']) expect((await feature(name, false)).status).toBe(200);
    const database = await openDatabase({ file: `${api.dataDir}/lorelai.db` });
    const { updateConnection } = await import('../../host/store/connections.ts');
    await updateConnection(database, 'default', ID, { features: { base: { enabled: false } }, nowMs: Date.now() });
    await database.close();
    const { body } = await feature('middle', true);
    expect(body).toMatchObject({ code: 'FEATURE_DEPENDENCY', errors: [{ path: `connection/${ID}` }] });
    expect(body.detail).toBe(`middle needs base, which is off for connection ${ID} of default.`);
  });
});
