import { isJsonObject } from '../domain/json.ts';
import type { SourceDocument } from '../domain/document.ts';
import type { Problem } from '../domain/errors.ts';
import { operation } from './database.ts';
import type { Database, Operation } from './database.ts';
import { pageBounds, toPage } from './page.ts';
import type { PageRequest, StoredPage } from './page.ts';
import { defineStatement } from './statement.ts';
import type { Columns } from './statement.ts';

/** An item that is not, or not wholly, in the index. */
export interface StoredFailedItem extends Problem {
  feature: string;
  times: number;
  /** Whether what was read of it is kept, so that it can be taken up again alone. */
  kept: boolean;
  firstAtMs: number;
  lastAtMs: number;
}

/** One that failed now, with what was read of it where the fault was the host's. */
export interface ItemFailure {
  problem: Problem;
  document: SourceDocument | undefined;
}

/** Of one connection; the oldest go first. */
const MAX_ITEMS = 10_000;
/** Greater ones are listed and not kept: the source has them. */
const MAX_KEPT_BYTES = 8 * 1024 * 1024;

type Home = { connection: string; feature: string };

const PUT = defineStatement<
  Home & { item: string; reason: string; remedy: string; run: string; nowMs: number; document: string | null; content: Uint8Array | null }
>(
  'failed_items.put',
  `INSERT INTO failed_items (connection_id, feature, item, reason, remedy, run_id, times, first_at_ms, last_at_ms, document, content)
   VALUES (:connection, :feature, :item, :reason, :remedy, :run, 1, :nowMs, :nowMs, :document, :content)
   ON CONFLICT (connection_id, feature, item) DO UPDATE SET reason = excluded.reason, remedy = excluded.remedy, run_id = excluded.run_id,
     times = times + 1, last_at_ms = excluded.last_at_ms, document = excluded.document, content = excluded.content`,
);

const TRIM = defineStatement<{ connection: string; most: number }>(
  'failed_items.trim',
  `DELETE FROM failed_items WHERE connection_id = :connection AND (SELECT count(*) FROM failed_items WHERE connection_id = :connection) > :most
     AND rowid IN (SELECT rowid FROM failed_items WHERE connection_id = :connection ORDER BY last_at_ms DESC LIMIT -1 OFFSET :most)`,
);

const REMOVE = defineStatement<Home & { items: string }>(
  'failed_items.remove',
  `DELETE FROM failed_items
   WHERE connection_id = :connection AND feature = :feature AND item IN (SELECT value FROM json_each(:items))`,
);

const REMOVE_FEATURE = defineStatement<Home>(
  'failed_items.remove-feature',
  'DELETE FROM failed_items WHERE connection_id = :connection AND feature = :feature',
);

const LIST = defineStatement<{ connection: string; key: string; limit: number }, StoredFailedItem>(
  'failed_items.list',
  `SELECT feature, item, reason, remedy, times, content IS NOT NULL AS kept, first_at_ms, last_at_ms FROM failed_items
   WHERE connection_id = :connection AND feature || char(10) || item > :key ORDER BY feature || char(10) || item LIMIT :limit`,
  toItem,
);

const KEPT_FEATURES = defineStatement<{ connection: string }, string>(
  'failed_items.kept-features',
  'SELECT DISTINCT feature FROM failed_items WHERE connection_id = :connection AND content IS NOT NULL ORDER BY feature',
  (row) => row.text('feature'),
);

const NEXT_KEPT = defineStatement<Home & { after: string; limit: number }, SourceDocument>(
  'failed_items.next-kept',
  `SELECT document, content FROM failed_items
   WHERE connection_id = :connection AND feature = :feature AND content IS NOT NULL AND item > :after ORDER BY item LIMIT :limit`,
  toDocument,
);

const COUNT_KEPT = defineStatement<Home, number>(
  'failed_items.count-kept',
  'SELECT count(*) AS items FROM failed_items WHERE connection_id = :connection AND feature = :feature AND content IS NOT NULL',
  (row) => row.number('items'),
);

/** What a batch changes in the list: what came well is off it, what failed is on it. */
export function recordFailures(
  home: Home,
  input: { run: string; failures: readonly ItemFailure[]; mended: readonly string[]; nowMs: number },
): Operation[] {
  const { connection, feature } = home;
  const { run, failures, mended, nowMs } = input;
  const puts = failures.map(({ problem, document }) =>
    operation(PUT, {
      connection,
      feature,
      // What a source calls an item may be empty or hold anything; the store keeps text without NUL.
      item: problem.path.replaceAll('\0', '\u{fffd}'),
      reason: problem.reason.replaceAll('\0', '\u{fffd}'),
      remedy: problem.remedy.replaceAll('\0', '\u{fffd}'),
      run,
      nowMs,
      ...keptParams(document),
    }),
  );
  return [
    ...(mended.length === 0 ? [] : [operation(REMOVE, { connection, feature, items: JSON.stringify(mended) })]),
    ...puts,
    ...(puts.length === 0 ? [] : [operation(TRIM, { connection, most: MAX_ITEMS })]),
  ];
}

/** Everything of a feature is read again: what fails again is put on the list again. */
export function forgetFailures(home: Home): Operation {
  return operation(REMOVE_FEATURE, { connection: home.connection, feature: home.feature });
}

/** By feature and item. INVALID_REQUEST for a bad limit or cursor. */
export async function listFailedItems(database: Database, connection: string, page: PageRequest): Promise<StoredPage<StoredFailedItem>> {
  const rows = await database.read(LIST, { connection, ...pageBounds(page, '') });
  return toPage(rows, page, ({ feature, path }) => `${feature}\n${path}`);
}

/** Features of which the host has kept failed items. */
export async function featuresWithKept(database: Database, connection: string): Promise<string[]> {
  return database.read(KEPT_FEATURES, { connection });
}

/** Failed items that were kept, in the order of their ids; `after` is the last one of the page before. */
export async function nextKept(database: Database, home: Home, after: string, limit: number): Promise<SourceDocument[]> {
  return database.read(NEXT_KEPT, { connection: home.connection, feature: home.feature, after, limit });
}

export async function countKept(database: Database, { connection, feature }: Home): Promise<number> {
  return (await database.readOne(COUNT_KEPT, { connection, feature })) ?? 0;
}

function keptParams(document: SourceDocument | undefined): { document: string | null; content: Uint8Array | null } {
  if (document === undefined || document.content.byteLength > MAX_KEPT_BYTES) return { document: null, content: null };
  const { content, ...facts } = document;
  // Text of a source may hold NUL, which JSON writes as an escape.
  return { document: JSON.stringify(facts), content };
}

/** It was checked when it came, before it was written. */
function toDocument(row: Columns): SourceDocument {
  const facts: unknown = row.jsonObject('document');
  if (!isJsonObject(facts)) throw new TypeError('failed_items holds a document that is none');
  return { ...(facts as Omit<SourceDocument, 'content'>), content: row.bytes('content') };
}

function toItem(row: Columns): StoredFailedItem {
  return {
    feature: row.text('feature'),
    path: row.text('item'),
    reason: row.text('reason'),
    remedy: row.text('remedy'),
    times: row.number('times'),
    kept: row.flag('kept'),
    firstAtMs: row.number('first_at_ms'),
    lastAtMs: row.number('last_at_ms'),
  };
}
