import { copyFile, constants, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { RequestError } from '../domain/errors.ts';
import { makeFolder } from '../make-folder.ts';
import { copyDatabase, type CopiedDatabase } from '../store/backup.ts';
import { COMPONENTS_FOLDER, DATABASE_FILE } from './data-folder.ts';

/** A folder that a host can start from, once it has its master key beside it. */
export interface Backup extends CopiedDatabase {
  folder: string;
  /** Component files in it. */
  components: number;
}

const WHOLE_COMPONENT = /^[0-9a-f]{64}\.wasm$/;

/**
 * Copies the database and the component files of a data folder into a new folder while hosts work. The master keys are not in it: whoever
 * had both could read every secret. Nothing is left behind when it fails. CONFLICT when the folder is there, FILE_NOT_READABLE.
 */
export async function backUp(dataDir: string, folder: string): Promise<Backup> {
  const partial = `${folder}.partial`;
  // Looked at first as well: a copy may take minutes.
  if (await holdsSomething(folder)) throw inTheWay(folder);
  await makeNew(partial);
  try {
    const components = join(partial, COMPONENTS_FOLDER);
    await mkdir(components);
    // Before and after: one that is removed or installed meanwhile may be in the copy of the database.
    await copyComponents(join(dataDir, COMPONENTS_FOLDER), components);
    const database = await copyDatabase(join(dataDir, DATABASE_FILE), join(partial, DATABASE_FILE));
    await copyComponents(join(dataDir, COMPONENTS_FOLDER), components);
    await putInPlace(partial, folder);
    return { folder, ...database, components: (await readdir(join(folder, COMPONENTS_FOLDER))).length };
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

/** For its owner only: it holds what only some people may see. */
async function makeNew(partial: string): Promise<void> {
  await makeFolder(join(partial, '..'));
  await mkdir(partial, { mode: 0o700 }).catch((error: unknown) => {
    throw isExisting(error) ? inTheWay(partial, error) : error;
  });
}

/** An empty folder may be there; anything else stays as it is. */
async function putInPlace(partial: string, folder: string): Promise<void> {
  try {
    await rename(partial, folder);
  } catch (error) {
    throw isExisting(error) ? inTheWay(folder, error) : error;
  }
}

async function holdsSomething(folder: string): Promise<boolean> {
  return readdir(folder).then(
    (names) => names.length > 0,
    (error: unknown) => isExisting(error),
  );
}

function inTheWay(folder: string, cause?: unknown): RequestError {
  return new RequestError('CONFLICT', `${folder} is there already.`, {
    remedy: 'Name a folder that is not there yet, or remove it.',
    cause,
  });
}

function isExisting(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ['EEXIST', 'ENOTEMPTY', 'ENOTDIR'].includes(String(error.code));
}

async function copyComponents(from: string, to: string): Promise<void> {
  const names = await readdir(from).catch(() => []);
  for (const name of names.filter((candidate) => WHOLE_COMPONENT.test(candidate))) {
    // What is named by its digest never changes; what was removed meanwhile is not in the copy of the database any more.
    await copyFile(join(from, name), join(to, name), constants.COPYFILE_EXCL).catch((error: unknown) => {
      if (!(error instanceof Error && 'code' in error && (error.code === 'EEXIST' || error.code === 'ENOENT'))) throw error;
    });
  }
}
