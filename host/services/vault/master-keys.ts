import { execFile } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { link, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { RequestError } from '../../domain/errors.ts';
import { temporaryName } from '../../temporary-name.ts';

/** A key that wraps the keys of secrets. */
export interface MasterKey {
  /** 16 hexadecimal digits, made from the key: two hosts that hold the same key call it the same. */
  id: string;
  /** 32. */
  bytes: Uint8Array;
}

/** The master keys of a host. The first seals, all of them open. */
export interface MasterKeys {
  /** INVALID_SETTING when they cannot be had, or are none. */
  all(): Promise<readonly MasterKey[]>;
  /** Reads them again from where they come from. INVALID_SETTING; what was known before stays in use then. */
  reload(): Promise<readonly MasterKey[]>;
  /** Makes a new first one. INVALID_SETTING where the operator keeps the keys, with how to do it there. */
  add(): Promise<MasterKey>;
  /** Forgets keys by id, never the first. INVALID_SETTING as `add`; CONFLICT when they were changed a moment ago. */
  retire(ids: readonly string[]): Promise<void>;
  /** For people: `the file master.key`. */
  source: string;
}

/** Where the keys come from: at most one of the three; none means the file `master.key` in `dataDir`. */
export interface MasterKeyOptions {
  dataDir: string;
  /** Given as they are. */
  masterKeys?: readonly Uint8Array[];
  /** A file that the operator keeps. */
  masterKeyFile?: string | undefined;
  /** A program and its arguments that prints them. */
  masterKeyCommand?: readonly string[] | undefined;
}

const KEY_BYTES = 32;
const KEY_FILE = 'master.key';
/** Another host may have put a new key first: a file is read again so often, so that all of them seal with it soon. */
const FILE_FRESH_MS = 10_000;
/** Before this has passed since a change of the file, another host may still seal with a key that is to be retired. */
const SETTLED_MS = 3 * FILE_FRESH_MS;
const COMMAND_TIMEOUT_MS = 20_000;
const MAX_COMMAND_BYTES = 64 * 1024;

export function createMasterKeys(options: MasterKeyOptions): MasterKeys {
  const source = sourceOf(options);
  let loading: Promise<readonly MasterKey[]> | undefined;
  let loadedAtMs = 0;

  /** A folder or a program that fails now may be mended later: nothing that failed is kept. */
  function load(): Promise<readonly MasterKey[]> {
    const before = loading;
    const next = source.read();
    loading = next;
    loadedAtMs = performance.now();
    next.catch(() => {
      if (loading === next) loading = before;
    });
    return next;
  }

  function managed(): string {
    if (source.managedFile !== undefined) return source.managedFile;
    throw new RequestError('INVALID_SETTING', `The master keys come from ${source.name}, which this host cannot change.`, {
      remedy: 'Put a new key before the old one there, then rotate without a new key: datasources vault rotate --keep-key',
    });
  }

  return {
    source: source.name,
    all() {
      if (loading === undefined) return load();
      const before = loading;
      const stale = source.managedFile !== undefined && performance.now() - loadedAtMs > FILE_FRESH_MS;
      return stale ? load().catch(() => before) : before;
    },
    reload: load,
    async add() {
      const file = managed();
      const before = await load();
      const added = toMasterKey(new Uint8Array(randomBytes(KEY_BYTES)));
      await replaceKeyFile(file, [added, ...before]);
      await load();
      return added;
    },
    async retire(ids) {
      const file = managed();
      const [first, ...rest] = await load();
      if (first === undefined || ids.length === 0) return;
      const { mtimeMs } = await stat(file);
      if (Date.now() - mtimeMs < SETTLED_MS) throw notSettled();
      await replaceKeyFile(file, [first, ...rest.filter(({ id }) => !ids.includes(id))]);
      await load();
    },
  };
}

interface Source {
  name: string;
  /** The one that the host may write. */
  managedFile: string | undefined;
  read(): Promise<readonly MasterKey[]>;
}

function sourceOf({ dataDir, masterKeys = [], masterKeyFile, masterKeyCommand }: MasterKeyOptions): Source {
  if (masterKeys.length > 0) {
    return { name: 'LORELAI_MASTER_KEY', managedFile: undefined, read: () => Promise.resolve(masterKeys.map(toMasterKey)) };
  }
  if (masterKeyCommand !== undefined) {
    return { name: 'LORELAI_MASTER_KEY_COMMAND', managedFile: undefined, read: () => runKeyCommand(masterKeyCommand) };
  }
  if (masterKeyFile !== undefined) {
    return { name: 'LORELAI_MASTER_KEY_FILE', managedFile: undefined, read: () => readNamedKeyFile(masterKeyFile) };
  }
  const file = join(dataDir, KEY_FILE);
  return {
    name: `the file ${KEY_FILE} in the data folder`,
    managedFile: file,
    read: async () => parseKeys((await readKeyFile(file)) ?? (await makeKeyFile(file)), `The file ${KEY_FILE} in the data folder`),
  };
}

/** Names a key without telling anything of it. */
export function toMasterKey(bytes: Uint8Array): MasterKey {
  const id = createHmac('sha256', bytes).update('lorelai master key id').digest('hex').slice(0, 16);
  return { id, bytes };
}

/** Keys in base64, one a line or with commas between them. Empty when one of them is none. */
export function parseKeyText(text: string): Uint8Array[] {
  const words = text.split(/[\s,]+/).filter((word) => word !== '');
  const keys = words.map((word) => new Uint8Array(Buffer.from(word, 'base64')));
  const good = keys.every((key, at) => key.byteLength === KEY_BYTES && Buffer.from(key).toString('base64') === words[at]);
  return good ? keys : [];
}

function parseKeys(text: string, where: string): MasterKey[] {
  const keys = parseKeyText(text);
  if (keys.length === 0) {
    throw new RequestError('INVALID_SETTING', `${where} does not hold the base64 of ${KEY_BYTES} bytes, one key a line.`, {
      remedy: 'Restore it from a backup; without it no stored credential opens.',
    });
  }
  return keys.map(toMasterKey);
}

function notSettled(): RequestError {
  return new RequestError('CONFLICT', 'The master keys were changed a moment ago, and another host may still seal with an old one.', {
    remedy: `Try again in ${SETTLED_MS / 1_000} seconds.`,
  });
}

async function readNamedKeyFile(file: string): Promise<MasterKey[]> {
  try {
    return parseKeys(await readFile(file, 'utf8'), 'The file of LORELAI_MASTER_KEY_FILE');
  } catch (cause) {
    if (cause instanceof RequestError) throw cause;
    throw new RequestError('INVALID_SETTING', 'The file that LORELAI_MASTER_KEY_FILE names cannot be read.', {
      remedy: 'Name a file with a key in base64 (openssl rand -base64 32) that this user may read.',
      cause,
    });
  }
}

/** No shell is between: the words are the program and its arguments. What it prints is never shown. */
async function runKeyCommand([program = '', ...args]: readonly string[]): Promise<MasterKey[]> {
  let stdout: string;
  try {
    ({ stdout } = await promisify(execFile)(program, args, {
      timeout: COMMAND_TIMEOUT_MS,
      killSignal: 'SIGKILL',
      maxBuffer: MAX_COMMAND_BYTES,
      windowsHide: true,
    }));
  } catch (error) {
    throw new RequestError('INVALID_SETTING', `The program ${basename(program)} of LORELAI_MASTER_KEY_COMMAND ${howItFailed(error)}.`, {
      remedy: 'Run it by hand as this user: it has to print a key in base64 and end with 0.',
    });
  }
  return parseKeys(stdout, 'What LORELAI_MASTER_KEY_COMMAND prints');
}

function howItFailed(error: unknown): string {
  if (!(error instanceof Error)) return 'failed';
  const { code, killed } = error as Error & { code?: unknown; killed?: boolean };
  if (killed === true) return `did not end within ${COMMAND_TIMEOUT_MS} ms, or printed too much`;
  return typeof code === 'number' ? `ended with ${code}` : `could not be run (${String(code)})`;
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
  const temporary = await writeTemporary(file, `${randomBytes(KEY_BYTES).toString('base64')}\n`);
  try {
    await link(temporary, file);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  } finally {
    await rm(temporary, { force: true });
  }
  return readFile(file, 'utf8');
}

async function replaceKeyFile(file: string, keys: readonly MasterKey[]): Promise<void> {
  const temporary = await writeTemporary(file, keys.map(({ bytes }) => `${Buffer.from(bytes).toString('base64')}\n`).join(''));
  await rename(temporary, file);
}

async function writeTemporary(file: string, text: string): Promise<string> {
  const temporary = temporaryName(file);
  await writeFile(temporary, text, { mode: 0o600, flag: 'wx', flush: true });
  return temporary;
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
