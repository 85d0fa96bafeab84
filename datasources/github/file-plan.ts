import type { Call } from './call.ts';
import { getEntries, putEntries, putUnit, type FileEntry, type Unit } from './file-index.ts';
import type { Job } from './job.ts';
import type { Tree, WantedFile } from './tree.ts';

/** One thing to do for a unit: fetch a file, or delete it when it has no sha. */
export type PlanLine = [path: string] | [path: string, sha: string];

/** A folder that is still to be read, or one whose files are all to be deleted. */
export type Visit = { path: string; sha: string } | { path: string; gone: true };

const CHUNK_LINES = 400;
const WALK_KEY = 'chunk/walk';

/**
 * Compares a tree with what the index holds of it and writes down what is to be done: deletes first, so that a
 * renamed file never stands in the index twice for longer than a batch. Gives the number of chunks of the plan, and of
 * files to fetch.
 *
 * Until the plan is done the unit lists both the old files and the new ones, so that whatever interrupts the
 * reading, no file can stay in the index unknown.
 */
export function makePlan(
  job: Job,
  path: string,
  tree: Tree,
  known: { unit: Unit | undefined; shape: string },
): { chunks: number; left: number } {
  const { call, record } = job;
  const { unit, shape } = known;
  const before = new Map(getEntries(call, record.id, path, unit));
  const isCurrent = (file: WantedFile): boolean => unit?.shape === shape && before.get(file.path) === file.sha;
  const wanted = new Set(tree.files.map((file) => file.path));
  const gone = [...before.keys()].filter((other) => !wanted.has(other));
  const fetches = tree.files.filter((file) => !isCurrent(file));
  call.work.saw(tree.files.length - fetches.length);

  const lines: PlanLine[] = [...gone.map((other): PlanLine => [other]), ...fetches.map((file): PlanLine => [file.path, file.sha])];
  const planned = Math.ceil(lines.length / CHUNK_LINES);
  for (let chunk = 0; chunk < planned; chunk += 1) {
    call.repositories.put(planKey(chunk), lines.slice(chunk * CHUNK_LINES, (chunk + 1) * CHUNK_LINES));
  }
  const entries: FileEntry[] = [
    ...tree.files.map((file): FileEntry => [file.path, file.sha]),
    ...gone.map((other): FileEntry => [other, '']),
  ];
  const chunks = putEntries(call, record.id, path, entries, unit?.chunks ?? 0);
  putUnit(call, record.id, path, { sha: '', shape, whole: tree.whole, chunks });
  return { chunks: planned, left: fetches.length };
}

export function getPlan(call: Call, chunk: number): PlanLine[] {
  return call.repositories.get<PlanLine[]>(planKey(chunk)) ?? [];
}

export function removePlan(call: Call, chunk: number): void {
  call.repositories.remove(planKey(chunk));
}

/** Notes that a unit is indexed as the tree with this sha has it. */
export function closePlan(job: Job, path: string, unit: Unit, sha: string): void {
  const { call, record } = job;
  const entries = getEntries(call, record.id, path, unit).filter(([, file]) => file !== '');
  const chunks = putEntries(call, record.id, path, entries, unit.chunks);
  putUnit(call, record.id, path, { ...unit, sha, chunks });
}

/** Folders still to be visited; the last one comes first. */
export function getWalk(call: Call): Visit[] {
  return call.repositories.get<Visit[]>(WALK_KEY) ?? [];
}

export function putWalk(call: Call, visits: readonly Visit[]): void {
  if (visits.length === 0) call.repositories.remove(WALK_KEY);
  else call.repositories.put(WALK_KEY, visits);
}

function planKey(chunk: number): string {
  return `chunk/plan/${chunk}`;
}
