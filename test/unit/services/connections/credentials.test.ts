import { createCipheriv, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createVault, type Vault } from '../../../../host/services/connections/credentials.ts';
import { refusal } from '../../../helpers/refusal.ts';

const HOME = { organisation: 'acme', connection: '01JD0000000000000000000000' };
let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'vault-'));
});

afterEach(() => rm(dataDir, { recursive: true }));

function vault(masterKey?: Uint8Array): Vault {
  return createVault({ dataDir, masterKeys: masterKey === undefined ? [] : [masterKey] });
}

const vaultOf = (...masterKeys: Uint8Array[]): Vault => createVault({ dataDir, masterKeys });

describe('a sealed credential', () => {
  it.each(['ghp_secret', '', 'pässwörd \u{1f511}', 'x'.repeat(16_384)])('opens where it was sealed: %.20j', async (secret) => {
    expect(await vault().open(HOME, await vault().seal(HOME, secret))).toBe(secret);
  });

  it('never holds the secret, and never looks the same twice', async () => {
    const [first, second] = [await vault().seal(HOME, 'ghp_secret'), await vault().seal(HOME, 'ghp_secret')];
    expect(Buffer.from(first).includes('ghp_secret')).toBe(false);
    expect(first).not.toEqual(second);
  });

  it.each([
    ['another connection', { ...HOME, connection: '01JD0000000000000000000001' }],
    ['another organisation', { ...HOME, organisation: 'other' }],
    ['a home that only looks the same written out', { organisation: 'acme","01JD', connection: '0000000000000000000000' }],
  ])('does not open in %s', async (_, home) => {
    const error = await refusal(vault().open(home, await vault().seal(HOME, 'ghp_secret')));
    expect(error).toMatchObject({
      code: 'CREDENTIAL_MISSING',
      remedy: expect.stringContaining('set the credential of the connection again'),
    });
    expect(JSON.stringify([error.message, error.remedy, error.problems])).not.toContain('ghp_secret');
  });

  it('does not open when any byte of it was altered', async () => {
    const sealed = await vault().seal(HOME, 'ghp_secret');
    for (let at = 0; at < sealed.byteLength; at += 1) {
      const altered = sealed.slice();
      altered[at] = (altered[at] ?? 0) ^ 1;
      expect((await refusal(vault().open(HOME, altered))).code).toBe('CREDENTIAL_MISSING');
    }
  });

  it('does not open when it was cut off', async () => {
    const sealed = await vault().seal(HOME, 'ghp_secret');
    for (let length = 0; length < sealed.byteLength; length += 1) {
      expect((await refusal(vault().open(HOME, sealed.subarray(0, length)))).code).toBe('CREDENTIAL_MISSING');
    }
  });

  it('does not open with another master key', async () => {
    const sealed = await vault(new Uint8Array(32).fill(1)).seal(HOME, 'ghp_secret');
    expect(await vault(new Uint8Array(32).fill(1)).open(HOME, sealed)).toBe('ghp_secret');
    expect((await refusal(vault(new Uint8Array(32).fill(2)).open(HOME, sealed))).code).toBe('CREDENTIAL_MISSING');
    expect((await refusal(vault().open(HOME, sealed))).code).toBe('CREDENTIAL_MISSING');
  });
});

describe('the master key', () => {
  it('is made when it is first needed, for its owner only', async () => {
    const fresh = vault();
    expect(await readdir(dataDir)).toEqual([]);
    await fresh.seal(HOME, 'x');
    expect(await readdir(dataDir)).toEqual(['master.key']);
    const { mode } = await stat(join(dataDir, 'master.key'));
    expect(mode & 0o777).toBe(0o600);
    expect(Buffer.from(await readFile(join(dataDir, 'master.key'), 'utf8'), 'base64')).toHaveLength(32);
  });

  it('that is given is used, and no file is made', async () => {
    await vault(new Uint8Array(32).fill(7)).seal(HOME, 'x');
    expect(await readdir(dataDir)).toEqual([]);
  });

  it('is one, however many hosts make it at once', async () => {
    // Where one of them could read half a key it does so once in twenty rounds.
    for (let round = 0; round < 60; round += 1) {
      const shared = await mkdtemp(join(dataDir, 'round-'));
      const vaults = Array.from({ length: 24 }, () => createVault({ dataDir: shared }));
      const sealed = await Promise.all(vaults.map((one, at) => one.seal(HOME, `secret ${at}`)));
      const reader = createVault({ dataDir: shared });
      expect(await Promise.all(sealed.map((one) => reader.open(HOME, one)))).toEqual(vaults.map((_, at) => `secret ${at}`));
      expect(await readdir(shared)).toEqual(['master.key']);
    }
  });

  it.each(['', 'short', Buffer.alloc(31).toString('base64'), Buffer.alloc(33).toString('base64')])(
    'in a file that holds %j is refused by name, and the file is kept',
    async (text) => {
      await writeFile(join(dataDir, 'master.key'), text);
      const error = await refusal(vault().seal(HOME, 'x'));
      expect(error).toMatchObject({
        code: 'INVALID_SETTING',
        message: expect.stringContaining('master.key'),
        remedy: expect.stringContaining('Restore it from a backup'),
      });
      expect(await readFile(join(dataDir, 'master.key'), 'utf8')).toBe(text);
    },
  );

  it('that could not be made is tried again', async () => {
    const missing = createVault({ dataDir: join(dataDir, 'later') });
    await expect(missing.seal(HOME, 'x')).rejects.toThrow(/ENOENT/);
    await mkdir(join(dataDir, 'later'));
    expect(await missing.open(HOME, await missing.seal(HOME, 'x'))).toBe('x');
  });
});

describe('a master key that is changed', () => {
  const KEYS = [1, 2, 3].map((fill) => new Uint8Array(32).fill(fill));
  const [first = new Uint8Array(), second = new Uint8Array(), third = new Uint8Array()] = KEYS;

  it('opens what the one before it sealed, and wraps it anew without touching the secret', async () => {
    const sealed = await vaultOf(first).seal(HOME, 'ghp_secret');
    const both = vaultOf(second, first);
    expect(await both.open(HOME, sealed)).toBe('ghp_secret');
    const rewrapped = await both.rewrap(HOME, sealed);
    expect(rewrapped).toBeDefined();
    expect(await vaultOf(second).open(HOME, rewrapped ?? sealed)).toBe('ghp_secret');
    expect((await refusal(vaultOf(first).open(HOME, rewrapped ?? sealed))).message).toMatch(/sealed under the key [0-9a-f]{16}/);
    // Sealed with its own key, which only changed its wrapping.
    expect(Buffer.from(rewrapped ?? sealed).subarray(69)).toEqual(Buffer.from(sealed).subarray(69));
    expect(await both.rewrap(HOME, rewrapped ?? sealed)).toBeUndefined();
  });

  it('opens nothing that was sealed for another use', async () => {
    const one = vaultOf(third);
    const sealed = await one.seal({ ...HOME, kind: 'tokens' }, 'a token');
    for (const kind of ['credential', 'attempt', 'variable', 'webhook'] as const)
      expect((await refusal(one.open({ ...HOME, kind }, sealed))).code).toBe('CREDENTIAL_MISSING');
    await expect(vaultOf(first, third).rewrap({ ...HOME, kind: 'variable' }, sealed)).rejects.toThrow(/does not open/);
  });

  it('opens what a host sealed that knew one key only, and seals it in the present way', async () => {
    const iv = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', first, iv).setAAD(Buffer.from(JSON.stringify([HOME.organisation, HOME.connection])));
    const text = Buffer.concat([cipher.update('ghp_old', 'utf8'), cipher.final()]);
    const old = new Uint8Array(Buffer.concat([Buffer.from([1]), iv, cipher.getAuthTag(), text]));
    const both = vaultOf(second, first);
    expect(await both.open(HOME, old)).toBe('ghp_old');
    expect(await vaultOf(second).open(HOME, (await both.rewrap(HOME, old)) ?? old)).toBe('ghp_old');
    expect((await refusal(both.open({ ...HOME, kind: 'tokens' }, old))).code).toBe('CREDENTIAL_MISSING');
  });

  it('in the file is seen by a host that runs already, when it meets what was sealed with it', async () => {
    const running = vault();
    const other = vault();
    const before = await running.seal(HOME, 'before');
    await other.keys.add();
    const after = await other.seal(HOME, 'after');
    expect(await running.open(HOME, after)).toBe('after');
    expect(await running.open(HOME, before)).toBe('before');
    expect((await running.keys.all()).map(({ id }) => id)).toEqual((await other.keys.all()).map(({ id }) => id));
  });

  it('is retired only when every host has had time to see the new one', async () => {
    const one = vault();
    await one.seal(HOME, 'x');
    const [old] = await one.keys.all();
    await one.keys.add();
    expect((await refusal(one.keys.retire([old?.id ?? '']))).code).toBe('CONFLICT');
    const anHourAgo = new Date(Date.now() - 3_600_000);
    await utimes(join(dataDir, 'master.key'), anHourAgo, anHourAgo);
    await one.keys.retire([old?.id ?? '']);
    expect(await one.keys.all()).toHaveLength(1);
  });
});

describe('master keys that the operator keeps', () => {
  const KEY = Buffer.alloc(32, 9).toString('base64');

  it('come from a program, which gets its arguments as they are', async () => {
    const program = join(dataDir, 'print-key.mjs');
    await writeFile(program, `if (process.argv[2] === '$(id); $HOME') console.log('${KEY}')`);
    const fromProgram = createVault({ dataDir, masterKeyCommand: [process.execPath, program, '$(id); $HOME'] });
    const fromKey = createVault({ dataDir, masterKeys: [new Uint8Array(Buffer.from(KEY, 'base64'))] });
    expect(await fromKey.open(HOME, await fromProgram.seal(HOME, 'x'))).toBe('x');
    expect(await readdir(dataDir)).toEqual(['print-key.mjs']);
    expect((await refusal(fromProgram.keys.add())).remedy).toContain('--keep-key');
  });

  it.each([
    ['that fails', ['-e', 'console.error("canary-of-stderr"); process.exit(3)'], /ended with 3/],
    ['that prints something else', ['-e', 'console.log("canary-of-stdout")'], /does not hold the base64/],
    ['that is not there', undefined, /could not be run/],
  ])('from a program %s are refused, and what it said is not shown', async (_, args, reason) => {
    const masterKeyCommand = args === undefined ? ['/no/such/program'] : [process.execPath, ...args];
    const error = await refusal(createVault({ dataDir, masterKeyCommand }).seal(HOME, 'x'));
    expect(error).toMatchObject({ code: 'INVALID_SETTING', message: expect.stringMatching(reason) });
    expect(JSON.stringify([error.message, error.remedy, error.cause])).not.toContain('canary');
  });

  it('come from a file with several, of which the first seals', async () => {
    const file = join(dataDir, 'keys.txt');
    await writeFile(file, `${KEY}\n${Buffer.alloc(32, 8).toString('base64')}\n`);
    const fromFile = createVault({ dataDir, masterKeyFile: file });
    const fromKey = createVault({ dataDir, masterKeys: [new Uint8Array(32).fill(9)] });
    expect(await fromKey.open(HOME, await fromFile.seal(HOME, 'x'))).toBe('x');
    const old = await createVault({ dataDir, masterKeys: [new Uint8Array(32).fill(8)] }).seal(HOME, 'y');
    expect(await fromFile.open(HOME, old)).toBe('y');
    expect((await refusal(createVault({ dataDir, masterKeyFile: join(dataDir, 'none') }).seal(HOME, 'x'))).code).toBe('INVALID_SETTING');
  });
});
