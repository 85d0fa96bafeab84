import type { Call, FeatureName } from './call.ts';
import type { Repository } from './objects.ts';

/** What is kept of a repository from run to run, apart for each feature. */
export interface RepositoryRecord {
  id: number;
  fullName: string;
  link: string;
  branch: string;
  private: boolean;
  /** The entry of the config that it came by: `owner/name`, `owner/*`, or `*` for all. */
  entry: string;
  /** The run that listed it last. */
  run: number;
  /** Runs in a row that did not list it although GitHub still has it. */
  misses: number;
  /** How far its files, issues and pull requests were read, and under which settings. */
  files?: { shape: string; head: string; etag: string | undefined } | undefined;
  issues?: ThreadsRead | undefined;
  pulls?: ThreadsRead | undefined;
}

export interface ThreadsRead {
  shape: string;
  /** GitHub's clock when the last complete reading began: what changed since then is still to be read. */
  sinceMs: number;
}

/** The repositories that a run works through: ids that it listed, and ids that it knows and did not find. */
export interface Queue {
  listed: number[];
  missing: number[];
}

export function getRecord(call: Call, feature: FeatureName, id: number): RepositoryRecord | undefined {
  const record = call.repositories.get<RepositoryRecord>(recordKey(feature, id));
  // A reading notes in it how far it came, and only what `putRecord` is given counts.
  return record === undefined ? undefined : { ...record };
}

export function putRecord(call: Call, feature: FeatureName, record: RepositoryRecord): void {
  call.repositories.put(recordKey(feature, record.id), record);
}

export function removeRecord(call: Call, feature: FeatureName, id: number): void {
  call.repositories.remove(recordKey(feature, id));
}

/** Notes that a run listed a repository, with its name, branch and visibility as they are now. */
export function noteListed(call: Call, feature: FeatureName, listed: { repository: Repository; entry: string; run: number }): void {
  const { repository, entry, run } = listed;
  const { id, fullName, link, branch } = repository;
  const known = getRecord(call, feature, id);
  putRecord(call, feature, { ...known, id, fullName, link, branch, private: repository.private, entry, run, misses: 0 });
}

/** Writes down what the run works through. Reads every record of the feature once. */
export function makeQueue(call: Call, feature: FeatureName, run: number): Queue {
  const queue: Queue = { listed: [], missing: [] };
  const prefix = `${feature}/`;
  for (const { key, value } of call.repositories.scan<RepositoryRecord>(prefix)) {
    if (!key.startsWith(prefix)) break;
    (value.run === run ? queue.listed : queue.missing).push(value.id);
  }
  call.repositories.put(queueKey(feature), queue);
  return queue;
}

export function getQueue(call: Call, feature: FeatureName): Queue {
  return call.repositories.get<Queue>(queueKey(feature)) ?? { listed: [], missing: [] };
}

/** Everything of a run that is done may go. */
export function dropQueue(call: Call, feature: FeatureName): void {
  call.repositories.remove(queueKey(feature));
}

function recordKey(feature: FeatureName, id: number): string {
  return `${feature}/${id}`;
}

// Lists and chunks sort before the records of all features, so that a scan of records never reads them.
function queueKey(feature: FeatureName): string {
  return `chunk/queue/${feature}`;
}
