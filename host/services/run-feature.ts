import type { Batch } from '../domain/document.ts';
import { whyTooManyFailed } from '../domain/run-bounds.ts';
import { prepareBatch } from '../indexing/prepare.ts';
import { ContractError } from '../indexing/contract-fields.ts';
import { toBatch } from '../indexing/validate.ts';
import { commitBatch, type BatchResult } from '../store/batch.ts';
import { ExpectationError } from '../store/database.ts';
import { DIGEST_GUARD } from '../store/registry.ts';
import { beginPass, forgetCheckpoint, getCheckpoint } from '../store/checkpoints.ts';
import { connectionWork, type ConnectionWork } from '../store/connection-work.ts';
import { knownVersions } from '../store/documents.ts';
import { setRunFeature } from '../store/run-progress.ts';
import { DatasourceSession } from './datasource-session.ts';
import { callWithRetries, decide, isEnabled, type FeatureEnd, type RunPartOptions } from './run-calls.ts';
import type { CallResult, CallTarget } from './sandboxed-call.ts';

/** Batches that may give the checkpoint back that they were given, one after another, as long as each carries a change. */
const MAX_REPEATS = 100;
/** Batches of one feature in one run: more than any source has, less than a host works on for ever. */
const MAX_BATCHES = 1_000_000;

/** What a run knows of the feature that it reads, beside what is in the store. */
interface Reading {
  feature: string;
  batches: number;
  repeats: number;
  seen: number;
  failed: number;
}

/** Calls `read` until the feature is up to date, committing each batch with its checkpoint. `LeaseLostError`. */
export async function readFeature(options: RunPartOptions, feature: string): Promise<FeatureEnd> {
  const session = new DatasourceSession(options);
  try {
    await setRunFeature(options.database, options.lease, { feature, state: 'running' });
    return await readBatches(options, session, feature);
  } finally {
    await session.close();
  }
}

async function readBatches(options: RunPartOptions, session: DatasourceSession, feature: string): Promise<FeatureEnd> {
  const { database, lease, run, signal } = options;
  const reading = readingOf(options, feature);
  let restarted = false;
  let { attempts } = run;
  for (;;) {
    // Loaded for each batch: a changed flag, grant, credential or bound takes effect from the next one on.
    const [target, work] = await Promise.all([
      options.targets.load(run.organisation, run.connection),
      connectionWork(database, run.connection),
    ]);
    if (work.pause !== undefined) return { kind: 'cancelled' };
    if (!isEnabled(target, feature)) {
      await setRunFeature(database, lease, { feature, state: 'skipped', reason: 'switched off while the run went on' });
      return { kind: 'ended' };
    }
    const before = await getCheckpoint(database, run.connection, feature);
    // What a datasource keeps of the time must not be later than what it has read: changes in between would be lost.
    const nowMs = await beginPass(database, lease, run.connection, feature, Date.now());
    const result = await callWithRetries(session, target, { function: 'read', args: [feature, before], signal, nowMs });
    if (result.ok) {
      const step = await takeBatch({ ...options, attempts }, { target, work, reading, before, result });
      if (step !== 'more') return step;
      // What was committed counts as a fresh start, in the store as here.
      attempts = 1;
      continue;
    }
    if (result.failure === undefined) return { kind: 'aborted' };
    if (result.failure.kind === 'checkpoint-expired' && before !== undefined && !restarted) {
      restarted = true;
      await forgetCheckpoint(database, lease, run.connection, feature);
      continue;
    }
    return decide({ ...options, attempts }, feature, result.failure);
  }
}

function readingOf({ run }: RunPartOptions, feature: string): Reading {
  const found = run.features.find((candidate) => candidate.feature === feature);
  return { feature, batches: found?.batches ?? 0, repeats: 0, seen: found?.seen ?? 0, failed: found?.skipped ?? 0 };
}

interface TakenCall {
  target: CallTarget;
  work: ConnectionWork;
  reading: Reading;
  before: Uint8Array | undefined;
  result: CallResult & { ok: true };
}

async function takeBatch(options: RunPartOptions & { attempts: number }, call: TakenCall): Promise<FeatureEnd | 'more'> {
  const { target, work, reading, before, result } = call;
  const { feature } = reading;
  let batch: Batch;
  try {
    batch = toBatch(result.value, target.datasource.limits.maxChangesPerBatch);
  } catch (error) {
    if (!(error instanceof ContractError)) throw error;
    return decide(options, feature, { kind: 'failed', message: `read gave a batch that breaks the contract: ${error.message}` });
  }
  const endless = whyEndless(batch, reading, before);
  if (endless !== undefined) return decide(options, feature, { kind: 'failed', message: endless });
  const committed = await commit(options, target, feature, batch, result);
  if (committed === undefined) return { kind: 'aborted' };
  // Another version runs by now: what the old one gave is dropped, and the new one is asked.
  if (committed === 'switched') return 'more';
  const { cancelRequested, problems, ...changes } = committed;
  options.metrics.countDocuments(target.datasource.name, changes);
  await options.onBatch();
  reading.seen += batch.progress.seen;
  reading.failed += problems;
  const tooMany = whyTooManyFailed(reading, work.bounds);
  if (tooMany !== undefined) return { kind: 'run-failed', reason: `${feature}: ${tooMany}`, pauses: 'failed-items' };
  if (batch.done) return { kind: 'ended' };
  return cancelRequested ? { kind: 'cancelled' } : 'more';
}

/** Why the batches of a feature would never end; undefined when they may. */
function whyEndless(batch: Batch, reading: Reading, before: Uint8Array | undefined): string | undefined {
  reading.batches += 1;
  if (batch.done) return undefined;
  if (reading.batches >= MAX_BATCHES) return `read was not done after ${reading.batches} batches`;
  const repeats = before !== undefined && Buffer.compare(batch.next, before) === 0;
  reading.repeats = repeats ? reading.repeats + 1 : 0;
  if (repeats && batch.changes.length === 0)
    return 'read gave the checkpoint back that it was given, without a change and without being done: it would go on for ever';
  if (reading.repeats > MAX_REPEATS)
    return `read gave the checkpoint back that it was given ${reading.repeats} times, without being done: it would go on for ever`;
  return undefined;
}

/** Undefined when the signal ended it; `switched` when the version that gave the batch no longer runs. */
async function commit(
  options: RunPartOptions,
  target: CallTarget,
  feature: string,
  batch: Batch,
  result: CallResult & { ok: true },
): Promise<(BatchResult & { problems: number }) | 'switched' | undefined> {
  const { database, run, lease, leaseMs } = options;
  const documents = batch.changes.flatMap((change) => (change.kind === 'upsert' ? [change.document] : []));
  const ids = documents.map(({ id }) => id);
  const owner = `${run.organisation}/${target.datasource.name}`;
  const prepared = await prepareBatch(batch, await knownVersions(database, run.connection, feature, ids), { ...options, owner });
  if (prepared === undefined) return undefined;
  const unusable = new Set(prepared.unread);
  const problems = [...batch.skipped, ...prepared.problems];
  const nowMs = Date.now();
  const committed = await unlessSwitched(() =>
    commitBatch(database, {
      lease,
      leaseUntilMs: nowMs + leaseMs,
      organisation: run.organisation,
      connection: run.connection,
      datasource: target.datasource.name,
      digest: target.datasource.digest,
      feature,
      changes: prepared.changes,
      checkpoint: batch.next,
      done: batch.done,
      progress: batch.progress,
      problems,
      unusable: new Map(documents.filter(({ id }) => unusable.has(id)).map((document) => [document.id, document])),
      storage: result.storage,
      metrics: result.metrics,
      nowMs,
    }),
  );
  return committed === 'switched' ? committed : { ...committed, problems: problems.length };
}

async function unlessSwitched<T>(work: () => Promise<T>): Promise<T | 'switched'> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ExpectationError && error.statement === DIGEST_GUARD) return 'switched';
    throw error;
  }
}
