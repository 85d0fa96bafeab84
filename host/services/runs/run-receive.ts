import type { Batch } from '../../domain/document.ts';
import { DELIVERIES_STREAM } from '../../domain/run-kind.ts';
import { ContractError } from '../../indexing/contract-fields.ts';
import { prepareBatch } from '../../indexing/prepare.ts';
import { toReceived } from '../../indexing/validate.ts';
import { commitBatch, type BatchCommit } from '../../store/batch.ts';
import { writeCollections } from '../../store/collections.ts';
import { extendLease, withLease } from '../../store/leases.ts';
import type { Operation } from '../../store/database.ts';
import { endDelivery, nextDeliveries, wantRead, type StoredDelivery } from '../../store/deliveries.ts';
import { knownVersions } from '../../store/documents.ts';
import { writeMetrics } from '../../store/metrics.ts';
import { setRunFeature } from '../../store/run-progress.ts';
import { describeFailure } from '../connections/connections.ts';
import { DatasourceSession } from '../connections/datasource-session.ts';
import { callWithRetries, decide, isEnabled, type FeatureEnd, type RunPartOptions } from './run-calls.ts';
import type { CallResult, CallTarget } from '../connections/sandboxed-call.ts';

/** Bodies of this many deliveries are held at one time. */
const DELIVERIES_AT_ONCE = 10;

type Received = ReturnType<typeof toReceived>[number];

/**
 * Gives the datasource each delivery that waits, in the order in which they came, and commits what it makes of one together
 * with the end of it: a host that is killed in between gives it again. A delivery that the datasource cannot take ends with a
 * reason and holds up none of the others. `LeaseLostError`.
 */
export async function receiveDeliveries(options: RunPartOptions): Promise<FeatureEnd> {
  const { database, lease, run, signal } = options;
  await setRunFeature(database, lease, { feature: DELIVERIES_STREAM, state: 'running' });
  const session = new DatasourceSession(options);
  try {
    for (;;) {
      const deliveries = await nextDeliveries(database, run.connection, DELIVERIES_AT_ONCE);
      if (deliveries.length === 0) break;
      for (const delivery of deliveries) {
        if (signal.aborted) return { kind: 'aborted' };
        const end = await receiveOne(options, session, delivery);
        if (end !== undefined) return end;
        await options.onBatch();
      }
    }
  } finally {
    await session.close();
  }
  await setRunFeature(database, lease, { feature: DELIVERIES_STREAM, state: 'done' });
  return { kind: 'ended' };
}

/** Nothing when the next one is due. */
async function receiveOne(options: RunPartOptions, session: DatasourceSession, delivery: StoredDelivery): Promise<FeatureEnd | undefined> {
  const { run, signal } = options;
  const target = await options.targets.load(run.organisation, run.connection);
  const headers = delivery.headers.map(([name, value]) => ({ name, value }));
  const args = [{ id: delivery.sourceId, headers, body: delivery.body }];
  const result = await callWithRetries(session, target, { function: 'receive', args, signal });
  if (result.ok) return takeReceived(options, { target, delivery, result });
  if (result.failure === undefined) return { kind: 'aborted' };
  switch (result.failure.kind) {
    case 'throttled':
    case 'unavailable':
    case 'unauthorized':
    case 'invalid-config':
      // Nothing is wrong with this delivery: it waits with the others.
      return decide(options, DELIVERIES_STREAM, result.failure);
    default:
      return endWithReason(options, delivery, describeFailure(result.failure));
  }
}

interface Taken {
  target: CallTarget;
  delivery: StoredDelivery;
  result: CallResult & { ok: true };
}

async function takeReceived(options: RunPartOptions, taken: Taken): Promise<FeatureEnd | undefined> {
  const { target, delivery, result } = taken;
  try {
    const all = toReceived(result.value, target.datasource.limits.maxChangesPerBatch);
    return await commitReceived(
      options,
      taken,
      all.filter(({ feature }) => isEnabled(target, feature)),
    );
  } catch (error) {
    if (!(error instanceof ContractError)) throw error;
    return endWithReason(options, delivery, `receive gave something that breaks the contract: ${error.message}`);
  }
}

/**
 * The changes of each feature have a transaction of their own; the last holds the end of the delivery and what the call wrote.
 * Until then the delivery waits, and its changes are the same when they are made again.
 */
async function commitReceived(
  options: RunPartOptions,
  { target, delivery, result }: Taken,
  received: readonly Received[],
): Promise<FeatureEnd | undefined> {
  const { database, run, lease } = options;
  const nowMs = Date.now();
  const connection = run.connection;
  const ending: Operation[] = [
    endDelivery({ connection, id: delivery.id, reason: undefined, nowMs }),
    ...received.filter(({ readNow }) => readNow).map(({ feature }) => wantRead(connection, feature, nowMs)),
    ...writeCollections(connection, result.storage),
    ...writeMetrics(connection, result.metrics, nowMs),
  ];
  for (const { feature, changes } of received.filter((entry) => entry.changes.length > 0)) {
    const batch = await prepared(options, target, feature, changes);
    if (batch === undefined) return { kind: 'aborted' };
    const { cancelRequested, ...done } = await commitBatch(database, batch);
    options.metrics.countDocuments(target.datasource.name, done);
    if (cancelRequested) return { kind: 'cancelled' };
  }
  await withLease(lease, () => database.write([extendLease(lease, nowMs + options.leaseMs), ...ending]));
  return undefined;
}

async function prepared(
  options: RunPartOptions,
  { datasource }: CallTarget,
  feature: string,
  changes: Batch['changes'],
): Promise<BatchCommit | undefined> {
  const { database, run, lease, leaseMs } = options;
  const ids = changes.flatMap((change) => (change.kind === 'upsert' ? [change.document.id] : []));
  const known = await knownVersions(database, run.connection, feature, ids);
  const batch = await prepareBatch({ changes }, known, { ...options, owner: `${run.organisation}/${datasource.name}` });
  if (batch === undefined) return undefined;
  const nowMs = Date.now();
  return {
    lease,
    leaseUntilMs: nowMs + leaseMs,
    organisation: run.organisation,
    connection: run.connection,
    datasource: datasource.name,
    feature,
    progressOf: DELIVERIES_STREAM,
    changes: batch.changes,
    checkpoint: undefined,
    done: false,
    progress: { seen: changes.length, expected: undefined },
    problems: batch.problems,
    storage: [],
    metrics: [],
    nowMs,
  };
}

async function endWithReason(
  { database, run, lease, leaseMs, log }: RunPartOptions,
  delivery: StoredDelivery,
  reason: string,
): Promise<undefined> {
  log.warn('a delivery was not taken', { connection: run.connection, delivery: delivery.id, reason });
  const nowMs = Date.now();
  const end = endDelivery({ connection: run.connection, id: delivery.id, reason, nowMs });
  await withLease(lease, () => database.write([extendLease(lease, nowMs + leaseMs), end]));
}
