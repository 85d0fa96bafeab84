import type { Batch } from '../../domain/document.ts';
import { whyTooManyFailed } from '../../domain/run-bounds.ts';
import { commitBatch, type BatchResult } from '../../store/batch.ts';
import { ExpectationError } from '../../store/database.ts';
import { DIGEST_GUARD } from '../../store/registry.ts';
import { beginPass, forgetCheckpoint, getCheckpoint } from '../../store/checkpoints.ts';
import { connectionWork, type ConnectionWork } from '../../store/connection-work.ts';
import { setRunFeature } from '../../store/run-progress.ts';
import { DatasourceSession } from '../connections/datasource-session.ts';
import { BegunRead, type Asked, type ReadBatch, type ReadStep } from './read-ahead.ts';
import { decide, isEnabled, type FeatureEnd, type RunPartOptions } from './run-calls.ts';
import type { CallTarget } from '../connections/sandboxed-call.ts';

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
  /** The read of the next batch, which goes on while this one is written. */
  ahead: BegunRead | undefined;
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
  const { database, lease, run } = options;
  const reading = readingOf(options, feature);
  let restarted = false;
  let { attempts } = run;
  try {
    for (;;) {
      // Loaded for each batch: a changed flag, grant, credential or bound takes effect from the next one on.
      const [target, work, checkpoint] = await Promise.all([
        options.targets.load(run.organisation, run.connection),
        connectionWork(database, run.connection),
        getCheckpoint(database, run.connection, feature),
      ]);
      if (work.pause !== undefined) return { kind: 'cancelled' };
      if (!isEnabled(target, feature)) {
        await setRunFeature(database, lease, { feature, state: 'skipped', reason: 'switched off while the run went on' });
        return { kind: 'ended' };
      }
      // What a datasource keeps of the time must not be later than what it has read: changes in between would be lost.
      const nowMs = await beginPass(database, lease, run.connection, feature, Date.now());
      const asked = { target, feature, checkpoint, nowMs };
      const step = (await reading.ahead?.take(asked)) ?? (await begin(options, session, reading, asked));
      const end = await takeStep({ ...options, attempts }, { asked, work, reading, step, restarted });
      if (end === 'restarted') restarted = true;
      // What was committed counts as a fresh start, in the store as here.
      else if (end === 'more') attempts = 1;
      else return end;
    }
  } finally {
    await reading.ahead?.drop();
  }
}

/** The read is the run's own from then on: whatever ends the run ends it. */
function begin(options: RunPartOptions, session: DatasourceSession, reading: Reading, asked: Asked): Promise<ReadStep> {
  reading.ahead = new BegunRead(options, session, asked);
  return reading.ahead.prepare();
}

function readingOf({ run }: RunPartOptions, feature: string): Reading {
  const found = run.features.find((candidate) => candidate.feature === feature);
  return { feature, batches: found?.batches ?? 0, repeats: 0, seen: found?.seen ?? 0, failed: found?.skipped ?? 0, ahead: undefined };
}

interface Taken {
  asked: Asked;
  work: ConnectionWork;
  reading: Reading;
}

type RunOptions = RunPartOptions & { attempts: number };

async function takeStep(
  options: RunOptions,
  { step, restarted, ...taken }: Taken & { step: ReadStep; restarted: boolean },
): Promise<FeatureEnd | 'more' | 'restarted'> {
  const { asked } = taken;
  const { feature } = asked;
  switch (step.kind) {
    case 'batch':
      return takeBatch(options, taken, step);
    case 'broken':
      return decide(options, feature, { kind: 'failed', message: `read gave a batch that breaks the contract: ${step.message}` });
    case 'stopped':
      return { kind: 'aborted' };
    case 'failed': {
      const { failure } = step.result;
      if (failure === undefined) return { kind: 'aborted' };
      if (failure.kind !== 'checkpoint-expired' || asked.checkpoint === undefined || restarted) return decide(options, feature, failure);
      await forgetCheckpoint(options.database, options.lease, options.run.connection, feature);
      return 'restarted';
    }
    default:
      return step satisfies never;
  }
}

async function takeBatch(options: RunOptions, { asked, work, reading }: Taken, step: ReadBatch): Promise<FeatureEnd | 'more'> {
  const { target, feature, checkpoint } = asked;
  const { batch, prepared, after } = step;
  const endless = whyEndless(batch, reading, checkpoint);
  if (endless !== undefined) return decide(options, feature, { kind: 'failed', message: endless });
  reading.ahead = after;
  // Not before this batch has gone to the store, which would wait for both to be made ready in turns.
  const committed = await commit(options, target, feature, step, () => void after?.prepare(prepared.changes));
  // Another version runs by now: what the old one gave is dropped, and the new one is asked.
  if (committed === 'switched') {
    await reading.ahead?.drop();
    reading.ahead = undefined;
    return 'more';
  }
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

/** `switched` when the version that gave the batch no longer runs. */
async function commit(
  options: RunPartOptions,
  target: CallTarget,
  feature: string,
  { batch, prepared, result }: ReadBatch,
  onSent: () => void,
): Promise<(BatchResult & { problems: number }) | 'switched'> {
  const { database, run, lease, leaseMs } = options;
  const unread = new Set(prepared.unread);
  const unusable = batch.changes.flatMap((change) => (change.kind === 'upsert' && unread.has(change.document.id) ? [change.document] : []));
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
      unusable: new Map(unusable.map((document) => [document.id, document])),
      storage: result.storage,
      metrics: result.metrics,
      nowMs,
      onSent,
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
