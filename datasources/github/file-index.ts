import type { Call } from './call.ts';

/**
 * What the index holds of a repository's files. A unit is one tree that was read in one request: the whole
 * repository, or, where it is too large for that, a folder of it. Each unit keeps the paths and shas of its files
 * in chunks, small enough to read, write and delete within one call.
 */
export interface FileIndex {
  units: Record<string, Unit>;
}

export interface Unit {
  /** The tree that is indexed; empty while its files are being read. */
  sha: string;
  /** The settings that it was read with. */
  shape: string;
  /** Whether the unit has the folders below it, or only the files directly in it. */
  whole: boolean;
  chunks: number;
}

/** A file of a unit: path from the root of the repository, and blob sha; empty once it is to be deleted. */
export type FileEntry = [path: string, sha: string];

/** In place of the sha of a file that could not be read. */
const UNREAD = '?';
/** One chunk can be turned into deletes within one batch. */
const CHUNK_ENTRIES = 400;

export function getFileIndex(call: Call, id: number): FileIndex {
  return call.repositories.get<FileIndex>(indexKey(id)) ?? { units: {} };
}

export function getUnit(index: FileIndex, path: string): Unit | undefined {
  return Object.hasOwn(index.units, unitName(path)) ? index.units[unitName(path)] : undefined;
}

export function unitPaths(index: FileIndex): string[] {
  return Object.keys(index.units).map((name) => name.slice(1));
}

/** Units strictly below a folder. */
export function unitsBelow(index: FileIndex, path: string): string[] {
  const prefix = path === '' ? '' : `${path}/`;
  return unitPaths(index).filter((other) => other !== path && other.startsWith(prefix));
}

export function putUnit(call: Call, id: number, path: string, unit: Unit): void {
  const index = getFileIndex(call, id);
  call.repositories.put(indexKey(id), { units: { ...index.units, [unitName(path)]: unit } });
}

export function removeUnit(call: Call, id: number, path: string): void {
  const { [unitName(path)]: gone, ...units } = getFileIndex(call, id).units;
  if (gone === undefined) return;
  if (Object.keys(units).length === 0) call.repositories.remove(indexKey(id));
  else call.repositories.put(indexKey(id), { units });
}

/** Every file of a unit. */
export function getEntries(call: Call, id: number, path: string, unit: Unit | undefined): FileEntry[] {
  return Array.from({ length: unit?.chunks ?? 0 }, (_, chunk) => getChunk(call, id, path, chunk)).flat();
}

export function getChunk(call: Call, id: number, path: string, chunk: number): FileEntry[] {
  return call.repositories.get<FileEntry[]>(chunkKey(id, path, chunk)) ?? [];
}

/** Notes that a file was planned and could not be read. */
export function markUnread(call: Call, at: { id: number; unit: string; file: string }): void {
  const chunks = getUnit(getFileIndex(call, at.id), at.unit)?.chunks ?? 0;
  for (let chunk = 0; chunk < chunks; chunk += 1) {
    const entries = getChunk(call, at.id, at.unit, chunk);
    const marked = entries.map(([path, sha]): FileEntry => [path, path === at.file ? UNREAD : sha]);
    if (marked.some(([, sha], index) => sha !== entries[index]?.[1])) call.repositories.put(chunkKey(at.id, at.unit, chunk), marked);
  }
}

/** Replaces the files of a unit; gives the number of chunks. */
export function putEntries(call: Call, id: number, path: string, entries: readonly FileEntry[], before: number): number {
  const chunks = Math.ceil(entries.length / CHUNK_ENTRIES);
  for (let chunk = 0; chunk < chunks; chunk += 1) {
    call.repositories.put(chunkKey(id, path, chunk), entries.slice(chunk * CHUNK_ENTRIES, (chunk + 1) * CHUNK_ENTRIES));
  }
  for (let chunk = chunks; chunk < before; chunk += 1) removeChunk(call, id, path, chunk);
  return chunks;
}

export function removeChunk(call: Call, id: number, path: string, chunk: number): void {
  call.repositories.remove(chunkKey(id, path, chunk));
}

function indexKey(id: number): string {
  return `chunk/files/${id}`;
}

function chunkKey(id: number, path: string, chunk: number): string {
  // No path in git has an empty component, so `//` ends it.
  return `chunk/files/${id}/${path}//${chunk}`;
}

/** Folders may be called `__proto__`. */
function unitName(path: string): string {
  return `/${path}`;
}
