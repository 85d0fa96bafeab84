import type { Shelf } from './cached.ts';
import type { Call, FeatureName } from './call.ts';

/** What is remembered of an issue or a pull request that is in the index. */
export interface KnownThread {
  updatedMs: number;
  /** The settings that it was read with. */
  shape: string;
  /** GitHub's clock when its comments were read. */
  readMs: number;
}

/** Where the threads of one kind are remembered, and what their documents are called. */
export interface ThreadStore {
  name: 'issue' | 'pull';
  collection(call: Call): Shelf;
}

export interface ThreadKey {
  feature: FeatureName;
  repository: number;
  number: number;
}

/** Of what one step deletes. */
const MAX_DELETES = 400;

export function documentId(name: ThreadStore['name'], repository: number, number: number): string {
  return `${name}/${repository}/${number}`;
}

export function getKnown(call: Call, store: ThreadStore, key: ThreadKey): KnownThread | undefined {
  return store.collection(call).get<KnownThread>(toText(key));
}

export function putKnown(call: Call, store: ThreadStore, key: ThreadKey, known: KnownThread): void {
  store.collection(call).put(toText(key), known);
}

/** Takes a thread out of the index, if it is there. */
export function forgetThread(call: Call, store: ThreadStore, key: ThreadKey): void {
  if (getKnown(call, store, key) === undefined) return;
  call.work.remove(documentId(store.name, key.repository, key.number));
  store.collection(call).remove(toText(key));
}

/** Takes the threads of a repository out of the index, some in each step; true when there are none left. */
export function purgeThreads(call: Call, store: ThreadStore, { feature, repository }: Omit<ThreadKey, 'number'>): boolean {
  const prefix = `${feature}/${repository}/`;
  let deletes = 0;
  for (const { key } of store.collection(call).scan<KnownThread>(prefix)) {
    if (!key.startsWith(prefix)) return true;
    if (deletes === MAX_DELETES) return false;
    forgetThread(call, store, { feature, repository, number: Number(key.slice(prefix.length)) });
    deletes += 1;
  }
  return true;
}

/**
 * Takes threads out of the index that nobody has touched since `cutoffMs`, some in each step. Gives the key after
 * which the next step goes on; undefined when it is done.
 */
export function expireThreads(
  call: Call,
  store: ThreadStore,
  options: { feature: FeatureName; cutoffMs: number; after: string },
): string | undefined {
  const prefix = `${options.feature}/`;
  const looked = { entries: 0, last: options.after === '' ? prefix : options.after };
  for (const { key, value } of store.collection(call).scan<KnownThread>(looked.last)) {
    if (!key.startsWith(prefix)) return undefined;
    if (looked.entries === MAX_DELETES) return looked.last;
    const [repository, number] = key.slice(prefix.length).split('/').map(Number);
    if (value.updatedMs < options.cutoffMs && repository !== undefined && number !== undefined) {
      forgetThread(call, store, { feature: options.feature, repository, number });
    }
    looked.entries += 1;
    looked.last = key;
  }
  return undefined;
}

function toText({ feature, repository, number }: ThreadKey): string {
  return `${feature}/${repository}/${number}`;
}
