import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { RequestError } from '../../domain/errors.ts';
import type { Log } from '../../log.ts';
import type { Database } from '../../store/database.ts';
import { LeaseLostError, type Lease } from '../../store/leases.ts';
import { connectionWork } from '../../store/connection-work.ts';
import { claimNextRun, finishRun, getRun, parkRun, renewLease } from '../../store/runs.ts';
import type { StoredRun } from '../../store/run-records.ts';
import type { DatasourceRegistry } from '../registry/registry.ts';
import type { IndexMerging } from './index-merging.ts';
import { readGroups } from './run-access.ts';
import { withToken, type FeatureEnd, type RunPartOptions } from './run-calls.ts';
import { endRun, failRunFor } from './run-ending.ts';
import { readFeature } from './run-feature.ts';
import { pruneFeature } from './run-prune.ts';
import { queueDeliveryRuns } from './run-deliveries.ts';
import { receiveDeliveries } from './run-receive.ts';
import { retryFeature } from './run-retry.ts';
import { queueDueRuns } from './run-schedule.ts';
import type { Run } from './run-view.ts';

/** Works on runs: claims what is due, reads feature by feature, keeps the lease, hands over when it must stop. */
export interface RunWorker {
  work(options: WorkOptions): Promise<void>;
  /** Queues the runs whose time has come; gives how many. */
  queueDue(nowMs: number): Promise<number>;
  /** Something may be due now. */
  wake(): void;
  /** Ends the call of a run that this worker has, so that it sees the cancellation at once. */
  cancel(run: string): void;
  /** The same for every run of a connection that was paused. */
  interrupt(connection: string): void;
}

export interface WorkOptions {
  signal: AbortSignal;
  /** Ends when nothing is due now, and follows no schedule; otherwise it ends when `signal` aborts. */
  untilIdle?: boolean;
  /** After each batch and each change of state. */
  onProgress?: (run: Run) => void;
}

export interface RunWorkerOptions extends Omit<RunPartOptions, 'run' | 'lease' | 'leaseMs' | 'signal' | 'onBatch'> {
  registry: DatasourceRegistry;
  merging: IndexMerging;
  leaseMs: number;
}

/** Runs at one time in one host. */
const MAX_RUNS = 4;
/** How often it looks for runs that other hosts queued and for parked runs whose time has come. */
const POLL_MS = 500;
/** How often it looks for schedules whose time has come: they are in minutes. */
const SCHEDULE_POLL_MS = 1_000;

type RunEnd = 'cancelled' | 'stopped' | { parkedUntilMs: number; reason: string } | 'finished';

export function createRunWorker(options: RunWorkerOptions): RunWorker {
  const { database, log } = options;
  const active = new Map<string, { organisation: string; connection: string; stop: AbortController }>();
  let wakeUp = new AbortController();

  async function workOn(run: StoredRun, lease: Lease, work: WorkOptions): Promise<void> {
    const runLog = log.child({ run: run.id, connection: run.connection });
    const stop = new AbortController();
    const heartbeat = keepLease(database, lease, options.leaseMs, stop);
    active.set(run.id, { organisation: run.organisation, connection: run.connection, stop });
    const report = async (): Promise<void> => {
      const now = work.onProgress === undefined ? undefined : await getRun(database, run.organisation, run.id);
      if (now !== undefined) work.onProgress?.(now);
    };
    const countEnd = async (): Promise<void> => {
      // Not worth a run: a store that does not answer is told of elsewhere.
      const now = await getRun(database, run.organisation, run.id).catch(() => undefined);
      if (now?.finishedAtMs !== undefined) options.metrics.countRun(now.state);
    };
    try {
      runLog.info('run started', { kind: run.kind, attempt: run.attempts, features: run.features.length });
      await report();
      const end = await readRun(options, {
        run,
        lease,
        signal: AbortSignal.any([work.signal, stop.signal]),
        shutdown: work.signal,
        onBatch: report,
      });
      await countEnd();
      runLog.info('run left', { end: typeof end === 'string' ? end : end.reason });
    } catch (error) {
      if (error instanceof LeaseLostError) runLog.warn('run lost to another host');
      else {
        await failRun(database, lease, runLog, error);
        await countEnd();
      }
    } finally {
      clearInterval(heartbeat);
      active.delete(run.id);
      options.merging.written(run.organisation);
      await report();
    }
  }

  return {
    async work(work) {
      const tasks = new Set<Promise<void>>();
      const owner = `${hostname()}:${process.pid}`;
      let scheduledMs = Number.NEGATIVE_INFINITY;
      if (work.untilIdle !== true) await options.merging.begin();
      while (!work.signal.aborted) {
        if (work.untilIdle !== true && performance.now() - scheduledMs >= SCHEDULE_POLL_MS) {
          scheduledMs = performance.now();
          await queueDueRuns(options, Date.now()).catch((error: unknown) => log.error('schedules could not be read', { error }));
        }
        const claimed = tasks.size < MAX_RUNS ? await claim(options, owner) : undefined;
        if (claimed !== undefined) {
          const task = workOn(claimed.run, claimed.lease, work).finally(() => {
            tasks.delete(task);
            wakeUp.abort();
          });
          tasks.add(task);
          continue;
        }
        if ((await queueDelivered(options)) > 0) continue;
        if (await options.merging.step(new Set([...active.values()].map(({ organisation }) => organisation)))) continue;
        if (work.untilIdle === true && tasks.size === 0) return;
        await sleep(POLL_MS, undefined, { signal: AbortSignal.any([work.signal, wakeUp.signal]) }).catch(() => undefined);
        if (wakeUp.signal.aborted) wakeUp = new AbortController();
      }
      await Promise.all(tasks);
    },
    queueDue: (nowMs) => queueDueRuns(options, nowMs),
    wake: () => wakeUp.abort(),
    cancel: (run) => active.get(run)?.stop.abort(),
    interrupt(connection) {
      for (const work of active.values()) if (work.connection === connection) work.stop.abort();
    },
  };
}

/** A store that does not answer now may answer later: the worker outlives it. */
async function claim({ database, log, leaseMs }: RunWorkerOptions, owner: string): ReturnType<typeof claimNextRun> {
  try {
    return await claimNextRun(database, { owner, nowMs: Date.now(), leaseMs });
  } catch (error) {
    log.error('runs could not be claimed', { error });
    return undefined;
  }
}

async function queueDelivered(options: RunWorkerOptions): Promise<number> {
  try {
    return await queueDeliveryRuns(options, Date.now());
  } catch (error) {
    options.log.error('what was delivered could not be looked at', { error });
    return 0;
  }
}

/** Extends the lease while a call goes on; aborts `stop` when the run was cancelled or lost, or its connection paused. */
function keepLease(database: Database, lease: Lease, leaseMs: number, stop: AbortController): NodeJS.Timeout {
  return setInterval(
    () => {
      renewLease(database, lease, Date.now() + leaseMs).then(
        ({ cancelRequested }) => {
          if (cancelRequested) stop.abort();
        },
        () => stop.abort(),
      );
    },
    Math.max(50, Math.floor(leaseMs / 3)),
  ).unref();
}

interface RunInHand {
  run: StoredRun;
  lease: Lease;
  /** Ends the call under way: cancelled, lost, or the host stops. */
  signal: AbortSignal;
  /** The host stops. */
  shutdown: AbortSignal;
  onBatch(): Promise<void>;
}

/** Reads what is left of a run, in order. A run that was interrupted goes on with its first unfinished feature. */
async function readRun(options: RunWorkerOptions, hand: RunInHand): Promise<RunEnd> {
  const { run, lease, signal } = hand;
  const { database, leaseMs } = options;
  for (const { feature, state } of run.features) {
    if (state !== 'pending' && state !== 'running') continue;
    const part = { ...options, leaseMs, run, lease, signal, onBatch: hand.onBatch };
    const end = await withToken(part, feature, () => workOnPart(part, feature));
    if (end.kind === 'parked') {
      await parkRun(database, lease, { reason: end.reason, wakeAtMs: end.wakeAtMs });
      return { parkedUntilMs: end.wakeAtMs, reason: end.reason };
    }
    if (end.kind === 'aborted' || end.kind === 'cancelled') return leave(database, hand);
    if (end.kind === 'run-failed') {
      await failRunFor(options, lease, run, end);
      return 'finished';
    }
  }
  await endRun(options, lease, run);
  return 'finished';
}

function workOnPart(options: RunPartOptions, feature: string): Promise<FeatureEnd> {
  switch (options.run.kind) {
    case 'content':
      return readFeature(options, feature);
    case 'prune':
      return pruneFeature(options, feature);
    case 'access':
      return readGroups(options);
    case 'retry':
      return retryFeature(options, feature);
    case 'receive':
      return receiveDeliveries(options);
  }
}

/** A host that stops gives its runs back at once, so that the next one need not wait for the lease to run out; likewise when its connection is paused. */
async function leave(database: Database, hand: RunInHand): Promise<RunEnd> {
  const { lease, run } = hand;
  const now = await getRun(database, run.organisation, run.id);
  if (now?.cancelRequested === true) {
    await finishRun(database, lease, { state: 'cancelled', reason: 'cancelled on request', nowMs: Date.now() });
    return 'cancelled';
  }
  const { pause } = await connectionWork(database, run.connection);
  if (pause !== undefined) {
    await parkRun(database, lease, { reason: `the connection is paused: ${pause.reason}`, wakeAtMs: Date.now() });
    return 'stopped';
  }
  if (hand.shutdown.aborted) await parkRun(database, lease, { reason: 'the host stopped', wakeAtMs: Date.now() });
  return 'stopped';
}

/** What a person can mend ends the run and says so; so does a bug of ours, of which the log has the rest. */
async function failRun(database: Database, lease: Lease, log: Log, error: unknown): Promise<void> {
  if (error instanceof RequestError && error.blame !== 'host') {
    log.warn('run cannot go on', { code: error.code, reason: error.message });
    await finishRun(database, lease, { state: 'failed', reason: error.message, nowMs: Date.now() }).catch((cause: unknown) =>
      log.error('run could not be ended', { error: cause }),
    );
    return;
  }
  log.error('run failed by the host', { error });
  await finishRun(database, lease, {
    state: 'failed',
    reason: 'the host failed while it worked on this run; its log says more',
    nowMs: Date.now(),
  }).catch((cause: unknown) => log.error('run could not be ended', { error: cause }));
}
