import { open, stat } from 'node:fs/promises';
import Libsql from 'libsql';
import { RequestError } from '../domain/errors.ts';
import { versionOf } from './migrate.ts';

/** What a copy holds. */
export interface CopiedDatabase {
  bytes: number;
  /** A host that knows this version or a later one can open it. */
  schemaVersion: number;
}

/** How long a copy waits for a host that starts or ends. */
const BUSY_TIMEOUT_MS = 15_000;

/**
 * Writes a copy of a database to a new file while any number of hosts work with it: all of one moment, and for its owner only. The
 * database itself is not changed, nor brought to a newer schema. Blocks this thread while it copies. FILE_NOT_READABLE for what is no
 * whole database.
 */
export async function copyDatabase(file: string, target: string): Promise<CopiedDatabase> {
  const found = await stat(file).catch(() => undefined);
  if (found?.isFile() !== true)
    throw new RequestError('FILE_NOT_READABLE', `There is no database ${file}.`, {
      remedy: 'Name the data folder of a host with --data-dir.',
    });
  // libSQL fills an empty file as it is, rights included.
  await (await open(target, 'wx', 0o600)).close();
  withFile(file, (database) => database.prepare('VACUUM INTO ?').run([target]));
  const schemaVersion = withFile(target, (copy) => {
    const faults = copy.prepare('PRAGMA quick_check').pluck().all([]);
    if (faults.length !== 1 || faults[0] !== 'ok') throw notWhole(file);
    return versionOf(copy);
  });
  return { bytes: (await stat(target)).size, schemaVersion };
}

function withFile<T>(file: string, use: (database: Libsql.Database) => T): T {
  const database = new Libsql(file);
  try {
    database.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
    return use(database);
  } catch (error) {
    if (error instanceof Libsql.SqliteError && /^SQLITE_(NOTADB|CORRUPT)/.test(error.code)) throw notWhole(file, error);
    throw error;
  } finally {
    database.close();
  }
}

function notWhole(file: string, cause?: unknown): RequestError {
  return new RequestError('FILE_NOT_READABLE', `The file ${file} is not a whole libSQL database.`, {
    remedy: 'Keep the backups that there are, and restore one of them.',
    cause,
  });
}
