import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { RequestError } from '../../domain/errors.ts';
import type { SealedKind } from '../../domain/sealed-kind.ts';
import { createMasterKeys, type MasterKey, type MasterKeyOptions, type MasterKeys } from '../vault/master-keys.ts';

/**
 * Seals secrets: AES-256-GCM under a key made for this one secret, which a master key wraps. Both are bound to
 * organisation, connection and kind, so that a sealed value copied to another row does not open.
 */
export interface Vault {
  seal(home: SecretHome, secret: string): Promise<Uint8Array>;
  /** CREDENTIAL_MISSING when no master key at hand sealed it, or the value was altered. */
  open(home: SecretHome, sealed: Uint8Array): Promise<string>;
  /** The same secret under the first master key; undefined when it is already. CREDENTIAL_MISSING as `open`. */
  rewrap(home: SecretHome, sealed: Uint8Array): Promise<Uint8Array | undefined>;
  keys: MasterKeys;
}

/** Whose a secret is. */
export interface SecretHome {
  /** Empty for what belongs to all of the host. */
  organisation: string;
  /** Its id; for what belongs to no connection, another name of one thing: `github/GITHUB_CLIENT_SECRET`. */
  connection: string;
  /** `credential` when left out. */
  kind?: SealedKind;
}

/** As hosts up to 0.1.0 sealed: under the master key itself, which is not named. It opens, and is sealed anew in the rotation. */
const WITHOUT_KEY_ID = 1;
const FORMAT = 2;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
const KEY_ID_BYTES = 8;
const BOX_BYTES = IV_BYTES + TAG_BYTES;
const WRAPPED_AT = 1 + KEY_ID_BYTES;
const SECRET_AT = WRAPPED_AT + BOX_BYTES + KEY_BYTES;
/** A value under a key that nobody has must not run the operator's program time and again. */
const RELOAD_AT_MOST_EVERY_MS = 5_000;

/** `masterKeys` empty or left out: the file `master.key` in `dataDir`, made when it is first needed, for the owner only. */
export function createVault(options: MasterKeyOptions): Vault {
  const keys = createMasterKeys(options);
  let reloadedAtMs = Number.NEGATIVE_INFINITY;

  /** Keys that may have sealed it. One that is not known may have been made by another host since these were read. */
  async function candidates(sealed: Uint8Array): Promise<readonly MasterKey[]> {
    const known = await keys.all();
    if (sealed[0] === WITHOUT_KEY_ID) return known;
    const id = keyIdOf(sealed);
    const found = known.filter((key) => key.id === id);
    if (found.length > 0 || performance.now() - reloadedAtMs < RELOAD_AT_MOST_EVERY_MS) return found;
    reloadedAtMs = performance.now();
    return (await keys.reload()).filter((key) => key.id === id);
  }

  async function tryKeys<T>(home: SecretHome, sealed: Uint8Array, work: (key: MasterKey) => T): Promise<T> {
    let cause: unknown;
    for (const key of await candidates(sealed)) {
      try {
        return work(key);
      } catch (error) {
        cause = error;
      }
    }
    throw notOpened(home, sealed, cause);
  }

  const vault: Vault = {
    keys,
    async seal(home, secret) {
      const [first] = await keys.all();
      if (first === undefined) throw new TypeError('there is a master key or an error');
      const dataKey = randomBytes(KEY_BYTES);
      return joined(first, home, dataKey, box(dataKey, bindingOf(home), Buffer.from(secret, 'utf8')));
    },
    open: (home, sealed) =>
      tryKeys(home, sealed, (key) =>
        sealed[0] === WITHOUT_KEY_ID
          ? unbox(key.bytes, oldBindingOf(home), sealed.subarray(1)).toString('utf8')
          : unbox(unwrap(key, home, sealed), bindingOf(home), sealed.subarray(SECRET_AT)).toString('utf8'),
      ),
    async rewrap(home, sealed) {
      const [first] = await keys.all();
      if (first === undefined || keyIdOf(sealed) === first.id) return undefined;
      if (sealed[0] === WITHOUT_KEY_ID) return vault.seal(home, await vault.open(home, sealed));
      return tryKeys(home, sealed, (key) => joined(first, home, unwrap(key, home, sealed), sealed.subarray(SECRET_AT)));
    },
  };
  return vault;
}

/** Which master key sealed a value; undefined for one that does not say. */
export function keyIdOf(sealed: Uint8Array): string | undefined {
  return sealed[0] === FORMAT ? Buffer.from(sealed.subarray(1, WRAPPED_AT)).toString('hex') : undefined;
}

function joined(master: MasterKey, home: SecretHome, dataKey: Uint8Array, boxed: Uint8Array): Uint8Array {
  const wrapped = box(master.bytes, wrapBindingOf(home), dataKey);
  return new Uint8Array(Buffer.concat([Buffer.from([FORMAT]), Buffer.from(master.id, 'hex'), wrapped, boxed]));
}

function unwrap(key: MasterKey, home: SecretHome, sealed: Uint8Array): Uint8Array {
  if (sealed[0] !== FORMAT) throw new Error(`sealed in an unknown format ${sealed[0]}`);
  return unbox(key.bytes, wrapBindingOf(home), sealed.subarray(WRAPPED_AT, SECRET_AT));
}

/** A nonce of 96 random bits, the tag and the text, in that order (NIST SP 800-38D, section 8.2.2). */
function box(key: Uint8Array, binding: Buffer, plain: Uint8Array): Buffer {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(binding);
  const text = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), text]);
}

function unbox(key: Uint8Array, binding: Buffer, boxed: Uint8Array): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, boxed.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES })
    .setAAD(binding)
    .setAuthTag(boxed.subarray(IV_BYTES, BOX_BYTES));
  return Buffer.concat([decipher.update(boxed.subarray(BOX_BYTES)), decipher.final()]);
}

function bindingOf({ organisation, connection, kind = 'credential' }: SecretHome): Buffer {
  return Buffer.from(JSON.stringify([kind, organisation, connection]));
}

function wrapBindingOf({ organisation, connection, kind = 'credential' }: SecretHome): Buffer {
  return Buffer.from(JSON.stringify(['key', kind, organisation, connection]));
}

function oldBindingOf({ organisation, connection, kind = 'credential' }: SecretHome): Buffer {
  if (kind !== 'credential') throw new Error(`no host ever sealed ${kind} in this format`);
  return Buffer.from(JSON.stringify([organisation, connection]));
}

function notOpened({ connection, kind = 'credential' }: SecretHome, sealed: Uint8Array, cause: unknown): RequestError {
  const id = keyIdOf(sealed);
  const under = id === undefined ? '' : ` It was sealed under the key ${id}.`;
  const what =
    kind === 'variable' ? `The value of ${connection}` : `The ${kind === 'tokens' ? 'authorisation' : kind} of connection ${connection}`;
  return new RequestError('CREDENTIAL_MISSING', `${what} does not open with this master key.${under}`, {
    remedy:
      kind === 'variable'
        ? 'Give the host the key that sealed it, or set the value again.'
        : 'Give the host the key that sealed it, or set the credential of the connection again.',
    cause,
  });
}
