import type { Limits } from '../domain/limits.ts';
import type { Isolation } from './isolation.ts';
import { type CallOutcome, type KillCause, type SandboxCall, SandboxProcess } from './sandbox-process.ts';

/** What a process serves. Two calls share one only when all of this is the same. */
export interface PoolKey {
  organisation: string;
  digest: string;
  /** The compiled component. */
  folder: string;
  limits: Limits;
  /** Whom the call is made for, for the record: it tells no processes apart. */
  whose?: { datasource: string; connection: string | undefined };
}

export interface PoolOptions {
  /** Processes at one time. */
  maxProcesses: number;
  /** Calls at one time in one process. */
  maxCallsPerProcess: number;
  /** Calls that one process serves before it is ended, however healthy it looks. */
  maxCallsOfProcess: number;
  /** Calls that may wait for a place. */
  maxWaiting: number;
  /** A process without a call for so long is ended. */
  idleMs: number;
  isolation: Isolation;
  onStderr(text: string): void;
  /**
   * Hears of a process that ended while no call was in it: it was idle, gave way to another one, had served its calls, or
   * died. Of one that ended over a call, that call's outcome says so. `last` is what it served last.
   */
  onDiscard?(last: PoolKey, cause: KillCause, reason: string): void;
}

export const DEFAULT_POOL: Omit<PoolOptions, 'onStderr' | 'isolation'> = Object.freeze({
  maxProcesses: 8,
  maxCallsPerProcess: 8,
  // What instance after instance leaves behind in an engine does not pile up for ever, nor does what a guest put there
  // unseen. A start takes about 130 ms: less than 30 µs for each of so many calls.
  maxCallsOfProcess: 5_000,
  maxWaiting: 1_000,
  idleMs: 30_000,
});

/** A call that found no place: the queue is full, or the pool is closed. */
export class PoolFullError extends Error {
  override readonly name = 'PoolFullError';
}

interface Lent {
  name: string;
  /** Of the last call. */
  key: PoolKey;
  process: SandboxProcess;
  /** Calls that have this place, those that wait for the process to be ready included. */
  calls: number;
  /** Calls that it was given since its start. */
  served: number;
  idleTimer: NodeJS.Timeout | undefined;
}

/**
 * Keeps sandbox processes warm: one or more for each datasource of each organisation, never shared
 * between two of either, never more than `maxProcesses` in all. A call that finds no place waits
 * its turn; idle processes give way to those that are needed.
 */
export class SandboxPool {
  readonly #options: PoolOptions;
  readonly #lent = new Set<Lent>();
  /** In the order of their coming. */
  readonly #waiting = new Set<() => void>();
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  get processes(): number {
    return this.#lent.size;
  }

  /** Calls one function in a sandbox process. Rejects with PoolFullError only. */
  async call(key: PoolKey, call: SandboxCall): Promise<CallOutcome> {
    const lent = await this.#place(key, call.signal);
    if (lent === undefined)
      return { kind: 'killed', cause: 'cancelled', reason: 'the call was cancelled while it waited for a sandbox process' };
    try {
      return await lent.process.call(call);
    } finally {
      this.#release(lent);
    }
  }

  /** Ends every process. Calls under way settle as killed. */
  close(): void {
    this.#closed = true;
    for (const lent of [...this.#lent]) {
      clearTimeout(lent.idleTimer);
      lent.process.kill('cancelled', 'the host is shutting down');
    }
    this.#wakeAll();
  }

  /** Undefined when `signal` ended the wait. */
  async #place(key: PoolKey, signal: AbortSignal): Promise<Lent | undefined> {
    for (let waited = false; ; waited = true) {
      if (signal.aborted) return undefined;
      if (this.#closed) throw new PoolFullError('the host is shutting down');
      const found = this.#find(key) ?? this.#open(key);
      if (found !== undefined) {
        clearTimeout(found.idleTimer);
        found.idleTimer = undefined;
        found.key = key;
        found.calls += 1;
        found.served += 1;
        return found;
      }
      // One that has waited already keeps its right to, whoever came meanwhile.
      if (!waited && this.#waiting.size >= this.#options.maxWaiting) {
        throw new PoolFullError(`${this.#options.maxWaiting} calls already wait for a sandbox process`);
      }
      await this.#turn(signal);
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  #find(key: PoolKey): Lent | undefined {
    const name = nameOf(key);
    for (const lent of this.#lent) {
      const { calls, served, process } = lent;
      const hasPlace = calls < this.#options.maxCallsPerProcess && served < this.#options.maxCallsOfProcess;
      if (lent.name === name && process.alive && hasPlace) return lent;
    }
    return undefined;
  }

  #open(key: PoolKey): Lent | undefined {
    if (this.#lent.size >= this.#options.maxProcesses && !this.#evictIdle()) return undefined;
    const process = new SandboxProcess({ ...this.#options, folder: key.folder, limits: key.limits });
    const lent: Lent = { name: nameOf(key), key, process, calls: 0, served: 0, idleTimer: undefined };
    this.#lent.add(lent);
    process.onEnd((cause, reason) => {
      clearTimeout(lent.idleTimer);
      this.#lent.delete(lent);
      if (lent.calls === 0 && !this.#closed) this.#options.onDiscard?.(lent.key, cause, reason);
      this.#wakeAll();
    });
    return lent;
  }

  #evictIdle(): boolean {
    for (const lent of this.#lent) {
      if (lent.calls === 0) {
        clearTimeout(lent.idleTimer);
        lent.process.kill('cancelled', 'the process gave way to another one');
        return true;
      }
    }
    return false;
  }

  #release(lent: Lent): void {
    lent.calls -= 1;
    if (lent.process.alive && lent.calls === 0) {
      if (lent.served >= this.#options.maxCallsOfProcess) lent.process.kill('cancelled', 'the process has served its calls');
      else lent.idleTimer = setTimeout(() => lent.process.kill('cancelled', 'the process was idle'), this.#options.idleMs).unref();
    }
    this.#wakeAll();
  }

  #wakeAll(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}

function nameOf(key: PoolKey): string {
  return JSON.stringify([key.organisation, key.digest, key.limits]);
}
