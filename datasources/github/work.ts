import type { Change, Document, Problem } from '@lorelai/datasource-sdk';
import type { Client } from './client.ts';

/** What one call has gathered, and whether that is enough for one batch. */
export interface Work {
  upsert(document: Document): void;
  remove(id: string): void;
  /** Leaves something out, with the reason. */
  skip(problem: Problem): void;
  /** Counts items that were looked at. */
  saw(items: number): void;
  /** Whether the batch should end here. A step that is under way may go on to its own end. */
  isFull(): boolean;
  readonly changes: readonly Change[];
  readonly skipped: readonly Problem[];
  readonly seen: number;
}

/**
 * A batch is committed as a whole and lost as a whole, so it stays small: what a call does in a few
 * seconds and a host holds without a thought.
 */
const MAX_REQUESTS = 20;
const MAX_DOCUMENTS = 100;
/** One more step may add 500: together fewer than the 1,000 that a batch may have. */
const MAX_CHANGES = 450;
const MAX_CONTENT_BYTES = 2 * 1024 * 1024;
const MAX_SKIPPED = 200;
/** Of the time that the host gives a call: the last request may take as long as all before it. */
const TIME_SHARE = 0.4;

/** `timeMs` is what the host gives the call. */
export function createWork(client: Client, timeMs: number): Work {
  const changes: Change[] = [];
  const skipped: Problem[] = [];
  const sums = { documents: 0, contentBytes: 0, seen: 0 };
  return {
    upsert: (document) => {
      changes.push({ upsert: document });
      sums.documents += 1;
      sums.contentBytes += document.content.length;
    },
    remove: (id) => {
      changes.push({ delete: id });
    },
    skip: (problem) => {
      skipped.push(problem);
    },
    saw: (items) => {
      sums.seen += items;
    },
    isFull: () =>
      client.requests() >= MAX_REQUESTS ||
      client.elapsedMs() >= timeMs * TIME_SHARE ||
      sums.documents >= MAX_DOCUMENTS ||
      changes.length >= MAX_CHANGES ||
      sums.contentBytes >= MAX_CONTENT_BYTES ||
      skipped.length >= MAX_SKIPPED,
    changes,
    skipped,
    get seen() {
      return sums.seen;
    },
  };
}
