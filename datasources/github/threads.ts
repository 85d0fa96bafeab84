import { Refusal } from './client.ts';
import { fieldsOf, listOf, type Fields } from './fields.ts';
import { commonShape, type Job } from './job.ts';
import { documentId, forgetThread, getKnown, putKnown, type ThreadKey, type ThreadStore } from './known-threads.ts';
import type { Thread } from './objects.ts';
import { toProblem } from './refusals.ts';
import type { ThreadDocument } from './render.ts';
import type { ThreadsRead } from './repositories.ts';
import { shapeOf } from './shape.ts';

/** How an operator wants issues or pull requests to be read. */
export interface ThreadSettings {
  comments: boolean;
  /** Reviews and comments on lines of code; never for issues. */
  reviews: boolean;
  closed: boolean;
  /** 0 means no bound. */
  maxAgeDays: number;
}

/** What is different between issues and pull requests. */
export interface ThreadKind<T extends Thread> extends ThreadStore {
  /** The list's path below the repository, and what one page of it has: a batch should get through a page. */
  list: 'issues' | 'pulls';
  pageSize: number;
  /** Undefined for what the list has besides. */
  parse(fields: Fields): T | undefined;
  /** Makes the document; asks for its remarks, as far as the settings want them. */
  toDocument(job: Job, thread: T, settings: ThreadSettings): ThreadDocument;
  /** Lists of remarks that can change without their thread changing. */
  remarkLists(settings: ThreadSettings): readonly string[];
}

/** Where the reading of a repository's issues or pull requests goes on. */
export type ThreadsCursor = PagesCursor | RemarksCursor;

interface PagesCursor {
  at: 'pages';
  shape: string;
  /** GitHub's clock when the reading began; unknown before the first page. */
  startedMs?: number | undefined;
  floorMs?: number | undefined;
  url?: string | undefined;
}

interface RemarksCursor {
  at: 'remarks';
  shape: string;
  startedMs: number;
  /** Which of the kind's `remarkLists`. */
  list: number;
  url?: string | undefined;
}

/** What one step came to: there is more, the list was read to its end, or the repository has no such list. */
export type ThreadsStep = { cursor: ThreadsCursor } | { read: ThreadsRead | undefined } | 'no-list';

export interface ThreadsTask<T extends Thread> {
  job: Job;
  kind: ThreadKind<T>;
  settings: ThreadSettings;
  /** What the last complete reading left. */
  read: ThreadsRead | undefined;
}

const DAY_MS = 86_400_000;
/** What GitHub lists may lag behind its clock. */
const OVERLAP_MS = 5 * 60_000;

/**
 * One step in reading the issues or pull requests of a repository: one page of the list, or of the comments that
 * were changed since the last run.
 *
 * The latest change comes first. What changes while the pages are read moves to the front, pushes the rest towards the
 * end and is found by the next run: nothing slips through between two pages.
 */
export function stepThreads<T extends Thread>(task: ThreadsTask<T>, cursor: ThreadsCursor | undefined): ThreadsStep {
  if (cursor === undefined) return readPage(task, begin(task));
  return cursor.at === 'pages' ? readPage(task, cursor) : readRemarks(task, cursor);
}

/** When a thread must have changed last to be kept, in milliseconds since 1970; undefined without a bound. */
export function cutoffMs(settings: ThreadSettings, nowMs: number): number | undefined {
  return settings.maxAgeDays === 0 ? undefined : nowMs - settings.maxAgeDays * DAY_MS;
}

/** Whether the settings ask for a thread. */
export function isKept(thread: Thread, settings: ThreadSettings, nowMs: number): boolean {
  return (settings.closed || thread.state === 'open') && thread.updatedAtMs >= (cutoffMs(settings, nowMs) ?? -Infinity);
}

function begin({ job, settings, read }: ThreadsTask<Thread>): PagesCursor {
  const shape = shapeOf([...commonShape(job), settings]);
  const sinceMs = read?.shape === shape ? read.sinceMs - OVERLAP_MS : -Infinity;
  const floorMs = Math.max(sinceMs, cutoffMs(settings, job.call.connection.nowMs) ?? -Infinity);
  return { at: 'pages', shape, floorMs: Number.isFinite(floorMs) ? floorMs : undefined };
}

function readPage<T extends Thread>(task: ThreadsTask<T>, cursor: PagesCursor): ThreadsStep {
  const { job, kind } = task;
  const { client, work } = job.call;
  const { floorMs = -Infinity, shape } = cursor;
  const page = cursor.url === undefined ? client.tryGet(listUrl(task), { query: pageQuery(kind, floorMs) }) : client.tryGet(cursor.url);
  if (page instanceof Refusal) return refused(task, cursor, page);
  const startedMs = cursor.startedMs ?? client.serverTimeMs();
  for (const fields of listOf(page.json())) {
    const thread = kind.parse(fields);
    if (thread === undefined) continue;
    if (thread.updatedAtMs < floorMs) return afterPages(task, shape, startedMs);
    const known = getKnown(job.call, kind, keyOf(task, thread.number));
    if (known?.updatedMs === thread.updatedAtMs && known.shape === shape) continue;
    // What is done of this page is remembered, so that the next batch passes over it.
    if (work.isFull()) return { cursor: { ...cursor, startedMs } };
    readThread(task, thread, shape);
  }
  const url = client.next(page);
  return url === undefined ? afterPages(task, shape, startedMs) : { cursor: { ...cursor, startedMs, url } };
}

/** Comments that were edited do not change their issue, so they are asked for by themselves, from the second run on. */
function readRemarks<T extends Thread>(task: ThreadsTask<T>, cursor: RemarksCursor): ThreadsStep {
  const { job, kind, settings, read } = task;
  const { call } = job;
  const list = kind.remarkLists(settings)[cursor.list];
  const done = { read: { shape: cursor.shape, sinceMs: cursor.startedMs } };
  if (list === undefined || read === undefined) return done;
  const query = { sort: 'updated', direction: 'desc', per_page: 100, since: toIso(read.sinceMs - OVERLAP_MS) };
  const page =
    cursor.url === undefined ? call.client.tryGet(`/repos/${job.record.fullName}/${list}`, { query }) : call.client.tryGet(cursor.url);
  const nextList = { cursor: { ...cursor, list: cursor.list + 1, url: undefined } };
  if (page instanceof Refusal) return nextList;
  for (const fields of listOf(page.json())) {
    const number = Number(/\/(\d+)$/.exec(fields.text('issue_url') ?? fields.text('pull_request_url') ?? '')?.[1]);
    const known = Number.isInteger(number) ? getKnown(call, kind, keyOf(task, number)) : undefined;
    if (known === undefined || (fields.timeMs('updated_at') ?? 0) < known.readMs) continue;
    if (call.work.isFull()) return { cursor };
    readAgain(task, number, cursor.shape);
  }
  const url = call.client.next(page);
  return url === undefined ? nextList : { cursor: { ...cursor, url } };
}

function readAgain<T extends Thread>(task: ThreadsTask<T>, number: number, shape: string): void {
  const { job, kind } = task;
  const response = job.call.client.tryGet(`/repos/${job.record.fullName}/${kind.list}/${number}`);
  if (response instanceof Refusal && !response.isMissing) throw response;
  const fields = response instanceof Refusal ? undefined : fieldsOf(response.json());
  const thread = fields === undefined ? undefined : kind.parse(fields);
  // A transferred issue answers from its new repository.
  if (thread?.number === number && thread.link.startsWith(`${job.record.link}/`)) readThread(task, thread, shape);
  else forgetThread(job.call, kind, keyOf(task, number));
}

function readThread<T extends Thread>(task: ThreadsTask<T>, thread: T, shape: string): void {
  const { job, kind, settings } = task;
  const { call } = job;
  const key = keyOf(task, thread.number);
  call.work.saw(1);
  if (!isKept(thread, settings, call.connection.nowMs)) return forgetThread(call, kind, key);
  const readMs = call.client.serverTimeMs();
  call.work.upsert({ ...kind.toDocument(job, thread, settings), id: documentId(kind.name, key.repository, key.number) });
  putKnown(call, kind, key, { updatedMs: thread.updatedAtMs, shape, readMs });
}

function afterPages({ read }: ThreadsTask<Thread>, shape: string, startedMs: number): ThreadsStep {
  if (read?.shape === shape) return { cursor: { at: 'remarks', shape, startedMs, list: 0 } };
  return { read: { shape, sinceMs: startedMs } };
}

function refused(task: ThreadsTask<Thread>, cursor: PagesCursor, refusal: Refusal): ThreadsStep {
  const { job, kind, read } = task;
  const path = `${job.record.fullName}/${kind.list}`;
  if (refusal.isMissing) {
    // 410 is the plain word for "switched off in this repository", which is nobody's mistake.
    if (refusal.status !== 410) job.call.work.skip(toProblem(refusal, path));
    return 'no-list';
  }
  if (refusal.status === 422 && cursor.url !== undefined) {
    job.call.work.skip({
      path,
      reason: `GitHub lists no further than this: ${refusal.message}.`,
      remedy: 'Lower max_age_days, so that fewer are read.',
    });
    return { read };
  }
  throw refusal;
}

function listUrl({ job, kind }: ThreadsTask<Thread>): string {
  return `/repos/${job.record.fullName}/${kind.list}`;
}

function pageQuery(kind: Pick<ThreadKind<Thread>, 'list' | 'pageSize'>, floorMs: number): Record<string, string | number | undefined> {
  // Pull requests know no `since`; their reading stops at the first one that is too old.
  const since = kind.list === 'issues' && Number.isFinite(floorMs) ? toIso(floorMs) : undefined;
  return { state: 'all', sort: 'updated', direction: 'desc', per_page: kind.pageSize, since };
}

function keyOf({ job }: ThreadsTask<Thread>, number: number): ThreadKey {
  return { feature: job.feature, repository: job.record.id, number };
}

/** GitHub counts whole seconds. */
function toIso(timeMs: number): string {
  return new Date(Math.floor(timeMs / 1000) * 1000).toISOString().replace('.000Z', 'Z');
}
