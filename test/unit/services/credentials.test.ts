import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RequestError } from '../../../host/domain/errors.ts';
import { createVault, type Vault } from '../../../host/services/credentials.ts';

const HOME = { organisation: 'acme', connection: '01JD0000000000000000000000' };
let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'vault-'));
});

afterEach(() => rm(dataDir, { recursive: true }));

function vault(masterKey?: Uint8Array): Vault {
  return createVault({ dataDir, masterKeys: masterKey === undefined ? [] : [masterKey] });
}

async function refusal(act: Promise<unknown>): Promise<RequestError> {
  try {
    await act;
  } catch (error) {
    if (error instanceof RequestError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

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
