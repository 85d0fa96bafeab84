import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from './config.ts';
import { HOST_ITSELF } from './domain/caller.ts';
import { RequestError } from './domain/errors.ts';
import type { Log } from './log.ts';
import type { Services } from './services/services.ts';

/** Where the key of the first start is left when nobody looks. */
const KEY_FILE = 'first-admin.key';

export interface FirstKeyOptions {
  config: Pick<Config, 'dataDir' | 'adminKeyFile'>;
  log: Log;
  /** Shows a text to the person at the terminal; undefined when there is none, and what is written goes to a log. */
  showPerson: ((text: string) => void) | undefined;
}

/**
 * Sees to it that somebody can call the API: puts the key of LORELAI_ADMIN_KEY_FILE in force or, when there is no key at all,
 * makes one and hands it over once: on the terminal or, without one, in a file that only its owner can read. Never in the
 * log. Safe when several hosts start at once. INVALID_SETTING, FILE_NOT_READABLE.
 */
export async function ensureAdminKey({ keys }: Pick<Services, 'keys'>, options: FirstKeyOptions): Promise<void> {
  const { config, log, showPerson } = options;
  if (config.adminKeyFile !== undefined) return keys.adopt(await readKeyFile(config.adminKeyFile), HOST_ITSELF);
  const made = await keys.createFirst(HOST_ITSELF);
  if (made === undefined) return;
  if (showPerson !== undefined) {
    showPerson(`The first key, with the scope admin on the whole host. It is shown this once:\n\n  ${made.text}\n\n`);
    return;
  }
  await writeFile(join(config.dataDir, KEY_FILE), `${made.text}\n`, { mode: 0o600, flush: true });
  log.warn('the first key was made: take it out of the data folder', { file: KEY_FILE, key: made.key.id });
}

async function readKeyFile(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw new RequestError('FILE_NOT_READABLE', 'The file that LORELAI_ADMIN_KEY_FILE names cannot be read.', {
      remedy: 'Let this user read it, or unset LORELAI_ADMIN_KEY_FILE.',
      cause,
    });
  }
}
