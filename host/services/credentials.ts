import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RequestError } from '../domain/errors.ts';

/**
 * Seals the credentials of connections: AES-256-GCM, bound to organisation and connection, so that
 * a sealed value copied to another row does not open.
 */
export interface Vault {
  seal(home: SecretHome, secret: string): Promise<Uint8Array>;
  /** CREDENTIAL_MISSING when the master key is not the one that sealed it, or the value was altered. */
  open(home: SecretHome, sealed: Uint8Array): Promise<string>;
}

export interface SecretHome {
  organisation: string;
  connection: string;
}

const FORMAT = 1;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
const KEY_FILE = 'master.key';

/** `masterKey` undefined: the file `master.key` in `dataDir`, made when it is first needed, for the owner only. */
export function createVault(options: { dataDir: string; masterKey: Uint8Array | undefined }): Vault {
  let loading: Promise<Uint8Array> | undefined;
  const load = (): Promise<Uint8Array> =>
    options.masterKey === undefined ? readOrMakeKey(join(options.dataDir, KEY_FILE)) : Promise.resolve(options.masterKey);
  const key = async (): Promise<Uint8Array> => {
    loading ??= load();
    try {
      return await loading;
    } catch (error) {
      // A folder that cannot be written now may be mended later.
      loading = undefined;
      throw error;
    }
  };
  return {
    async seal(home, secret) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', await key(), iv).setAAD(bindingOf(home));
      const sealed = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
      return new Uint8Array(Buffer.concat([Buffer.from([FORMAT]), iv, cipher.getAuthTag(), sealed]));
    },
    async open(home, sealed) {
      try {
        if (sealed[0] !== FORMAT) throw new Error(`sealed in an unknown format ${sealed[0]}`);
        const iv = sealed.subarray(1, 1 + IV_BYTES);
        const tag = sealed.subarray(1 + IV_BYTES, 1 + IV_BYTES + TAG_BYTES);
        const decipher = createDecipheriv('aes-256-gcm', await key(), iv, { authTagLength: TAG_BYTES })
          .setAAD(bindingOf(home))
          .setAuthTag(tag);
        return Buffer.concat([decipher.update(sealed.subarray(1 + IV_BYTES + TAG_BYTES)), decipher.final()]).toString('utf8');
      } catch (cause) {
        throw new RequestError(
          'CREDENTIAL_MISSING',
          `The credential of connection ${home.connection} does not open with this master key.`,
          {
            remedy: 'Give the host the key that sealed it, or set the credential of the connection again.',
            cause,
          },
        );
      }
    },
  };
}

function bindingOf(home: SecretHome): Buffer {
  return Buffer.from(JSON.stringify([home.organisation, home.connection]));
}

async function readOrMakeKey(file: string): Promise<Uint8Array> {
  const text = (await readKeyFile(file)) ?? (await makeKeyFile(file));
  const key = Buffer.from(text.trim(), 'base64');
  if (key.byteLength !== KEY_BYTES) {
    throw new RequestError('INVALID_SETTING', `The file ${KEY_FILE} in the data folder does not hold the base64 of ${KEY_BYTES} bytes.`, {
      remedy: 'Restore it from a backup; without it no stored credential opens.',
    });
  }
  return new Uint8Array(key);
}

async function readKeyFile(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Of two hosts one makes the key and the other reads it, and neither ever sees half of it. */
async function makeKeyFile(file: string): Promise<string> {
  const temporary = `${file}.${process.pid}.${randomBytes(6).toString('hex')}`;
  await writeFile(temporary, `${randomBytes(KEY_BYTES).toString('base64')}\n`, { mode: 0o600, flag: 'wx', flush: true });
  try {
    await link(temporary, file);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  } finally {
    await rm(temporary, { force: true });
  }
  return readFile(file, 'utf8');
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
