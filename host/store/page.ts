import { RequestError } from '../domain/errors.ts';

/** Which part of a list is wanted: `after` is the `next` of the page before. */
export interface PageRequest {
  /** 1 to 200. */
  limit: number;
  after?: string;
}

/** A part of a list; no `next` after the last. */
export interface StoredPage<T> {
  items: T[];
  next: string | undefined;
}

/** What a list statement needs: everything beyond `key`, and one row more than fits to see whether more follow. */
export interface PageBounds {
  key: string;
  limit: number;
}

const CURSOR_PREFIX = 'v1:';
const MAX_LIMIT = 200;

/**
 * Turns a page request into the bounds of a query over a text key. `start` is the key before the first item.
 * INVALID_REQUEST when the limit is out of range or the cursor is none of ours.
 */
export function pageBounds(page: PageRequest, start: string): PageBounds {
  if (!Number.isInteger(page.limit) || page.limit < 1 || page.limit > MAX_LIMIT) {
    throw invalid('/limit', `${page.limit} is not a whole number from 1 to ${MAX_LIMIT}`, `Ask for 1 to ${MAX_LIMIT} items.`);
  }
  return { key: page.after === undefined ? start : parseCursor(page.after), limit: page.limit + 1 };
}

/** Cuts the extra row off and makes the cursor of the next page from the last item that stays. */
export function toPage<T>(rows: T[], page: PageRequest, keyOf: (item: T) => string): StoredPage<T> {
  const items = rows.slice(0, page.limit);
  const last = items.at(-1);
  const next = rows.length > page.limit && last !== undefined ? toCursor(keyOf(last)) : undefined;
  return { items, next };
}

function toCursor(key: string): string {
  return Buffer.from(CURSOR_PREFIX + key).toString('base64url');
}

function parseCursor(cursor: string): string {
  const text = Buffer.from(cursor, 'base64url').toString();
  const key = text.slice(CURSOR_PREFIX.length);
  // Encoding it again shows whether it came from here: decoding alone forgives almost anything.
  if (!text.startsWith(CURSOR_PREFIX) || key.includes('\0') || toCursor(key) !== cursor) {
    throw invalid('/after', 'it is not a cursor of this list', 'Pass on the `next` of the page before, unchanged.');
  }
  return key;
}

function invalid(path: string, reason: string, remedy: string): RequestError {
  return new RequestError('INVALID_REQUEST', `The page cannot be read: ${reason}.`, {
    remedy,
    problems: [{ path, reason, remedy }],
  });
}
