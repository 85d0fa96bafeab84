import { setImmediate } from 'node:timers/promises';
import { monotonicFactory } from 'ulid';
import type { SourceDocument } from '../domain/document.ts';
import type { Problem } from '../domain/errors.ts';
import { confirmRead, internAccessLists, spreadAccessOf } from './access-lists.ts';
import { endPass, putCheckpoint } from './checkpoints.ts';
import { writeCollections } from './collections.ts';
import type { CollectionWrite } from './collections.ts';
import type { Database, Operation } from './database.ts';
import { deleteDocuments, refreshDocument, upsertDocument } from './documents.ts';
import type { DocumentHome } from './documents.ts';
import { recordFailures } from './failed-items.ts';
import { findKept, type KeptPassages } from './kept-passages.ts';
import { extendLease, LEASE_EXTENDED, withLease } from './leases.ts';
import type { Lease } from './leases.ts';
import { writeMetrics } from './metrics.ts';
import type { MetricWrite } from './metrics.ts';
import { deletePassages, indexPassages, insertPassage } from './passages.ts';
import { addProgress } from './run-progress.ts';
import { guardDigest } from './registry.ts';
import { scopeWords } from './search-scope.ts';
import { queueForVectors } from './vector-queue.ts';
import { toWrittenChanges, type DocumentChange, type WrittenChanges, type WrittenDocument } from './written-changes.ts';

/** A batch, ready to be written: everything of it becomes visible at once, or nothing. */
export interface BatchCommit {
  lease: Lease;
  /** The lease is held until then at least. */
  leaseUntilMs: number;
  organisation: string;
  connection: string;
  datasource: string;
  /** Of the component that gave it: another one may run by now, and then nothing is written. */
  digest?: string;
  feature: string;
  /** The stream of the run that is told of it, where that is not the feature. */
  progressOf?: string;
  /**
   * In the order of the source. Where one id comes more than once the last wins, so `touch` is to be
   * judged by what was known before the batch. Or what `toWrittenChanges` has made of them already.
   */
  changes: readonly DocumentChange[] | WrittenChanges;
  /** Where the next `read` goes on; none for changes that no `read` gave. */
  checkpoint: Uint8Array | undefined;
  /** Whether the feature is up to date with this. */
  done: boolean;
  progress: { seen: number; expected: number | undefined };
  /** What was left out: by the source, and by the host. */
  problems: readonly Problem[];
  /** What was read of items that the host itself could not use, by id: all of them are in `problems` too. */
  unusable?: ReadonlyMap<string, SourceDocument>;
  storage: readonly CollectionWrite[];
  metrics: readonly MetricWrite[];
  nowMs: number;
  /** All that this thread does for it is done, and the store works on it. */
  onSent?: () => void;
}

/** What a batch did. */
export interface BatchResult {
  upserted: number;
  unchanged: number;
  /** Known documents that are gone. */
  deleted: number;
  /** Somebody asked to cancel the run: this batch is kept, the next should not be read. */
  cancelRequested: boolean;
}

/** Documents that become statements before the event loop gets a turn. */
const DOCUMENTS_PER_TURN = 200;

/**
 * Writes a batch with its checkpoint, storage, metrics and progress in one transaction, if the lease
 * still holds; sets the run's `attempts` back to 0. `LeaseLostError`: nothing was written, stop working on the run.
 */
export async function commitBatch(database: Database, batch: BatchCommit): Promise<BatchResult> {
  const { organisation, connection, feature, nowMs, lease } = batch;
  const home: DocumentHome = { organisation, connection, feature };
  const { upserts, touched, deleted } = 'upserts' in batch.changes ? batch.changes : await toWrittenChanges(batch.changes);
  const replaced = upserts.map(({ document }) => document.id);
  const kept = await findKept(
    database,
    home,
    upserts.flatMap(({ passages }) => passages),
  );
  const before: Operation[] = [
    extendLease(lease, batch.leaseUntilMs),
    ...(batch.digest === undefined ? [] : [guardDigest(batch.datasource, batch.digest)]),
    ...internAccessLists(
      home,
      [...upserts, ...touched].map(({ access }) => access.list),
    ),
    ...deletePassages(home, [...replaced, ...deleted], kept.ids),
    ...kept.move(),
    ...(await upsertOperations(batch, home, upserts, kept)),
    indexPassages(home, replaced, kept.ids),
    queueForVectors(home, replaced, kept.ids),
    // Passages that stay have the access that their document had.
    ...spreadAccessOf(home, kept.ids.length === 0 ? [] : replaced),
    ...touched.map(({ document, access }) => refreshDocument(home, document, access, nowMs)),
    ...spreadAccessOf(
      home,
      touched.map(({ document }) => document.id),
    ),
    confirmRead(connection, nowMs),
    ...(batch.checkpoint === undefined
      ? []
      : [putCheckpoint({ connection, feature, checkpoint: batch.checkpoint, run: lease.run, nowMs })]),
    ...(batch.checkpoint !== undefined && batch.done ? [endPass(connection, feature)] : []),
    ...failureOperations(batch, [...replaced, ...deleted]),
    ...writeCollections(connection, batch.storage),
    ...writeMetrics(connection, batch.metrics, nowMs),
  ];
  const counts = { upserted: upserts.length, unchanged: touched.length };
  const progress = {
    run: lease.run,
    feature: batch.progressOf ?? feature,
    done: batch.done,
    ...batch.progress,
    ...counts,
    problems: batch.problems,
    failed: batch.unusable?.size ?? 0,
  };
  const result = await withLease(lease, () => {
    // The progress counts what `deleteDocuments` deletes, so nothing may come between the two.
    const written = database.write([...before, deleteDocuments(home, deleted), ...addProgress(progress)]);
    batch.onSent?.();
    return written;
  });
  const cancelRequested = result.rows(0, LEASE_EXTENDED)[0] ?? false;
  return { ...counts, deleted: result.changes(before.length), cancelRequested };
}

/** What came well is off the list of failed items, what did not is on it. */
function failureOperations(batch: BatchCommit, settled: readonly string[]): Operation[] {
  const { connection, feature, problems, unusable, lease, nowMs } = batch;
  const failed = new Set(problems.map(({ path }) => path));
  return recordFailures(
    { connection, feature },
    {
      run: lease.run,
      failures: problems.map((problem) => ({ problem, document: unusable?.get(problem.path) })),
      mended: settled.filter((id) => !failed.has(id)),
      nowMs,
    },
  );
}

async function upsertOperations(
  batch: BatchCommit,
  home: DocumentHome,
  written: readonly WrittenDocument[],
  kept: KeptPassages,
): Promise<Operation[]> {
  const scope = scopeWords(batch);
  // Asks for randomness once and counts on from there.
  const nextId = monotonicFactory();
  const operations: Operation[] = [];
  for (const [index, { document, access, contentHash, passages }] of written.entries()) {
    // Work for this thread: let requests be answered in between.
    if (index % DOCUMENTS_PER_TURN === DOCUMENTS_PER_TURN - 1) await setImmediate();
    const publicId = nextId(batch.nowMs);
    operations.push(upsertDocument(home, { document, access, contentHash, publicId, passages: passages.length, nowMs: batch.nowMs }));
    const context = { title: document.title, scope, accessKey: access.list.key };
    for (const passage of passages) {
      if (!kept.has(document.id, passage.position)) operations.push(insertPassage(home, passage, context));
    }
  }
  return operations;
}
