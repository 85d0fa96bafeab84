import { setTimeout as sleep } from 'node:timers/promises';
import type { UpstreamSight } from '../../capabilities/upstream-budget.ts';
import type { Failure } from '../../domain/document.ts';
import type { Extractor } from '../../domain/extraction.ts';
import { RequestError } from '../../domain/errors.ts';
import { afterThrottleMs, jittered, parkMs, RETRY_RULES } from '../../domain/retry-policy.ts';
import type { Wire } from '../../sandbox/frame.ts';
import type { SourceFunction } from '../../sandbox/protocol.ts';
import { pauseConnection } from '../../store/connection-work.ts';
import type { Lease } from '../../store/leases.ts';
import { setRunFeature } from '../../store/run-progress.ts';
import type { StoredRun } from '../../store/run-records.ts';
import type { CallTargets } from '../connections/call-targets.ts';
import { describeFailure } from '../connections/connections.ts';
import type { DatasourceSession, SessionOptions } from '../connections/datasource-session.ts';
import { effectiveFeatures } from '../registry/effective-features.ts';
import type { HostMetrics } from '../record/metrics.ts';
import type { CallResult, CallTarget } from '../connections/sandboxed-call.ts';

/** What the work on one part of a run stands on. */
export interface RunPartOptions extends SessionOptions {
  metrics: HostMetrics;
  targets: CallTargets;
  /** Reads files that are not text. */
  extractor: Extractor;
  /** Size of passages, about. */
  passageTokens: number;
  run: StoredRun;
  lease: Lease;
  leaseMs: number;
  signal: AbortSignal;
  onBatch(): Promise<void>;
}

/** How the work on a feature ended, for the run. */
export type FeatureEnd =
  /** Done, held, failed or skipped; the next feature is due. */
  | { kind: 'ended' }
  | { kind: 'parked'; reason: string; wakeAtMs: number }
  /** `pauses`: nobody works on the connection from now on, and why. */
  | { kind: 'run-failed'; reason: string; pauses?: 'unauthorized' | 'failed-items' }
  /** Somebody asked for it between two batches, or paused the connection. */
  | { kind: 'cancelled' }
  /** The signal ended a call. */
  | { kind: 'aborted' };

/** A call of a run, with what it met on its way. */
export type RunCallResult = CallResult & { upstream: UpstreamSight };

interface RunCall {
  function: Exclude<SourceFunction, 'describe'>;
  args: readonly Wire[];
  signal: AbortSignal;
  nowMs?: number;
}

/** Calls once, and again at once as often as the kind of failure allows; once more with another token where the first was refused. */
export async function callWithRetries(session: DatasourceSession, first: CallTarget, call: RunCall): Promise<RunCallResult> {
  let target = first;
  for (let attempt = 0; ; attempt += 1) {
    const result = asThrottled(await session.call(target, call.function, call.args, call.signal, call));
    if (!result.ok && result.failure?.kind === 'unauthorized' && target === first) {
      target = (await first.renew?.()) ?? first;
      if (target !== first) continue;
    }
    const pauseMs = result.ok || result.failure === undefined ? undefined : RETRY_RULES[result.failure.kind].pausesMs[attempt];
    if (pauseMs === undefined) return result;
    const slept = await sleep(jittered(pauseMs, Math.random()), true, { signal: call.signal }).catch(() => false);
    if (!slept) return { ...result, ok: false, failure: undefined };
  }
}

/**
 * What the source's own headers say counts more than what the datasource makes of them: a call that was refused for a spent
 * budget, and failed with it, is throttled until then, whatever it calls its failure.
 */
function asThrottled(result: RunCallResult): RunCallResult {
  const { blockedUntilMs, refused } = result.upstream;
  if (result.ok || result.failure === undefined || blockedUntilMs === undefined) return result;
  const { kind } = result.failure;
  if (kind !== 'throttled' && !(refused && (kind === 'unavailable' || kind === 'failed'))) return result;
  const retryAfterMs = Math.max(0, blockedUntilMs - Date.now());
  return { ...result, failure: { kind: 'throttled', retryAfterMs, message: describeMessage(result.failure) } };
}

function describeMessage(failure: Exclude<Failure, { kind: 'invalid-config' }>): string {
  return failure.kind === 'throttled' ? failure.message : `${failure.kind}: ${failure.message}`;
}

export function isEnabled({ datasource, connection }: CallTarget, feature: string): boolean {
  return effectiveFeatures(datasource.manifest, datasource.flags, connection.features).some(
    ({ name, enabled }) => name === feature && enabled,
  );
}

/** One decision for each case of the contract's failure. `attempts`: claims of the run since its last progress, this one included. */
export async function decide(options: RunPartOptions & { attempts?: number }, feature: string, failure: Failure): Promise<FeatureEnd> {
  const { database, lease, run, attempts = run.attempts } = options;
  const rule = RETRY_RULES[failure.kind];
  const reason = describeFailure(failure);
  options.log.warn('a call of a run failed', { run: run.id, kind: run.kind, feature, failure: failure.kind, reason });
  if (rule.parks !== undefined && attempts < rule.parks.attempts) {
    const chance = Math.random();
    const waitMs =
      failure.kind === 'throttled' ? afterThrottleMs(failure.retryAfterMs, chance) : parkMs(rule.parks, Math.max(1, attempts), chance);
    return { kind: 'parked', reason, wakeAtMs: Date.now() + waitMs };
  }
  const tries = failure.kind === 'throttled' ? ` (${attempts} times without a batch in between)` : '';
  await setRunFeature(database, lease, {
    feature,
    state: rule.feature,
    reason: `${reason}${tries}`,
    problems: problemsOf(feature, failure),
  });
  if (rule.ends === 'feature') return { kind: 'ended' };
  return { kind: 'run-failed', reason, ...(rule.pausesConnection ? { pauses: 'unauthorized' as const } : {}) };
}

/**
 * Does the work on a part of a run. A connection whose authorisation is no longer good is paused, and its run waits with it; one
 * whose token cannot be refreshed now is as a source that is away.
 */
export async function withToken(options: RunPartOptions, feature: string, work: () => Promise<FeatureEnd>): Promise<FeatureEnd> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    if (error.code === 'UPSTREAM_FAULT') return decide(options, feature, { kind: 'unavailable', message: error.message });
    if (error.code !== 'CREDENTIAL_MISSING') throw error;
    const pause = { by: 'host', cause: 'unauthorized', reason: error.message, atMs: Date.now() } as const;
    await options.database.write([pauseConnection(options.run.connection, pause)]);
    return { kind: 'cancelled' };
  }
}

function problemsOf(feature: string, failure: Failure): { path: string; reason: string; remedy: string }[] {
  if (failure.kind === 'invalid-config') return failure.problems;
  if (failure.kind !== 'forbidden') return [];
  const remedy = 'Give the credential access to it at the source, or switch the feature off.';
  return [{ path: feature, reason: failure.message, remedy }];
}
