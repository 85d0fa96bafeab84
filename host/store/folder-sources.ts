import { operation } from './database.ts';
import type { Database } from './database.ts';
import { defineStatement } from './statement.ts';
import type { Columns, NoParams } from './statement.ts';

export interface StoredFolder {
  folder: string;
  nextScanAtMs: number;
  scannedAtMs: number | undefined;
  /** Why it could not be read the last time. */
  problem: string | undefined;
}

/** A file that was found in a folder, and what became of it. */
export interface FolderFile {
  folder: string;
  /** Below the folder. */
  file: string;
  digest: string;
  /** Of the datasource that was taken from it. */
  name: string | undefined;
  version: string | undefined;
  /** Why it was not taken. */
  problem: string | undefined;
}

const PUT = defineStatement<{ folder: string }>(
  'folder_sources.put',
  'INSERT INTO folder_sources (folder, next_scan_at_ms) VALUES (:folder, 0) ON CONFLICT (folder) DO UPDATE SET next_scan_at_ms = 0',
);

const DELETE = defineStatement<{ folder: string }>('folder_sources.delete', 'DELETE FROM folder_sources WHERE folder = :folder');
const DELETE_FILES = defineStatement<{ folder: string }>('folder_files.delete-all', 'DELETE FROM folder_files WHERE folder = :folder');

// Of several hosts that find it due, one gets it.
const CLAIM = defineStatement<{ folder: string; nowMs: number; againMs: number }>(
  'folder_sources.claim',
  'UPDATE folder_sources SET next_scan_at_ms = :againMs WHERE folder = :folder AND next_scan_at_ms <= :nowMs',
);

const SCANNED = defineStatement<{ folder: string; nowMs: number; problem: string | null }>(
  'folder_sources.scanned',
  'UPDATE folder_sources SET scanned_at_ms = :nowMs, problem = :problem WHERE folder = :folder',
);

const LIST = defineStatement<NoParams, StoredFolder>(
  'folder_sources.list',
  'SELECT folder, next_scan_at_ms, scanned_at_ms, problem FROM folder_sources ORDER BY folder',
  (row) => ({
    folder: row.text('folder'),
    nextScanAtMs: row.number('next_scan_at_ms'),
    scannedAtMs: row.optionalNumber('scanned_at_ms'),
    problem: row.optionalText('problem'),
  }),
);

const PUT_FILE = defineStatement<
  Record<'folder' | 'file' | 'digest', string> & Record<'name' | 'version' | 'problem', string | null> & { nowMs: number }
>(
  'folder_files.put',
  `INSERT INTO folder_files (folder, file, digest, name, version, problem, seen_at_ms)
   SELECT :folder, :file, :digest, :name, :version, :problem, :nowMs WHERE EXISTS (SELECT 1 FROM folder_sources WHERE folder = :folder)
   ON CONFLICT (folder, file) DO UPDATE SET digest = excluded.digest, name = excluded.name, version = excluded.version,
     problem = excluded.problem, seen_at_ms = excluded.seen_at_ms`,
);

const DELETE_FILE = defineStatement<{ folder: string; file: string }>(
  'folder_files.delete',
  'DELETE FROM folder_files WHERE folder = :folder AND file = :file',
);

const LIST_FILES = defineStatement<NoParams, FolderFile>(
  'folder_files.list',
  'SELECT folder, file, digest, name, version, problem FROM folder_files ORDER BY folder, file',
  toFile,
);

/** Due at once, also when it is there already. */
export async function putFolder(database: Database, folder: string): Promise<void> {
  await database.write([operation(PUT, { folder })]);
}

/** `ExpectationError` when it is not there. */
export async function deleteFolder(database: Database, folder: string): Promise<void> {
  await database.write([operation(DELETE_FILES, { folder }), operation(DELETE, { folder }, { expectChanges: 1 })]);
}

/** `ExpectationError` when it is not due any more. */
export async function claimFolder(database: Database, claim: { folder: string; nowMs: number; againMs: number }): Promise<void> {
  await database.write([operation(CLAIM, claim, { expectChanges: 1 })]);
}

export async function markScanned(database: Database, folder: string, nowMs: number, problem: string | null): Promise<void> {
  await database.write([operation(SCANNED, { folder, nowMs, problem })]);
}

/** By path. */
export async function listFolders(database: Database): Promise<StoredFolder[]> {
  return database.read(LIST, {});
}

export async function putFolderFile(database: Database, { name, version, problem, ...file }: FolderFile, nowMs: number): Promise<void> {
  const params = { ...file, name: name ?? null, version: version ?? null, problem: problem ?? null, nowMs };
  await database.write([operation(PUT_FILE, params)]);
}

export async function deleteFolderFile(database: Database, folder: string, file: string): Promise<void> {
  await database.write([operation(DELETE_FILE, { folder, file })]);
}

/** By folder and path. */
export async function listFolderFiles(database: Database): Promise<FolderFile[]> {
  return database.read(LIST_FILES, {});
}

function toFile(row: Columns): FolderFile {
  return {
    folder: row.text('folder'),
    file: row.text('file'),
    digest: row.text('digest'),
    name: row.optionalText('name'),
    version: row.optionalText('version'),
    problem: row.optionalText('problem'),
  };
}
