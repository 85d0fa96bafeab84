import { Egress } from '../../capabilities/egress.ts';
import type { GuestValue } from '../../capabilities/capability.ts';
import type { LogLevel } from '../../capabilities/log.ts';
import type { RequestRate } from '../../capabilities/request-rate.ts';
import { UpstreamBudget, type BudgetStore, type UpstreamSight } from '../../capabilities/upstream-budget.ts';
import type { StoredCollections } from '../../capabilities/storage.ts';
import type { Spend } from '../../domain/meter.ts';
import type { Log } from '../../log.ts';
import type { Wire } from '../../sandbox/frame.ts';
import type { SandboxPool } from '../../sandbox/pool.ts';
import type { SourceFunction } from '../../sandbox/protocol.ts';
import type { CallOutcome } from '../../sandbox/sandbox-call.ts';
import { collectionsSize, getCollectionValue, scanCollection } from '../../store/collections.ts';
import type { Database } from '../../store/database.ts';
import { putUpstreamBudgets, upstreamBudgets } from '../../store/upstream-budgets.ts';
import type { AuditRecorder } from '../record/audit-recorder.ts';
import { ConnectionRecord } from './connection-record.ts';
import { callInSandbox, type CallResult, type CallTarget } from './sandboxed-call.ts';

export interface SessionOptions {
  database: Database;
  pool: SandboxPool;
  /** The same for every session of a host: it outlives them. */
  rate: RequestRate;
  recorder: AuditRecorder;
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

  /**
   * Calls one function. `args` follow the context, which every function but `describe` takes first; `nowMs` is the time that it
   * is told. Never rejects for a datasource's fault.
   */
  async call(
    target: CallTarget,
    func: Exclude<SourceFunction, 'describe'>,
    args: readonly Wire[],
    signal: AbortSignal,
    options: { nowMs?: number } = {},
  ): Promise<CallResult & { upstream: UpstreamSight }> {
    const { connection, datasource } = target;
    const budget = await UpstreamBudget.open(budgetStore(this.#options.database), target.budget ?? connection.id);
    const { pool, rate } = this.#options;
    const record = this.#recordOf(target);
    const log = this.#options.log.child({ connection: connection.id, datasource: datasource.name, function: func });
    const powers = {
      egress: await this.#egressFor(target),
      rate,
      budget,
      stored: storedCollections(this.#options.database, connection.id),
      writeLine: (level: LogLevel, message: string) => log[level](message, { from: 'datasource' }),
      onRefused: (power: string, _func: string, error: GuestValue) => record.addRefusal(power, error),
    };
    const onEnd = (outcome: CallOutcome, spend: Spend): Promise<void> => record.addCall(outcome, spend);
    const result = await callInSandbox(target, { function: func, args, signal, ...options }, { pool, powers, log, onEnd });
    return { ...result, upstream: await budget.close() };
  }

  /** A new one whenever the grant, the config or the credential changed: each takes effect at the next call. */
  async #egressFor(target: CallTarget): Promise<Egress> {
    const { connection, datasource, secret } = target;
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
        return this.#recordOf(target).addRequest(record);
      },
    });
    this.#egressKey = key;
    return this.#egress;
  }

  #recordOf({ connection, datasource }: CallTarget): ConnectionRecord {
    return new ConnectionRecord(this.#options.recorder, connection, datasource);
  }
}

function budgetStore(database: Database): BudgetStore {
  return {
    load: (credential) => upstreamBudgets(database, credential),
    save: (credential, budgets) => putUpstreamBudgets(database, credential, budgets, Date.now()),
  };
}

function storedCollections(database: Database, connection: string): StoredCollections {
  return {
    get: (collection: string, key: string) => getCollectionValue(database, connection, collection, key),
    scan: (collection, range) => scanCollection(database, connection, collection, range),
    size: () => collectionsSize(database, connection),
  };
}
