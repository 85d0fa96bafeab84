import type { Access } from './access.ts';
import type { Problem } from './failure.ts';

/** An item at the source, as the index should know it from now on. */
export interface Document {
  /** Stable and unique within the feature and the connection. 1 to 512 bytes. */
  id: string;
  /** Changes whenever the content does: a sha, an ETag, a revision. Without one the host compares the content. */
  version?: string | undefined;
  /** What a person would call it. Cut at 1 KiB. */
  title: string;
  /** Where a person reads it: an absolute https or http URL, at most 4 KiB. */
  link: string;
  /** The media type of `content`: `text/markdown`, `text/plain`, `application/pdf`. */
  mediaType: string;
  /** The item itself. Text is sent as UTF-8. */
  content: string | Uint8Array;
  /** The names of what contains it, outermost first: `['octo-org/hello', 'docs']`. */
  location?: readonly string[] | undefined;
  /** The author as a person would write the name. Cut at 256 bytes. */
  author?: string | undefined;
  /** Milliseconds since 1970, UTC. See `timeMs` for text. */
  createdAtMs?: number | undefined;
  /** Milliseconds since 1970, UTC. See `timeMs` for text. */
  updatedAtMs?: number | undefined;
  /** Who may see it: `everyone()`, `adminsOnly()`, or `allOf(anyOf(…))`. */
  access: Access;
  /** Kept and returned but not searched. At most 32; names of `a-z`, `0-9`, `_`; values cut at 1 KiB. */
  attributes?: Readonly<Record<string, string | number | boolean>> | undefined;
}

/** One step from the old state of the index to the new one. */
export type Change = { upsert: Document } | { delete: string };

/** Changes in order, or, where order does not matter, upserts and deletes (applied first) by themselves. */
export interface Changes {
  changes?: readonly Change[] | undefined;
  upserts?: readonly Document[] | undefined;
  deletes?: readonly string[] | undefined;
}

/** What one `read` gives back. At most 1,000 changes. */
export interface ReadResult<State = unknown> extends Changes {
  /** Where the next `read` goes on, as JSON; at most 64 KiB. After `done` it is where the next run begins. */
  state: State;
  /** Whether the feature is up to date. While false the host calls again at once. */
  done: boolean;
  /** Items looked at in this batch, changed or not. When left out: the number of changes. */
  seen?: number | undefined;
  /** Items that the whole run will look at, when the source says so. */
  expected?: number | undefined;
  /** Items or scopes that were left out, each with a reason. The run goes on and is `partial`. */
  skipped?: readonly Problem[] | undefined;
}

/** A page of a list. `next` is JSON, at most 64 KiB; the last page has none. */
export interface IdPage<Cursor = unknown> {
  /** At most 10,000. */
  ids: readonly string[];
  next?: Cursor | undefined;
}
