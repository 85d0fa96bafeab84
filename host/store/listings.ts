import { operation } from './database.ts';
import type { Database, Operation } from './database.ts';
import { deleteDocuments, type DocumentHome } from './documents.ts';
import { extendLease, guardLease, LEASE_EXTENDED, withLease } from './leases.ts';
import type { Lease } from './leases.ts';
import { pageBounds, toPage } from './page.ts';
import type { PageRequest, StoredPage } from './page.ts';
import { deletePassages } from './passages.ts';
import { defineStatement } from './statement.ts';

/** How far a run has come with listing one feature. */
export interface StoredListing {
  /** `deleting`: it has seen the last page and was judged. */
  phase: 'listing' | 'deleting';
  /** Where the next page begins; none for the first. */
  cursor: Uint8Array | undefined;
  /** The first thing that went wrong at the source. */
  fault: string | undefined;
  /** An operator has let it remove what it was held for. */
  approved: boolean;
}

/** A document that a held prune would remove. */
export interface StoredHeldDocument {
  feature: string;
  id: string;
  title: string;
  link: string;
}

type Part = { run: string; feature: string };
type DocumentsOf = Part & { connection: string };

const GET = defineStatement<Part, StoredListing>(
  'listings.get',
  'SELECT phase, cursor, fault, approved FROM listings WHERE run_id = :run AND feature = :feature',
  (row) => ({
    phase: row.oneOf('phase', ['listing', 'deleting']),
    cursor: row.optionalBytes('cursor'),
    fault: row.optionalText('fault'),
    approved: row.flag('approved'),
  }),
);

const BEGIN = defineStatement<Part & { fault: string | null; nowMs: number }>(
  'listings.begin',
  `INSERT INTO listings (run_id, feature, phase, began_at_ms, fault) VALUES (:run, :feature, 'listing', :nowMs, :fault)
   ON CONFLICT (run_id, feature) DO NOTHING`,
);

const ADVANCE = defineStatement<Part & { cursor: Uint8Array | null; fault: string | null }>(
  'listings.advance',
  'UPDATE listings SET cursor = :cursor, fault = coalesce(fault, :fault) WHERE run_id = :run AND feature = :feature',
);

const NOTE_FAULT = defineStatement<Part & { fault: string }>(
  'listings.note-fault',
  'UPDATE listings SET fault = coalesce(fault, :fault) WHERE run_id = :run AND feature = :feature',
);

const ADD_IDS = defineStatement<Part & { ids: string }>(
  'listed_ids.add',
  `INSERT INTO listed_ids (run_id, feature, source_id) SELECT :run, :feature, value FROM json_each(:ids) WHERE true
   ON CONFLICT DO NOTHING`,
);

const COUNT_SEEN = defineStatement<Part & { seen: number }>(
  'run_features.count-listed',
  'UPDATE run_features SET seen = seen + :seen, batches = batches + 1 WHERE run_id = :run AND feature = :feature',
);

const PROGRESSED = defineStatement<{ run: string }>('runs.listed', 'UPDATE runs SET attempts = 0 WHERE id = :run');

const ABSENT = `documents.connection_id = :connection AND documents.feature = :feature
  AND NOT EXISTS (SELECT 1 FROM listed_ids WHERE run_id = :run AND listed_ids.feature = :feature AND listed_ids.source_id = documents.source_id)`;

const FINDINGS = defineStatement<DocumentsOf, { documents: number; absent: number; listed: number }>(
  'listings.findings',
  `SELECT (SELECT count(*) FROM documents WHERE connection_id = :connection AND feature = :feature) AS documents,
     (SELECT count(*) FROM documents WHERE ${ABSENT}) AS absent,
     (SELECT count(*) FROM listed_ids WHERE run_id = :run AND feature = :feature) AS listed`,
  (row) => ({ documents: row.number('documents'), absent: row.number('absent'), listed: row.number('listed') }),
);

const JUDGE = defineStatement<Part>(
  'listings.judge',
  `UPDATE listings SET phase = 'deleting', cursor = NULL WHERE run_id = :run AND feature = :feature`,
);

const HOLD_IDS = defineStatement<DocumentsOf>(
  'held_ids.hold',
  `INSERT INTO held_ids (run_id, feature, source_id) SELECT :run, :feature, source_id FROM documents WHERE ${ABSENT}`,
);

const FORGET_IDS = defineStatement<Part>('listed_ids.forget', 'DELETE FROM listed_ids WHERE run_id = :run AND feature = :feature');
const FORGET_LISTING = defineStatement<Part>('listings.forget', 'DELETE FROM listings WHERE run_id = :run AND feature = :feature');
const FORGET_HELD = defineStatement<Part>('held_ids.forget', 'DELETE FROM held_ids WHERE run_id = :run AND feature = :feature');

const KEEP_LISTED = defineStatement<Part>(
  'held_ids.keep-listed',
  `DELETE FROM held_ids WHERE run_id = :run AND feature = :feature AND source_id IN (
     SELECT source_id FROM listed_ids WHERE run_id = :run AND feature = :feature)`,
);

const NEXT_TO_DELETE = defineStatement<Part & { limit: number }, string>(
  'held_ids.next',
  'SELECT source_id FROM held_ids WHERE run_id = :run AND feature = :feature ORDER BY source_id LIMIT :limit',
  (row) => row.text('source_id'),
);

const FORGET_SOME = defineStatement<Part & { ids: string }>(
  'held_ids.forget-some',
  'DELETE FROM held_ids WHERE run_id = :run AND feature = :feature AND source_id IN (SELECT value FROM json_each(:ids))',
);

const COUNT_DELETED = defineStatement<Part>(
  'run_features.count-pruned',
  'UPDATE run_features SET deleted = deleted + changes() WHERE run_id = :run AND feature = :feature',
);

const LIST_HELD = defineStatement<{ run: string; key: string; limit: number }, StoredHeldDocument>(
  'held_ids.list',
  `SELECT held_ids.feature, held_ids.source_id, documents.title, documents.link
   FROM held_ids JOIN runs ON runs.id = held_ids.run_id
   JOIN documents ON documents.connection_id = runs.connection_id AND documents.feature = held_ids.feature
     AND documents.source_id = held_ids.source_id
   WHERE held_ids.run_id = :run AND held_ids.feature || char(10) || held_ids.source_id > :key
   ORDER BY held_ids.feature || char(10) || held_ids.source_id LIMIT :limit`,
  (row) => ({ feature: row.text('feature'), id: row.text('source_id'), title: row.text('title'), link: row.text('link') }),
);

export async function getListing(database: Database, run: string, feature: string): Promise<StoredListing | undefined> {
  return database.readOne(GET, { run, feature });
}

/** `fault`: what was wrong with the source before. `LeaseLostError`. */
export async function beginListing(
  database: Database,
  lease: Lease,
  input: { feature: string; fault: string | undefined; nowMs: number },
): Promise<void> {
  const begin = operation(BEGIN, { run: lease.run, feature: input.feature, fault: input.fault ?? null, nowMs: input.nowMs });
  await withLease(lease, () => database.write([guardLease(lease), begin]));
}

/** A page of a listing. */
export interface ListedPage {
  feature: string;
  seen: number;
  /** Where the next page begins; none after the last. */
  next: Uint8Array | undefined;
  /** What went wrong at the source meanwhile. */
  fault: string | undefined;
  leaseUntilMs: number;
  /** What keeps what was on it. */
  operations: readonly Operation[];
}

/** Keeps ids as listed. */
export function keepListed(run: string, feature: string, ids: readonly string[]): Operation {
  return operation(ADD_IDS, { run, feature, ids: JSON.stringify(ids) });
}

/** Something went wrong at the source while it listed: what it lists is not believed without an operator. `LeaseLostError`. */
export async function noteListingFault(database: Database, lease: Lease, feature: string, fault: string): Promise<void> {
  const note = operation(NOTE_FAULT, { run: lease.run, feature, fault });
  await withLease(lease, () => database.write([guardLease(lease), note]));
}

/** Keeps a page with where the next one begins, and what went wrong at the source meanwhile. `LeaseLostError`. */
export async function commitPage(database: Database, lease: Lease, page: ListedPage): Promise<{ cancelRequested: boolean }> {
  const part = { run: lease.run, feature: page.feature };
  const written = await withLease(lease, () =>
    database.write([
      extendLease(lease, page.leaseUntilMs),
      operation(ADVANCE, { ...part, cursor: page.next ?? null, fault: page.fault ?? null }),
      operation(COUNT_SEEN, { ...part, seen: page.seen }),
      operation(PROGRESSED, { run: lease.run }),
      ...page.operations,
    ]),
  );
  return { cancelRequested: written.rows(0, LEASE_EXTENDED)[0] ?? false };
}

/** What a prune of a feature would do, after its last page. */
export async function listingFindings(
  database: Database,
  input: DocumentsOf,
): Promise<{ documents: number; absent: number; listed: number }> {
  return (await database.readOne(FINDINGS, input)) ?? { documents: 0, absent: 0, listed: 0 };
}

/**
 * The last page was seen and what it says is believed: what is to be removed is written down, once. Of an approved prune that is
 * what it was held for without what is listed again. `LeaseLostError`.
 */
export async function beginDeleting(database: Database, lease: Lease, input: DocumentsOf & { approved: boolean }): Promise<void> {
  const { approved, ...documents } = input;
  const part = { run: lease.run, feature: input.feature };
  const chosen = approved ? [operation(KEEP_LISTED, part)] : [operation(FORGET_HELD, part), operation(HOLD_IDS, documents)];
  await withLease(lease, () => database.write([guardLease(lease), ...chosen, operation(JUDGE, part)]));
}

/** Removes some of the documents that are to be removed; not `more` when none is left. `LeaseLostError`. */
export async function deleteAbsent(
  database: Database,
  lease: Lease,
  input: { home: DocumentHome; limit: number; leaseUntilMs: number },
): Promise<{ more: boolean; cancelRequested: boolean }> {
  const { home, limit } = input;
  const part = { run: lease.run, feature: home.feature };
  const ids = await database.read(NEXT_TO_DELETE, { ...part, limit });
  if (ids.length === 0) return { more: false, cancelRequested: false };
  const written = await withLease(lease, () =>
    database.write([
      extendLease(lease, input.leaseUntilMs),
      ...deletePassages(home, ids),
      deleteDocuments(home, ids),
      // Counts what the statement before it deleted: some may have gone since they were written down.
      operation(COUNT_DELETED, part),
      operation(FORGET_SOME, { ...part, ids: JSON.stringify(ids) }),
    ]),
  );
  return { more: true, cancelRequested: written.rows(0, LEASE_EXTENDED)[0] ?? false };
}

/** Keeps what the prune would remove, for an operator; what it saw is forgotten, because it is asked for again. */
export function holdListing(input: DocumentsOf): Operation[] {
  const part = { run: input.run, feature: input.feature };
  return [operation(FORGET_HELD, part), operation(HOLD_IDS, input), operation(FORGET_IDS, part), operation(FORGET_LISTING, part)];
}

/** What a listing kept is needed no more. */
export function forgetListing(run: string, feature: string): Operation[] {
  return [FORGET_IDS, FORGET_LISTING, FORGET_HELD].map((statement) => operation(statement, { run, feature }));
}

/** By feature and id. INVALID_REQUEST for a bad limit or cursor. */
export async function listHeldDocuments(database: Database, run: string, page: PageRequest): Promise<StoredPage<StoredHeldDocument>> {
  const rows = await database.read(LIST_HELD, { run, ...pageBounds(page, '') });
  return toPage(rows, page, ({ feature, id }) => `${feature}\n${id}`);
}
