import type { CallScope } from '../../capabilities/capability.ts';
import type { MetricChange } from '../../capabilities/metrics.ts';
import { openPowers, type PowerSources } from '../../capabilities/registry.ts';
import type { StorageWrite } from '../../capabilities/storage.ts';
import type { Connection } from '../../domain/connection.ts';
import type { Failure } from '../../domain/document.ts';
import { describeBreach, Meter, type Spend } from '../../domain/meter.ts';
import { toFailure } from '../../indexing/validate.ts';
import type { Log } from '../../log.ts';
import type { Wire } from '../../sandbox/frame.ts';
import { PoolFullError, type SandboxPool } from '../../sandbox/pool.ts';
import type { SourceFunction } from '../../sandbox/protocol.ts';
import type { CallOutcome } from '../../sandbox/sandbox-call.ts';
import { effectiveFeatures } from '../registry/effective-features.ts';
import type { RunnableDatasource } from '../registry/components.ts';

/** A connection with all that a call for it needs, as it is at this moment. */
export interface CallTarget {
  connection: Connection;
  datasource: RunnableDatasource;
  secret: string | undefined;
  /** After the source refused `secret`: the target with another one, or undefined when there is none. Of tokens that the host obtained. */
  renew?: () => Promise<CallTarget | undefined>;
  /** Names the rate budget that all calls with this credential share; no secret. The connection's own when left out. */
  budget?: string;
}

/** What a call came to, and what it used. */
export type CallResult = { spend: Spend } & (
  | { ok: true; value: unknown; storage: StorageWrite[]; metrics: MetricChange[] }
  | { ok: false; failure: Failure }
  /** The caller's own signal ended it. */
  | { ok: false; failure: undefined }
);

export interface SandboxedCall {
  function: SourceFunction;
  /** Those behind the context, which every function but `describe` takes first. */
  args: readonly Wire[];
  signal: AbortSignal;
  /** The time that the guest is told: that of the call when it is left out. */
  nowMs?: number;
}

/** What a call stands on. */
export interface CallSurroundings {
  pool: SandboxPool;
  powers: PowerSources;
  log: Log;
  /** Hears of the end of a call before its caller does. */
  onEnd?: (outcome: CallOutcome, spend: Spend) => Promise<void> | undefined;
}

/** Calls one function in a sandbox process, with the powers that the grant gives. Never rejects for a datasource's fault. */
export async function callInSandbox(target: CallTarget, call: SandboxedCall, around: CallSurroundings): Promise<CallResult> {
  const { connection, datasource } = target;
  const { manifest, grant, limits, digest, folder } = datasource;
  const meter = new Meter(limits);
  const scope: CallScope = { connection, manifest, grant, meter, signal: call.signal };
  const powers = openPowers(scope, around.powers);
  const context = call.function === 'describe' ? [] : [contextOf(target, call.nowMs ?? Date.now())];
  try {
    const outcome = await around.pool.call(
      { organisation: connection.organisation, digest, folder, limits, whose: { datasource: datasource.name, connection: connection.id } },
      { function: call.function, args: [...context, ...call.args], powers, meter, signal: call.signal },
    );
    if (outcome.kind === 'killed' && outcome.cause === 'host') around.log.error(outcome.reason, { error: outcome.fault });
    const spend = meter.spend();
    logSpend(around.log, spend);
    await around.onEnd?.(outcome, spend);
    return { ...toResult(outcome, call.signal, () => ({ storage: powers.storageWrites(), metrics: powers.metricChanges() })), spend };
  } catch (error) {
    if (!(error instanceof PoolFullError)) throw error;
    return { ok: false, failure: { kind: 'unavailable', message: `no sandbox process is free: ${error.message}` }, spend: meter.spend() };
  }
}

function logSpend(log: Log, { breaches, ...used }: Spend): void {
  log.debug('call used', { ...used });
  for (const breach of breaches) log.warn(`over ${describeBreach(breach)}`, { ...breach });
}

/** The first argument of a call, as wit/types.wit has it. */
function contextOf({ connection, datasource }: CallTarget, nowMs: number): Wire {
  return {
    connectionId: connection.id,
    config: JSON.stringify(connection.config),
    features: effectiveFeatures(datasource.manifest, datasource.flags, connection.features).map(({ name, enabled, config }) => ({
      name,
      enabled,
      config: JSON.stringify(config),
    })),
    nowMs,
    deadlineMs: nowMs + datasource.limits.callTimeoutMs,
  };
}

type Unmetered<T> = T extends unknown ? Omit<T, 'spend'> : never;

function toResult(
  outcome: CallOutcome,
  signal: AbortSignal,
  effects: () => { storage: StorageWrite[]; metrics: MetricChange[] },
): Unmetered<CallResult> {
  switch (outcome.kind) {
    case 'result':
      return { ok: true, value: outcome.value, ...effects() };
    case 'error':
      return { ok: false, failure: toFailure(outcome.error) };
    case 'killed':
      if (signal.aborted) return { ok: false, failure: undefined };
      // Another call's fault, or ours: this one may well succeed when it is tried again.
      if (outcome.cause === 'neighbour' || outcome.cause === 'cancelled' || outcome.cause === 'host')
        return { ok: false, failure: { kind: 'unavailable', message: outcome.reason } };
      return { ok: false, failure: { kind: 'failed', message: outcome.reason } };
    default:
      return outcome satisfies never;
  }
}
