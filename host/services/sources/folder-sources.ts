import { createHash } from 'node:crypto';
import { readdir, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, sep } from 'node:path';
import { HOST_ITSELF, isOnTheMachine, type Actor } from '../../domain/caller.ts';
import { RequestError } from '../../domain/errors.ts';
import type { Log } from '../../log.ts';
import { recording } from '../../store/changes.ts';
import { ExpectationError, type Database } from '../../store/database.ts';
import {
  claimFolder,
  deleteFolder,
  deleteFolderFile,
  listFolderFiles,
  listFolders,
  markScanned,
  putFolder,
  putFolderFile,
  type FolderFile,
} from '../../store/folder-sources.ts';
import type { Admission } from './admission.ts';
import { readComponentFile } from './component-file.ts';
import type { FolderService, FolderSource } from './source-services.ts';

export interface FolderOptions {
  database: Database;
  admission: Pick<Admission, 'takeLocal'>;
  log: Log;
  /** Folders; those and what lies in them may be named by callers of the API. */
  sourceFolders: readonly string[];
}

/** A folder is looked into so often: files of an author who builds, and of an operator who copies, are not awaited by the second. */
const EVERY_MS = 10_000;
/** Who calls the API waits for an answer. */
const CALLERS_SCAN_MS = 60_000;
const MAX_FILES = 1_000;

export function createFolderSources(options: FolderOptions): FolderService {
  const { database, log } = options;
  async function shown(folder: string): Promise<FolderSource> {
    const found = (await self.list()).find((source) => source.folder === folder);
    if (found === undefined) throw unknownSource();
    return found;
  }

  async function refresh(folder: string, actor: Actor): Promise<FolderSource> {
    await shown(folder);
    await scan(options, folder, isOnTheMachine(actor) ? Number.POSITIVE_INFINITY : Date.now() + CALLERS_SCAN_MS);
    return shown(folder);
  }

  const self: FolderService = {
    async list() {
      const files = Map.groupBy(await listFolderFiles(database), ({ folder }) => folder);
      return (await listFolders(database)).map((source) => ({ ...source, files: files.get(source.folder) ?? [] }));
    },

    async add(given, actor) {
      const folder = isOnTheMachine(actor) ? given : await allowedFolder(given, options.sourceFolders);
      if (!isAbsolute(folder) || !(await isFolder(folder))) throw noFolder();
      const change = { actor, organisation: undefined, action: 'source.add', target: 'source/folder', after: { folder } } as const;
      await putFolder(recording(database, change), folder);
      return refresh(folder, actor);
    },

    async remove(folder, actor) {
      await shown(folder);
      const change = { actor, organisation: undefined, action: 'source.remove', target: 'source/folder', before: { folder } } as const;
      await deleteFolder(recording(database, change), folder);
    },

    async scan(folder, actor) {
      const wanted = folder === undefined ? (await listFolders(database)).map((source) => source.folder) : [folder];
      const sources: FolderSource[] = [];
      for (const one of wanted) sources.push(await refresh(one, actor));
      return sources;
    },

    async scanDue() {
      try {
        const nowMs = Date.now();
        for (const { folder, nextScanAtMs } of await listFolders(database)) {
          if (nextScanAtMs > nowMs) continue;
          await claimFolder(database, { folder, nowMs, againMs: nowMs + EVERY_MS });
          await scan(options, folder, Number.POSITIVE_INFINITY);
        }
      } catch (error) {
        // Another host was quicker: it is its turn.
        if (!(error instanceof ExpectationError)) log.error('folders of datasources could not be looked into', { error });
      }
    },
  };
  return self;
}

/**
 * The folder itself, behind links, which lies where callers may name one. FOLDER_NOT_ALLOWED for every other, and for what is not there:
 * nobody learns from here what is on the machine.
 */
async function allowedFolder(folder: string, allowed: readonly string[]): Promise<string> {
  const real = isAbsolute(folder) ? await existing(folder) : undefined;
  for (const root of allowed) {
    const around = await existing(root);
    if (real !== undefined && around !== undefined && isWithin(real, around)) return real;
  }
  throw new RequestError('FOLDER_NOT_ALLOWED', 'This is no folder that may be named from elsewhere.', {
    remedy: 'Watch it with `datasources sources add` on the machine of the host, or list it there in LORELAI_SOURCE_FOLDERS.',
  });
}

/** The place itself, behind links; undefined when there is none. */
async function existing(path: string): Promise<string | undefined> {
  return realpath(path).catch(() => undefined);
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);
}

async function isFolder(folder: string): Promise<boolean> {
  return stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function noFolder(): RequestError {
  return new RequestError('INVALID_REQUEST', 'folder: There is no such folder on this machine.', {
    remedy: 'Name one that this host may read.',
  });
}

async function scan(options: FolderOptions, folder: string, untilMs: number): Promise<void> {
  const { database } = options;
  const before = new Map((await listFolderFiles(database)).filter((file) => file.folder === folder).map((file) => [file.file, file]));
  let found: string[];
  try {
    found = await componentFiles(folder);
  } catch {
    return markScanned(database, folder, Date.now(), 'it cannot be read');
  }
  let looked = 0;
  for (const file of found) {
    if (Date.now() > untilMs) break;
    await look(options, { folder, file, before: before.get(file) });
    looked += 1;
  }
  for (const file of before.keys()) if (!found.includes(file)) await deleteFolderFile(database, folder, file);
  await markScanned(database, folder, Date.now(), leftOut(looked, found.length));
}

/** Why not all of it was looked at; null when all was. */
function leftOut(looked: number, found: number): string | null {
  if (looked < found) return `${found - looked} files are still to be looked at: a host that serves goes on by itself`;
  return found < MAX_FILES ? null : `it has more than ${MAX_FILES} files; the rest is not looked at`;
}

/** `*.wasm` in the folder and in folders of it. Links are not followed: a folder means what lies in it. */
async function componentFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const inner = await Promise.all(
    entries
      .filter((entry) => entry.isDirectory())
      .map(async ({ name }) => {
        const below = await readdir(join(folder, name), { withFileTypes: true }).catch(() => []);
        return below.filter((entry) => entry.isFile()).map((entry) => join(name, entry.name));
      }),
  );
  const files = [...entries.filter((entry) => entry.isFile()).map(({ name }) => name), ...inner.flat()];
  return files
    .filter((file) => file.endsWith('.wasm'))
    .toSorted()
    .slice(0, MAX_FILES);
}

/** A file that has not changed since costs its digest and nothing more. */
async function look(
  { database, admission, log }: FolderOptions,
  { folder, file, before }: { folder: string; file: string; before: FolderFile | undefined },
): Promise<void> {
  let digest = '';
  try {
    const bytes = await readComponentFile(join(folder, file));
    digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    if (before?.digest === digest) return;
    const { name, version } = (await admission.takeLocal(bytes, `the folder ${folder}`, HOST_ITSELF)).manifest;
    await putFolderFile(database, { folder, file, digest, name, version, problem: undefined }, Date.now());
    log.info('a datasource was found in a folder', { name, version });
  } catch (error) {
    // A host that is busy, or a file that is being written, is looked at again.
    if (error instanceof RequestError && error.blame === 'host') return;
    const problem = error instanceof RequestError ? `${error.code}: ${error.message}` : 'it cannot be read';
    if (!(error instanceof RequestError)) log.warn('a file of a folder of datasources cannot be read', { error });
    // Only what was found wrong with these bytes holds for as long as they stay; anything else is looked at again.
    const judged = error instanceof RequestError ? digest : '';
    const refused = { folder, file, digest: judged, name: undefined, version: undefined, problem: problem.slice(0, 1_000) };
    await putFolderFile(database, refused, Date.now());
  }
}

function unknownSource(): RequestError {
  return new RequestError('UNKNOWN_SOURCE', 'This folder is not watched.', {
    remedy: 'See those that are with `datasources sources list`.',
  });
}
