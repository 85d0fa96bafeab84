import { setTimeout as sleep } from 'node:timers/promises';
import type { Batch, Failure } from '../domain/document.ts';
import { prepareBatch } from '../indexing/prepare.ts';
import { ContractError } from '../indexing/contract-fields.ts';
import { toBatch } from '../indexing/validate.ts';
import { commitBatch, type BatchResult } from '../store/batch.ts';
import { forgetCheckpoint, getCheckpoint } from '../store/checkpoints.ts';
import { knownVersions } from '../store/documents.ts';
import type { Lease } from '../store/leases.ts';
import { setRunFeature } from '../store/run-progress.ts';
import type { StoredRun } from '../store/run-records.ts';
import type { CallTargets } from './call-targets.ts';
import { describeFailure } from './connections.ts';
import { DatasourceSession, type SessionOptions } from './datasource-session.ts';
import { effectiveFeatures } from './effective-features.ts';
import type { HostMetrics } from './metrics.ts';
import type { CallResult, CallTarget } from './sandboxed-call.ts';

export interface ReadOptions extends SessionOptions {
  metrics: HostMetrics;
  targets: CallTargets;
  run: StoredRun;
  lease: Lease;
  leaseMs: number;
  signal: AbortSignal;
  onBatch(): Promise<void>;
}

/** How the reading of a feature ended, for the run. */
export type FeatureEnd =
  /** Done, failed or skipped; the next feature is due. */
  | { kind: 'ended' }
  | { kind: 'parked'; reason: string; wakeAtMs: number }
  | { kind: 'run-failed'; reason: string }
  /** Somebody asked for it between two batches. */
  | { kind: 'cancelled' }
  /** The signal ended a call. */
  | { kind: 'aborted' };

/** Pauses before the same call is tried again, in milliseconds. */
const RETRY_PAUSES_MS = [500, 1_500, 4_000];
/** A source that stays away parks the run; the pause doubles with each try. */
const PARK_BASE_MS = 30_000;
const MAX_PARK_MS = 3_600_000;
const MAX_ATTEMPTS = 6;
/** A source that asks for patience so often without giving anything, or a limit that no batch can keep, would park the run for ever. */
const MAX_THROTTLES = 100;
const MIN_THROTTLE_MS = 250;

/** Calls `read` until the feature is up to date, committing each batch with its checkpoint. `LeaseLostError`. */
export async function readFeature(options: ReadOptions, feature: string): Promise<FeatureEnd> {
  const session = new DatasourceSession(options);
  try {
    await setRunFeature(options.database, options.lease, { feature, state: 'running' });
    return await readBatches(options, session, feature);
  } finally {
    await session.close();
  }
}

async function readBatches(options: ReadOptions, session: DatasourceSession, feature: string): Promise<FeatureEnd> {
  const { database, lease, run, signal } = options;
  let restarted = false;
  let { attempts } = run;
  for (;;) {
    // Loaded for each batch: a changed flag, grant or credential takes effect from the next one on.
    const target = await options.targets.load(run.organisation, run.connection);
    if (!isEnabled(target, feature)) {
      await setRunFeature(database, lease, { feature, state: 'skipped', reason: 'switched off while the run went on' });
      return { kind: 'ended' };
    }
    const before = await getCheckpoint(database, run.connection, feature);
    const result = await callWithRetries(session, target, feature, before, signal);
    if (result.ok) {
      const step = await takeBatch(options, target, feature, before, result);
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

function isEnabled({ datasource, connection }: CallTarget, feature: string): boolean {
  return effectiveFeatures(datasource.manifest, datasource.flags, connection.features).some(
    ({ name, enabled }) => name === feature && enabled,
  );
}

/** A source that is down for a moment costs a moment, not the run. */
async function callWithRetries(
  session: DatasourceSession,
  target: CallTarget,
  feature: string,
  checkpoint: Uint8Array | undefined,
  signal: AbortSignal,
): Promise<CallResult> {
  for (const pauseMs of RETRY_PAUSES_MS) {
    const result = await session.call(target, 'read', [feature, checkpoint], signal);
    if (result.ok || result.failure?.kind !== 'unavailable') return result;
    const jittered = pauseMs * (0.5 + Math.random());
    const slept = await sleep(jittered, true, { signal }).catch(() => false);
    if (!slept) return { ...result, ok: false, failure: undefined };
  }
  return session.call(target, 'read', [feature, checkpoint], signal);
}

async function takeBatch(
  options: ReadOptions,
  target: CallTarget,
  feature: string,
  before: Uint8Array | undefined,
  result: CallResult & { ok: true },
): Promise<FeatureEnd | 'more'> {
  let batch: Batch;
  try {
    batch = toBatch(result.value, target.datasource.limits.maxChangesPerBatch);
  } catch (error) {
    if (!(error instanceof ContractError)) throw error;
    return decide(options, feature, { kind: 'failed', message: `read gave a batch that breaks the contract: ${error.message}` });
  }
  if (!batch.done && batch.changes.length === 0 && before !== undefined && Buffer.compare(batch.next, before) === 0) {
    return decide(options, feature, {
      kind: 'failed',
      message: 'read gave the checkpoint back that it was given, without a change and without being done: it would go on for ever',
    });
  }
  const { cancelRequested, ...changes } = await commit(options, target, feature, batch, result);
  options.metrics.countDocuments(target.datasource.name, changes);
  await options.onBatch();
  if (batch.done) return { kind: 'ended' };
  return cancelRequested ? { kind: 'cancelled' } : 'more';
}

async function commit(
  options: ReadOptions,
  target: CallTarget,
  feature: string,
  batch: Batch,
  result: CallResult & { ok: true },
): Promise<BatchResult> {
  const { database, run, lease, leaseMs } = options;
  const ids = batch.changes.flatMap((change) => (change.kind === 'upsert' ? [change.document.id] : []));
  const prepared = prepareBatch(batch, await knownVersions(database, run.connection, feature, ids));
  const nowMs = Date.now();
  return commitBatch(database, {
    lease,
    leaseUntilMs: nowMs + leaseMs,
    organisation: run.organisation,
    connection: run.connection,
    datasource: target.datasource.name,
    feature,
    changes: prepared.changes,
    checkpoint: batch.next,
    done: batch.done,
    progress: batch.progress,
    problems: [...batch.skipped, ...prepared.problems],
    storage: result.storage,
    metrics: result.metrics,
    nowMs,
  });
}

/** One decision for each case of the contract's failure. `attempts`: claims of the run since its last batch, this one included. */
async function decide(options: ReadOptions & { attempts?: number }, feature: string, failure: Failure): Promise<FeatureEnd> {
  const { database, lease, run, attempts = run.attempts } = options;
  const reason = describeFailure(failure);
  options.log.warn('read failed', { run: run.id, feature, failure: failure.kind, reason });
  switch (failure.kind) {
    case 'throttled':
      if (attempts >= MAX_THROTTLES) {
        await setRunFeature(database, lease, {
          feature,
          state: 'failed',
          reason: `${reason} (${attempts} times without a batch in between)`,
        });
        return { kind: 'ended' };
      }
      return { kind: 'parked', reason, wakeAtMs: Date.now() + Math.max(MIN_THROTTLE_MS, failure.retryAfterMs) };
    case 'unavailable':
      if (attempts < MAX_ATTEMPTS)
        return { kind: 'parked', reason, wakeAtMs: Date.now() + Math.min(MAX_PARK_MS, PARK_BASE_MS * 2 ** (attempts - 1)) };
      await setRunFeature(database, lease, { feature, state: 'failed', reason });
      return { kind: 'ended' };
    case 'forbidden':
      await setRunFeature(database, lease, {
        feature,
        state: 'skipped',
        reason,
        problems: [
          { path: feature, reason: failure.message, remedy: 'Give the credential access to it at the source, or switch the feature off.' },
        ],
      });
      return { kind: 'ended' };
    case 'invalid-config':
    case 'unauthorized':
      await setRunFeature(database, lease, {
        feature,
        state: 'failed',
        reason,
        problems: failure.kind === 'invalid-config' ? failure.problems : [],
      });
      return { kind: 'run-failed', reason };
    case 'checkpoint-expired':
    case 'unsupported':
    case 'failed':
      await setRunFeature(database, lease, { feature, state: 'failed', reason });
      return { kind: 'ended' };
    default:
      return failure satisfies never;
  }
}
