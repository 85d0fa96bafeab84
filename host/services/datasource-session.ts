import type { CallScope } from '../capabilities/capability.ts';
import { Egress } from '../capabilities/egress.ts';
import type { MetricChange } from '../capabilities/metrics.ts';
import { openPowers } from '../capabilities/registry.ts';
import type { StorageWrite } from '../capabilities/storage.ts';
import type { Connection } from '../domain/connection.ts';
import type { Failure } from '../domain/document.ts';
import { toFailure } from '../indexing/validate.ts';
import type { Log } from '../log.ts';
import type { Wire } from '../sandbox/frame.ts';
import { PoolFullError, type SandboxPool } from '../sandbox/pool.ts';
import type { SourceFunction } from '../sandbox/protocol.ts';
import type { CallOutcome } from '../sandbox/sandbox-process.ts';
import { collectionsSizeBytes, getCollectionValue, scanCollection } from '../store/collections.ts';
import type { Database } from '../store/database.ts';
import { effectiveFeatures } from './effective-features.ts';
import type { RunnableDatasource } from './registry.ts';

/** A connection with all that a call for it needs, as it is at this moment. */
export interface CallTarget {
  connection: Connection;
  datasource: RunnableDatasource;
  secret: string | undefined;
}

/** What a call gave back: a value that is not yet checked, with what it wrote, or why there is none. */
export type CallResult =
  | { ok: true; value: unknown; storage: StorageWrite[]; metrics: MetricChange[] }
  | { ok: false; failure: Failure }
  /** The caller's own signal ended it. */
  | { ok: false; failure: undefined };

export interface SessionOptions {
  database: Database;
  pool: SandboxPool;
  log: Log;
}

/**
 * Calls functions of one connection's datasource in its sandbox. It keeps the connection's sockets
 * open between calls and must be closed.
 */
export class DatasourceSession {
  readonly #options: SessionOptions;
  #egress: Egress | undefined;
  #egressKey = '';

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  async close(): Promise<void> {
    await this.#egress?.close();
    this.#egress = undefined;
  }

  /** Calls one function. `args` follow the context, which every function but `describe` takes first. Never rejects for a datasource's fault. */
  async call(
    target: CallTarget,
    func: Exclude<SourceFunction, 'describe'>,
    args: readonly Wire[],
    signal: AbortSignal,
  ): Promise<CallResult> {
    const { connection, datasource } = target;
    const { manifest, grant, limits, digest, folder } = datasource;
    const scope: CallScope = { connection, manifest, grant, limits, signal };
    const log = this.#options.log.child({ connection: connection.id, datasource: datasource.name, function: func });
    const powers = openPowers(scope, {
      egress: await this.#egressFor(target),
      stored: storedCollections(this.#options.database, connection.id),
      writeLine: (level, message) => log[level](message, { from: 'datasource' }),
    });
    try {
      const outcome = await this.#options.pool.call(
        { organisation: connection.organisation, digest, folder, limits },
        { function: func, args: [contextOf(target), ...args], powers, limits, signal },
      );
      if (outcome.kind === 'killed' && outcome.cause === 'host') log.error(outcome.reason, { error: outcome.fault });
      return toResult(outcome, signal, () => ({ storage: powers.storageWrites(), metrics: powers.metricChanges() }));
    } catch (error) {
      if (!(error instanceof PoolFullError)) throw error;
      return { ok: false, failure: { kind: 'unavailable', message: `no sandbox process is free: ${error.message}` } };
    }
  }

  /** A new one whenever the grant, the config or the credential changed: each takes effect at the next call. */
  async #egressFor({ connection, datasource, secret }: CallTarget): Promise<Egress> {
    const { manifest, grant, limits } = datasource;
    const key = JSON.stringify([datasource.digest, grant, connection.config, secret]);
    if (this.#egress !== undefined && this.#egressKey === key) return this.#egress;
    await this.close();
    const log = this.#options.log.child({ connection: connection.id, datasource: datasource.name });
    this.#egress = new Egress({
      manifest,
      grant,
      limits,
      config: connection.config,
      secret,
      onRecord: (record) => {
        if (record.outcome === 'denied') log.warn('egress denied', { ...record });
        else log.debug('egress', { ...record });
      },
    });
    this.#egressKey = key;
    return this.#egress;
  }
}

/** The first argument of a call, as wit/types.wit has it. */
function contextOf({ connection, datasource }: CallTarget): Wire {
  const nowMs = Date.now();
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

function storedCollections(database: Database, connection: string) {
  return {
    get: (collection: string, key: string) => getCollectionValue(database, connection, collection, key),
    scan: (collection: string, after: string | undefined, limit: number) =>
      scanCollection(database, connection, collection, { after, limit }),
    usedBytes: () => collectionsSizeBytes(database, connection),
  };
}

function toResult(
  outcome: CallOutcome,
  signal: AbortSignal,
  effects: () => { storage: StorageWrite[]; metrics: MetricChange[] },
): CallResult {
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
