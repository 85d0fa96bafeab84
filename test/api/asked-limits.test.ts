import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMAND_LINE } from '../../host/domain/caller.ts';
import { EMPTY_GRANT } from '../../host/domain/grant.ts';
import { DEFAULT_LIMITS } from '../../host/domain/limits.ts';
import { openApi, type Api } from '../helpers/api.ts';
import { NOTHING_AT, smallDatasource, type SmallVersion } from '../helpers/small-datasource.ts';

let api: Api;
let count = 0;

beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

const MiB = 1024 * 1024;
const fresh = (): string => `greedy_${(count += 1)}`;

/** It asks, and does without. */
function asking(name: string, version: string, askedBytes: number): SmallVersion {
  const manifest = `capabilities: { limits: { maxMemoryBytes: { value: ${askedBytes}, reason: Holds a whole tree. } } }\n`;
  return { name, version, manifest };
}

/** Its `check` grows the memory by 300 MiB, which is more than the default, and breaks when it may not. */
function greedy(name: string, version: string, askedBytes: number): Promise<Uint8Array> {
  return smallDatasource({
    ...asking(name, version, askedBytes),
    bodies: { check: `(if (i32.eq (memory.grow (i32.const 4800)) (i32.const -1)) (then unreachable)) (i32.const ${NOTHING_AT})` },
  });
}

const install = async (component: Uint8Array, limits = {}): Promise<unknown> =>
  api.services.registry.install(component, { ...EMPTY_GRANT, limits }, COMMAND_LINE);

async function connect(name: string): Promise<string> {
  const made = await api.call('POST', '/api/v1/connections', { datasource: name });
  expect(made.status).toBe(201);
  return made.body.id;
}

/** Whether `check` got the memory that it wanted. */
async function getsMemory(connection: string): Promise<boolean> {
  const { body } = await api.call('POST', `/api/v1/connections/${connection}/check`);
  return body.ready;
}

describe('a limit that a manifest asks for', () => {
  it('is not in force while nobody has given it, whatever the datasource does', async () => {
    const name = fresh();
    await install(await greedy(name, '1.0.0', 512 * MiB));
    const { body } = await api.call('GET', `/api/v1/datasources/${name}`);
    expect(body.asks.limits).toEqual([
      { limit: 'maxMemoryBytes', value: 512 * MiB, default: DEFAULT_LIMITS.maxMemoryBytes, reason: 'Holds a whole tree.' },
    ]);
    expect([body.limits.maxMemoryBytes, body.grant.limits]).toEqual([DEFAULT_LIMITS.maxMemoryBytes, {}]);
    expect(await getsMemory(await connect(name))).toBe(false);
  });

  it('is in force once it is given, and no more once it is taken back', async () => {
    const name = fresh();
    const component = await greedy(name, '1.0.0', 512 * MiB);
    const { manifest } = await api.services.registry.inspect(component);
    if (manifest === undefined) throw new TypeError('it has a manifest');
    await install(component, api.services.registry.askedGrant(manifest).limits);
    const connection = await connect(name);
    expect(await getsMemory(connection)).toBe(true);
    await api.call('PUT', `/api/v1/datasources/${name}/grant`, {});
    expect(await getsMemory(connection)).toBe(false);
  });

  it('waits for approval when a later version asks for a higher one, and says what is in force', async () => {
    const name = fresh();
    await install(await greedy(name, '1.0.0', 320 * MiB), { maxMemoryBytes: 320 * MiB });
    await api.services.versions.add(await greedy(name, '1.1.0', 512 * MiB), 'a test', COMMAND_LINE);
    const { status, body } = await api.call('POST', `/api/v1/datasources/${name}/upgrade`, {});
    expect([status, body.code, body.detail]).toEqual([
      409,
      'APPROVAL_NEEDED',
      `${name} 1.1.0 asks for more than 1.0.0 did: limit maxMemoryBytes 512 MiB.`,
    ]);
    expect(body.errors).toMatchObject([{ reason: 'Holds a whole tree. It is 320 MiB now.' }]);
    const asks = await api.call('GET', `/api/v1/datasources/${name}/versions/1.1.0/asks`);
    expect(asks.body.items).toEqual([{ what: 'limit maxMemoryBytes 512 MiB', reason: 'Holds a whole tree.', now: '320 MiB' }]);
    const { body: before } = await api.call('GET', `/api/v1/datasources/${name}`);
    expect([before.version, before.limits.maxMemoryBytes]).toEqual(['1.0.0', 320 * MiB]);
    const approved = await api.call('POST', `/api/v1/datasources/${name}/versions/1.1.0/approval`);
    expect(approved.body.steps).toMatchObject([
      {
        differences: [
          { area: 'capabilities', change: 'removed', what: 'limit maxMemoryBytes 320 MiB' },
          { area: 'capabilities', change: 'added', what: 'limit maxMemoryBytes 512 MiB' },
        ],
      },
    ]);
    expect((await api.call('GET', `/api/v1/datasources/${name}`)).body.limits.maxMemoryBytes).toBe(512 * MiB);
  });

  it('asks nobody anew when it was asked for before and not given, nor when it is lower', async () => {
    const name = fresh();
    await install(await smallDatasource(asking(name, '1.0.0', 512 * MiB)));
    await api.services.versions.add(await smallDatasource(asking(name, '1.1.0', 512 * MiB)), 'a test', COMMAND_LINE);
    await api.services.versions.add(await smallDatasource(asking(name, '1.2.0', 300 * MiB)), 'a test', COMMAND_LINE);
    expect((await api.call('POST', `/api/v1/datasources/${name}/upgrade`, { version: '1.1.0' })).status).toBe(200);
    expect((await api.call('POST', `/api/v1/datasources/${name}/upgrade`, { version: '1.2.0' })).status).toBe(200);
    expect((await api.call('GET', `/api/v1/datasources/${name}`)).body.limits.maxMemoryBytes).toBe(DEFAULT_LIMITS.maxMemoryBytes);
  });
});

describe('an approval', () => {
  it('gives what was shown, and nothing that was asked for before and not given', async () => {
    const name = fresh();
    const [first, second] = ['a', 'b'].map((host) => `{ origin: https://${host}.example.com, reason: Reads. }`);
    await install(await smallDatasource({ name, version: '1.0.0', manifest: `capabilities: { http: [${first}] }\n` }));
    const next = await smallDatasource({ name, version: '1.1.0', manifest: `capabilities: { http: [${first}, ${second}] }\n` });
    await api.services.versions.add(next, 'a test', COMMAND_LINE);
    await api.call('POST', `/api/v1/datasources/${name}/upgrade`, { approve: true });
    const { body } = await api.call('GET', `/api/v1/datasources/${name}`);
    expect([body.version, body.grant.http.origins]).toEqual(['1.1.0', ['https://b.example.com']]);
  });
});
