import { openMetrics } from '@lorelai/datasource-sdk';
import type { Call } from './call.ts';
import { Refusal } from './client.ts';
import { manifest } from './datasource.generated.ts';
import { fetchBlob, fileDocument, fileId, textOf } from './file-document.ts';
import { getChunk, getFileIndex, getUnit, markUnread, putUnit, removeChunk, removeUnit, unitPaths, unitsBelow } from './file-index.ts';
import { closePlan, getPlan, getWalk, makePlan, putWalk, removePlan, type Visit } from './file-plan.ts';
import { fieldsOf, required } from './fields.ts';
import { commonShape, type Job } from './job.ts';
import { toProblem } from './refusals.ts';
import type { RepositoryRecord } from './repositories.ts';
import { shapeOf } from './shape.ts';
import { fetchTree, fileSettingsOf } from './tree.ts';

/** What the files of a repository are read to: one commit, whatever is pushed meanwhile. */
interface Target {
  /** The settings when the reading began; later ones take their turn with the next run. */
  shape: string;
  /** Files that GitHub refused; they are asked for again in the next run. */
  refused: number;
  head: string;
  etag: string | undefined;
  /** When the commit was made, in a repository that was read before: what changed since changed about then. */
  changedAtMs: number | undefined;
}

/** Where the reading of a repository's files goes on. */
export type FilesCursor =
  | (Target & { at: 'walk' })
  | (Target & { at: 'fetch'; path: string; sha: string; chunk: number; line: number; chunks: number; left: number });

/** Counts up when the rules in file-kinds.ts or file-text.ts change, so that every repository is read again by them. */
const RULES = 1;

/**
 * One step in reading the files of a repository's default branch: find its head, read one tree and compare, or fetch
 * one file. Undefined once the index holds what the head has. Nothing is written before the step's last request.
 */
export function stepFiles(job: Job, cursor: FilesCursor | undefined): FilesCursor | undefined {
  if (cursor === undefined) return findHead(job);
  return cursor.at === 'walk' ? visitNext(job, cursor) : fetchNext(job, cursor);
}

/** Deletes files of a repository, at most one chunk of them; true when there are none left. */
export function purgeFiles(job: Pick<Job, 'call'> & { record: Pick<RepositoryRecord, 'id'> }): boolean {
  const { call, record } = job;
  const [path] = unitPaths(getFileIndex(call, record.id));
  return path === undefined || (dropUnit(job, path) && unitPaths(getFileIndex(call, record.id)).length === 0);
}

function filesShape(job: Job): string {
  return shapeOf([RULES, ...commonShape(job), ...fileSettingsOf(job).shape]);
}

/** Files that are still to be fetched in this repository; undefined while its trees are not all read. */
export function filesLeft(call: Call, cursor: FilesCursor | undefined): number | undefined {
  return cursor?.at === 'fetch' && getWalk(call).length === 0 ? cursor.left : undefined;
}

function findHead(job: Job): FilesCursor | undefined {
  const { call, record } = job;
  const shape = filesShape(job);
  const known = record.files?.shape === shape ? record.files : undefined;
  const head = fetchHead(job, known?.etag);
  if (head === 'unchanged') return undefined;
  if (known !== undefined && head.sha === known.head) {
    record.files = { ...known, etag: head.etag };
    return undefined;
  }
  const changedAtMs = known === undefined || head.sha === '' ? undefined : commitTimeMs(job, head.sha);
  const gone = unitPaths(getFileIndex(call, record.id)).map((path): Visit => ({ path, gone: true }));
  putWalk(call, head.sha === '' ? gone : [{ path: '', sha: head.sha }]);
  return { at: 'walk', shape, refused: 0, head: head.sha, etag: head.etag, changedAtMs };
}

/** The head of the default branch; an empty sha when it has no commit. One request, free when nothing changed. */
function fetchHead(job: Job, etag: string | undefined): { sha: string; etag: string | undefined } | 'unchanged' {
  const { fullName, branch } = job.record;
  const url = `/repos/${fullName}/git/ref/heads/${branch.split('/').map(encodeURIComponent).join('/')}`;
  const response = job.call.client.tryGet(url, { etag });
  if (response instanceof Refusal) {
    // 409: the repository is empty. 404: it has commits, but not on its default branch.
    if (response.status === 409 || response.status === 404) return { sha: '', etag: undefined };
    throw response;
  }
  if (response.status === 304) return 'unchanged';
  const sha = required(fieldsOf(response.json())?.object('object')?.text('sha'), 'the head of a branch');
  return { sha, etag: response.headers.get('etag') };
}

function commitTimeMs(job: Job, sha: string): number | undefined {
  const response = job.call.client.get(`/repos/${job.record.fullName}/git/commits/${sha}`);
  return fieldsOf(response.json())?.object('committer')?.timeMs('date');
}

function visitNext(job: Job, cursor: Target & { at: 'walk' }): FilesCursor | undefined {
  const { call, record } = job;
  const walk = getWalk(call);
  const visit = walk.at(-1);
  if (visit === undefined) return finish(job, cursor);
  const rest = walk.slice(0, -1);
  if ('gone' in visit) {
    if (dropUnit(job, visit.path)) putWalk(call, rest);
    return cursor;
  }
  const { shape } = cursor;
  const index = getFileIndex(call, record.id);
  const unit = getUnit(index, visit.path);
  if (unit?.whole === true && unit.sha === visit.sha && unit.shape === shape) {
    putWalk(call, rest);
    return cursor;
  }
  const tree = fetchTree(job, visit, fileSettingsOf(job));
  const stale = unitsBelow(index, visit.path).filter(
    (below) => tree.whole || !tree.folders.some(({ path }) => below === path || below.startsWith(`${path}/`)),
  );
  if (stale.length > 0) {
    // Their files go first: those that still exist come back with the tree that has them now.
    putWalk(call, [...walk, ...stale.map((path): Visit => ({ path, gone: true }))]);
    return cursor;
  }
  const plan = makePlan(job, visit.path, tree, { unit, shape });
  putWalk(call, [...rest, ...tree.folders]);
  return { ...targetOf(cursor), at: 'fetch', path: visit.path, sha: tree.sha, chunk: 0, line: 0, ...plan };
}

function fetchNext(job: Job, cursor: FilesCursor & { at: 'fetch' }): FilesCursor {
  const { call, record } = job;
  if (cursor.chunk >= cursor.chunks) {
    const unit = getUnit(getFileIndex(call, record.id), cursor.path);
    if (unit !== undefined) closePlan(job, cursor.path, unit, cursor.refused === 0 ? cursor.sha : '');
    return { ...targetOf(cursor), at: 'walk' };
  }
  const lines = getPlan(call, cursor.chunk);
  const [path, sha] = lines[cursor.line] ?? [];
  if (path === undefined) {
    removePlan(call, cursor.chunk);
    return { ...cursor, chunk: cursor.chunk + 1, line: 0 };
  }
  if (sha !== undefined) {
    const read = fetchFile(job, { path, sha, changedAtMs: cursor.changedAtMs });
    if (!read) markUnread(call, { id: record.id, unit: cursor.path, file: path });
    return { ...cursor, line: cursor.line + 1, left: cursor.left - 1, refused: cursor.refused + (read ? 0 : 1) };
  }
  // Deletes ask nothing of GitHub: all that stand here together.
  const gone = lines.slice(cursor.line).flatMap(([other, file]) => (file === undefined ? [other] : []));
  for (const other of gone) call.work.remove(fileId(record.id, other));
  return { ...cursor, line: cursor.line + gone.length };
}

/** Reads one file into the index; false when GitHub refuses to give it. */
function fetchFile(job: Job, file: { path: string; sha: string; changedAtMs: number | undefined }): boolean {
  const { work } = job.call;
  const bytes = fetchBlob(job, file.sha);
  work.saw(1);
  if (bytes instanceof Refusal) {
    work.skip(toProblem(bytes, `${job.record.fullName}/${file.path}`));
    return false;
  }
  const text = textOf(file.path, bytes);
  if (text.kind === 'text') work.upsert(fileDocument(job, { ...file, text: text.bytes }));
  // It may have been text before; the host ignores ids that it does not know.
  else work.remove(fileId(job.record.id, file.path));
  return true;
}

function finish(job: Job, cursor: Target): undefined {
  const { record } = job;
  const { shape, head, etag, refused } = cursor;
  record.files = refused === 0 ? { shape, head, etag } : { shape, head: '', etag: undefined };
  openMetrics(manifest).repositories_indexed.add();
  return undefined;
}

/** Deletes one chunk of a unit's files; true when the unit is gone. */
function dropUnit(job: Pick<Job, 'call'> & { record: Pick<RepositoryRecord, 'id'> }, path: string): boolean {
  const { call, record } = job;
  const unit = getUnit(getFileIndex(call, record.id), path);
  const chunk = (unit?.chunks ?? 0) - 1;
  if (unit !== undefined && chunk >= 0) {
    for (const [file] of getChunk(call, record.id, path, chunk)) call.work.remove(fileId(record.id, file));
    removeChunk(call, record.id, path, chunk);
    putUnit(call, record.id, path, { ...unit, sha: '', shape: '', chunks: chunk });
  }
  if (chunk > 0) return false;
  removeUnit(call, record.id, path);
  return true;
}

function targetOf({ shape, refused, head, etag, changedAtMs }: Target): Target {
  return { shape, refused, head, etag, changedAtMs };
}
