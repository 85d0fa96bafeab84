import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { COMMAND_LINE, HOST_ITSELF } from '../../host/domain/caller.ts';
import { isKeyText, KEY_PATTERN } from '../../host/domain/key-text.ts';
import { generateKey } from '../../host/services/callers/keys.ts';
import { openApi, type Api } from '../helpers/api.ts';
import { command } from '../helpers/command.ts';
import { inspectFile } from '../unit/store/fixture.ts';

let api: Api;

beforeAll(async () => {
  api = await openApi();
  await api.services.organisations.create({ id: 'acme' }, COMMAND_LINE);
});
afterAll(() => api.close());

const WHO = '/api/v1/datasources';

async function make(input: object): Promise<{ id: string; secret: string }> {
  const { status, body } = await api.call('POST', '/api/v1/keys', input);
  expect(status).toBe(201);
  return { id: body.key.id, secret: body.secret };
}

describe('a key', () => {
  test('is shown once, found by scanners, and nowhere in the store', async () => {
    const { id, secret } = await make({ organisation: 'acme', name: 'Lorelai', scopes: ['reader', 'on-behalf-of'] });
    expect(secret).toMatch(KEY_PATTERN);
    const { body } = await api.call('GET', `/api/v1/keys/${id}`);
    expect(body).toMatchObject({
      id,
      organisation: 'acme',
      name: 'Lorelai',
      scopes: ['reader', 'on-behalf-of'],
      hint: expect.stringMatching(/^lorelai_.{5}…$/),
    });
    expect(JSON.stringify(body)).not.toContain(secret);
    const kept = inspectFile(`${api.dataDir}/lorelai.db`, (direct) =>
      JSON.stringify([direct.prepare('SELECT * FROM api_keys').all([]), direct.prepare('SELECT entry FROM changes').all([])]),
    );
    expect(kept).toContain(id);
    expect(kept).not.toContain(secret.slice(0, 20));
    expect(api.logged()).not.toContain(secret.slice(0, 20));
  });

  test('with one wrong character is none, which the checksum tells', () => {
    const key = generateKey();
    expect(isKeyText(key)).toBe(true);
    for (let at = 'lorelai_'.length; at < key.length; at += 1) {
      expect(isKeyText(`${key.slice(0, at)}${key[at] === 'x' ? 'y' : 'x'}${key.slice(at + 1)}`), String(at)).toBe(false);
    }
  });

  test('is refused from the next request on once it is revoked, and that it was stays readable', async () => {
    const { id, secret } = await make({ name: 'soon gone', scopes: ['reader'] });
    expect((await api.call('GET', WHO, undefined, { as: secret })).status).toBe(200);
    expect((await api.call('POST', `/api/v1/keys/${id}/revoke`)).body).toMatchObject({ revokedAt: expect.any(String) });
    const refused = await api.call('GET', WHO, undefined, { as: secret });
    expect(refused).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED', detail: 'The key has been revoked.' } });
    expect(refused.headers.get('www-authenticate')).toBe('Bearer realm="lorelai", error="invalid_token"');
    expect((await api.call('POST', `/api/v1/keys/${id}/revoke`)).status).toBe(200);
    expect((await api.call('POST', `/api/v1/keys/${id}/rotate`)).body).toMatchObject({ code: 'CONFLICT' });
  });

  test('is in force until it expires', async () => {
    const { text } = await api.services.keys.create(
      { organisation: 'acme', name: 'short', scopes: ['reader'], expiresAtMs: Date.now() + 300 },
      COMMAND_LINE,
    );
    expect((await api.call('GET', WHO, undefined, { as: text })).status).toBe(200);
    await vi.waitFor(async () => expect((await api.call('GET', WHO, undefined, { as: text })).status).toBe(401), { timeout: 30_000 });
    const late = { name: 'late', scopes: ['reader'], expiresAt: '2001-01-01T00:00:00.000Z' };
    expect((await api.call('POST', '/api/v1/keys', late)).body).toMatchObject({
      code: 'INVALID_REQUEST',
      errors: [{ path: '/expiresAt' }],
    });
  });

  test('and its successor are both in force for the overlap, and no longer', async () => {
    const old = await make({ organisation: 'acme', name: 'turns', scopes: ['author'] });
    const { body } = await api.call('POST', `/api/v1/keys/${old.id}/rotate`, { overlapMs: 60_000 });
    expect(body.key).toMatchObject({ name: 'turns', scopes: ['author'], organisation: 'acme', replaces: old.id });
    for (const as of [old.secret, body.secret]) expect((await api.call('GET', WHO, undefined, { as })).status).toBe(200);
    await api.call('POST', `/api/v1/keys/${old.id}/rotate`, { overlapMs: 0 });
    expect((await api.call('GET', WHO, undefined, { as: old.secret })).body).toMatchObject({ detail: 'The key has expired.' });
    expect((await api.call('GET', WHO, undefined, { as: body.secret })).status).toBe(200);
    // An end that was set is never put off.
    await api.call('POST', `/api/v1/keys/${old.id}/rotate`, { overlapMs: 60_000 });
    expect((await api.call('GET', WHO, undefined, { as: old.secret })).status).toBe(401);
  });

  test('says when it was last used, written once a minute', async () => {
    const { id, secret } = await make({ name: 'used', scopes: ['reader'] });
    expect((await api.call('GET', `/api/v1/keys/${id}`)).body).not.toHaveProperty('lastUsedAt');
    await api.call('GET', WHO, undefined, { as: secret });
    const read = async (): Promise<string> => (await api.call('GET', `/api/v1/keys/${id}`)).body.lastUsedAt;
    const first = await vi.waitFor(
      async () => {
        const at = await read();
        expect(at).toBeDefined();
        return at;
      },
      { timeout: 30_000 },
    );
    await api.call('GET', WHO, undefined, { as: secret });
    expect(await read()).toBe(first);
  });

  test('of one organisation makes keys for it alone', async () => {
    const admin = await api.keyWith(['admin'], 'acme');
    const own = await api.call('POST', '/api/v1/keys', { name: 'own', scopes: ['reader'] }, { as: admin });
    expect([own.status, own.body.key.organisation]).toEqual([201, 'acme']);
    const foreign = await api.call('POST', '/api/v1/keys', { organisation: 'default', name: 'x', scopes: ['admin'] }, { as: admin });
    expect([foreign.status, foreign.body.code]).toEqual([404, 'UNKNOWN_ORGANISATION']);
    const metrics = await api.call('POST', '/api/v1/keys', { name: 'x', scopes: ['metrics'] }, { as: admin });
    expect([metrics.status, metrics.body.errors]).toMatchObject([400, [{ path: '/scopes' }]]);
    const { body } = await api.call('GET', '/api/v1/keys?limit=200', undefined, { as: admin });
    expect(new Set(body.items.map((key: { organisation?: string }) => key.organisation))).toEqual(new Set(['acme']));
  });
});

describe('the first key', () => {
  test('is made once, and not while there is any key', async () => {
    expect(await api.services.keys.createFirst(HOST_ITSELF)).toBeUndefined();
  });

  test('from a file is put in force once, and stays revoked when it was', async () => {
    const text = generateKey();
    await api.services.keys.adopt(text, HOST_ITSELF);
    await api.services.keys.adopt(text, HOST_ITSELF);
    const { items } = await api.services.keys.list({ organisation: undefined }, { limit: 200 });
    const [adopted, ...more] = items.filter(({ name }) => name.includes('LORELAI_ADMIN_KEY_FILE'));
    expect(more).toEqual([]);
    await api.services.keys.revoke({ organisation: undefined }, adopted?.id ?? '', COMMAND_LINE);
    await api.services.keys.adopt(text, HOST_ITSELF);
    expect((await api.call('GET', WHO, undefined, { as: text })).status).toBe(401);
    await expect(api.services.keys.adopt('hunter2', HOST_ITSELF)).rejects.toMatchObject({ code: 'INVALID_SETTING' });
  });
});

const run = (...args: string[]) => command(['keys', ...args, '--data-dir', api.dataDir]);

describe('datasources keys', () => {
  test('creates, lists, rotates and revokes, beside a host that runs', async () => {
    const made = JSON.parse(
      (await run('create', 'ci', '--scope', 'operator', '--organisation', 'acme', '--expires', '90d', '--json')).stdout,
    );
    expect((await api.call('GET', '/api/v1/connections', undefined, { as: made.secret })).status).toBe(200);
    const next = JSON.parse((await run('rotate', made.key.id, '--overlap', '0m', '--json')).stdout);
    expect((await api.call('GET', '/api/v1/connections', undefined, { as: made.secret })).status).toBe(401);
    expect((await run('revoke', next.key.id)).stdout).toContain(`Revoked ${next.key.id} (ci).`);
    expect((await api.call('GET', '/api/v1/connections', undefined, { as: next.secret })).status).toBe(401);
    const { stdout } = await run('list', '--organisation', 'acme');
    expect(stdout).toMatch(new RegExp(`${next.key.id} +ci .*revoked`));
    expect(stdout).not.toContain(next.secret);
  });

  test.each([
    [['create', 'x', '--scope', 'operator'], 'whose key'],
    [['create', 'x', '--scope', 'everything', '--host'], 'It must be one of'],
    [['create', 'x', '--host'], '--scope'],
    [['rotate', 'x', '--overlap', 'soon'], '90d'],
  ])('with %j says what is wrong and ends with 2', async (args, text) => {
    const { exitCode, stderr } = await run(...args);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(text)]);
  });

  test('generates a key that nobody knows yet', async () => {
    const { stdout } = await command(['keys', 'generate']);
    expect(isKeyText(stdout.trim())).toBe(true);
    expect((await api.call('GET', WHO, undefined, { as: stdout.trim() })).status).toBe(401);
  });
});
