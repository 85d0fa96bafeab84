import { failed, type IdPage } from '@lorelai/datasource-sdk';
import { openCall, type Call, type FeatureName, type GithubConnection } from './call.ts';
import { Refusal } from './client.ts';
import { listOf } from './fields.ts';
import { fileId } from './file-document.ts';
import { ISSUES } from './issues.ts';
import type { Job } from './job.ts';
import { documentId } from './known-threads.ts';
import { listRepositories, type ListingCursor } from './listing.ts';
import type { Repository, Thread } from './objects.ts';
import { PULLS } from './pulls.ts';
import { stagesOf, threadSettingsOf, type StageName } from './stages.ts';
import { isKept, type ThreadKind, type ThreadSettings } from './threads.ts';
import { fetchTree, fileSettingsOf } from './tree.ts';

/** Where a listing of ids goes on. */
export interface IdsCursor {
  /** The next page of repositories; null after the last. */
  listing?: ListingCursor | null | undefined;
  /** Repositories of the last page that are still to be listed. */
  queue: Repository[];
  stage: number;
  /** Folders still to be listed, the last one first, and how many files of that one are done. */
  folders?: { path: string; sha: string }[] | undefined;
  offset?: number | undefined;
  /** The next page of issues or pull requests. */
  url?: string | undefined;
}

const MAX_IDS = 5_000;
/** A cursor has 64 KiB; a folder takes about 150 bytes of it. */
const MAX_FOLDERS = 300;

/**
 * A page of the ids of all that GitHub has for a feature, asked of GitHub itself and not of what this datasource
 * remembers. Throws `failed` when GitHub does not say it all, so that nothing is pruned by a list with holes.
 */
export function listIds(connection: GithubConnection, feature: FeatureName, before: IdsCursor | undefined): IdPage<IdsCursor> {
  const call = openCall(connection);
  const ids: string[] = [];
  let cursor: IdsCursor | undefined = before ?? { queue: [], stage: 0 };
  do cursor = stepIds(call, feature, { cursor, ids });
  while (cursor !== undefined && ids.length < MAX_IDS && !call.work.isFull());
  return { ids, next: cursor };
}

function stepIds(call: Call, feature: FeatureName, { cursor, ids }: { cursor: IdsCursor; ids: string[] }): IdsCursor | undefined {
  const [repository, ...rest] = cursor.queue;
  if (repository === undefined) return nextRepositories(call, cursor);
  const stage = stagesOf(feature)[cursor.stage];
  if (stage === undefined) return { listing: cursor.listing, queue: rest, stage: 0 };
  const record = { ...repository, entry: '', run: 0, misses: 0 };
  const more = listStage({ call, feature, record, epoch: 0 }, stage, { cursor, ids });
  return more ?? { listing: cursor.listing, queue: cursor.queue, stage: cursor.stage + 1 };
}

function nextRepositories(call: Call, cursor: IdsCursor): IdsCursor | undefined {
  if (cursor.listing === null) return undefined;
  const page = listRepositories(call, cursor.listing);
  if (page.incomplete) throw failed(`GitHub does not list all repositories: ${call.work.skipped.map(({ reason }) => reason).join(' ')}`);
  return { listing: page.next ?? null, queue: page.found.map(({ repository }) => repository), stage: 0 };
}

/** One page of one stage; undefined after its last. */
function listStage(job: Job, stage: StageName, at: { cursor: IdsCursor; ids: string[] }): IdsCursor | undefined {
  if (stage === 'files') return listFiles(job, at);
  const settings = threadSettingsOf(job.call, job.feature, stage);
  if (settings === undefined) return undefined;
  return stage === 'issues' ? listThreads(job, ISSUES, settings, at) : listThreads(job, PULLS, settings, at);
}

function listFiles(job: Job, { cursor, ids }: { cursor: IdsCursor; ids: string[] }): IdsCursor | undefined {
  const { record } = job;
  const [folder, ...others] = (cursor.folders ?? [{ path: '', sha: record.branch }]).toReversed();
  if (folder === undefined) return undefined;
  try {
    const tree = fetchTree(job, { ...folder, sha: encodeURIComponent(folder.sha) }, fileSettingsOf(job));
    const offset = cursor.offset ?? 0;
    const end = offset + MAX_IDS;
    ids.push(...tree.files.slice(offset, end).map(({ path }) => fileId(record.id, path)));
    if (end < tree.files.length) return { ...cursor, folders: [...others.toReversed(), folder], offset: end };
    const folders = [...others.toReversed(), ...tree.folders];
    if (folders.length > MAX_FOLDERS) throw failed(`${record.fullName} has too many folders to list its files.`);
    return { ...cursor, folders, offset: 0 };
  } catch (error) {
    // An empty repository has no tree.
    if (error instanceof Refusal && (error.status === 409 || error.isMissing)) return undefined;
    throw error;
  }
}

function listThreads<T extends Thread>(
  job: Job,
  kind: ThreadKind<T>,
  settings: ThreadSettings,
  { cursor, ids }: { cursor: IdsCursor; ids: string[] },
): IdsCursor | undefined {
  const { client, connection } = job.call;
  const query = { state: 'all', sort: 'created', direction: 'desc', per_page: 100 };
  const page =
    cursor.url === undefined ? client.tryGet(`/repos/${job.record.fullName}/${kind.list}`, { query }) : client.tryGet(cursor.url);
  if (page instanceof Refusal) {
    if (page.isMissing) return undefined;
    throw page;
  }
  const threads = listOf(page.json()).flatMap((fields) => kind.parse(fields) ?? []);
  const kept = threads.filter((thread) => isKept(thread, settings, connection.nowMs));
  ids.push(...kept.map(({ number }) => documentId(kind.name, job.record.id, number)));
  const url = client.next(page);
  return url === undefined ? undefined : { ...cursor, url };
}
