import type { Limits } from '../domain/limits.ts';
import type { Isolation } from './isolation.ts';
import type { CallOutcome, KillCause, SandboxCall } from './sandbox-call.ts';
import { SandboxProcess } from './sandbox-process.ts';

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
  /** Of these, calls of one organisation: no one fills the queue for the others. */
  maxWaitingOfOrganisation: number;
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
  maxWaitingOfOrganisation: 500,
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
  /** It takes no more calls, so that it will give way to one that nothing serves yet. */
  leaving: boolean;
}

interface Waiting {
  name: string;
  key: PoolKey;
  take(lent: Lent): void;
  /** The pool is closed. */
  turnAway(): void;
}

/**
 * Keeps sandbox processes warm: one or more for each datasource of each organisation, never shared
 * between two of either, never more than `maxProcesses` in all. A call that finds no place waits.
 *
 * Of those that wait, the one is next whose organisation has the fewest calls under way, then whose organisation has gone
 * longest without a place, then the one that came first. The process that was idle longest gives way. When none is idle, and a call waits that no process serves, one
 * takes no more calls until it can be ended: however busy an organisation is, it never keeps another one out.
 */
export class SandboxPool {
  readonly #options: PoolOptions;
  readonly #lent = new Set<Lent>();
  /** In the order of their coming. */
  readonly #waiting = new Set<Waiting>();
  /** When an organisation that has a process was given its last place, as a count of all. */
  readonly #lastServed = new Map<string, number>();
  #served = 0;
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
    for (const { turnAway } of [...this.#waiting]) turnAway();
  }

  /** Undefined when `signal` ended the wait. */
  #place(key: PoolKey, signal: AbortSignal): Promise<Lent | undefined> {
    if (signal.aborted) return Promise.resolve(undefined);
    if (this.#closed) return Promise.reject(closing());
    const name = nameOf(key);
    const found = this.#find(name) ?? this.#open(name, key);
    if (found !== undefined) return Promise.resolve(this.#enter(found, key));
    const full = this.#refusal(key);
    if (full !== undefined) return Promise.reject(full);
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        this.#waiting.delete(waiting);
        signal.removeEventListener('abort', stop);
        act();
      };
      const waiting: Waiting = {
        name,
        key,
        take: (lent) => settle(() => resolve(this.#enter(lent, key))),
        turnAway: () => settle(() => reject(closing())),
      };
      const stop = (): void => {
        settle(() => resolve(undefined));
        this.#makeRoom();
      };
      this.#waiting.add(waiting);
      signal.addEventListener('abort', stop, { once: true });
      this.#makeRoom();
    });
  }

  /** One more call has a place in the process. */
  #enter(lent: Lent, key: PoolKey): Lent {
    clearTimeout(lent.idleTimer);
    lent.idleTimer = undefined;
    lent.key = key;
    lent.calls += 1;
    lent.served += 1;
    this.#served += 1;
    this.#lastServed.set(key.organisation, this.#served);
    return lent;
  }

  #refusal({ organisation }: PoolKey): PoolFullError | undefined {
    const { maxWaiting, maxWaitingOfOrganisation } = this.#options;
    if (this.#waiting.size >= maxWaiting) return new PoolFullError(`${maxWaiting} calls already wait for a sandbox process`);
    const own = [...this.#waiting].filter(({ key }) => key.organisation === organisation).length;
    if (own < maxWaitingOfOrganisation) return undefined;
    return new PoolFullError(`${maxWaitingOfOrganisation} calls of this organisation already wait for a sandbox process`);
  }

  /** Gives places to those that wait, as long as there are any. */
  #serve(): void {
    while (!this.#closed && this.#serveOne());
    this.#makeRoom();
  }

  #serveOne(): boolean {
    const underWay = new Map<string, number>();
    for (const { key, calls } of this.#lent) underWay.set(key.organisation, (underWay.get(key.organisation) ?? 0) + calls);
    const load = ({ key }: Waiting): number => underWay.get(key.organisation) ?? 0;
    const last = ({ key }: Waiting): number => this.#lastServed.get(key.organisation) ?? 0;
    const tried = new Set<string>();
    for (const waiting of [...this.#waiting].toSorted((a, b) => load(a) - load(b) || last(a) - last(b))) {
      if (tried.has(waiting.name)) continue;
      tried.add(waiting.name);
      const found = this.#find(waiting.name) ?? this.#open(waiting.name, waiting.key);
      if (found === undefined) continue;
      waiting.take(found);
      return true;
    }
    return false;
  }

  /** As many processes take no more calls as are needed for those that wait and that none serves. */
  #makeRoom(): void {
    const served = new Set([...this.#lent].filter(({ leaving }) => !leaving).map(({ name }) => name));
    const needed = new Set([...this.#waiting].map(({ name }) => name).filter((name) => !served.has(name))).size;
    const leaving = [...this.#lent].filter((lent) => lent.leaving);
    for (const lent of leaving.slice(needed)) lent.leaving = false;
    for (let count = leaving.length; count < needed; count += 1) {
      const busiest = this.#busiest();
      if (busiest === undefined) return;
      busiest.leaving = true;
    }
  }

  /** Of the organisation with the most processes, the one that has served most calls: a new one is not sent away at once. */
  #busiest(): Lent | undefined {
    const staying = [...this.#lent].filter(({ leaving }) => !leaving);
    const processes = ({ key }: Lent): number => staying.filter((other) => other.key.organisation === key.organisation).length;
    return staying.toSorted((a, b) => processes(b) - processes(a) || b.served - a.served)[0];
  }

  #find(name: string): Lent | undefined {
    for (const lent of this.#lent) {
      const { calls, served, process, leaving } = lent;
      const hasPlace = !leaving && calls < this.#options.maxCallsPerProcess && served < this.#options.maxCallsOfProcess;
      if (lent.name === name && process.alive && hasPlace) return lent;
    }
    return undefined;
  }

  #open(name: string, key: PoolKey): Lent | undefined {
    if (this.#lent.size >= this.#options.maxProcesses && !this.#evictIdle()) return undefined;
    const process = new SandboxProcess({ ...this.#options, folder: key.folder, limits: key.limits });
    const lent: Lent = { name, key, process, calls: 0, served: 0, idleTimer: undefined, leaving: false };
    this.#lent.add(lent);
    process.onEnd((cause, reason) => {
      clearTimeout(lent.idleTimer);
      const gaveWay = !this.#lent.delete(lent);
      if (![...this.#lent].some(({ key: other }) => other.organisation === key.organisation)) this.#lastServed.delete(key.organisation);
      if (lent.calls === 0 && !this.#closed) this.#options.onDiscard?.(lent.key, cause, reason);
      // Its place is for the one that it gave way to.
      if (!gaveWay) this.#serve();
    });
    return lent;
  }

  /** Ends the process that was idle longest. */
  #evictIdle(): boolean {
    // Each one that becomes idle goes to the end of the set.
    for (const lent of this.#lent) {
      if (lent.calls > 0) continue;
      this.#lent.delete(lent);
      lent.process.kill('cancelled', 'the process gave way to another one');
      return true;
    }
    return false;
  }

  #release(lent: Lent): void {
    lent.calls -= 1;
    if (lent.process.alive && lent.calls === 0) {
      this.#lent.delete(lent);
      this.#lent.add(lent);
      if (lent.served >= this.#options.maxCallsOfProcess) lent.process.kill('cancelled', 'the process has served its calls');
      else lent.idleTimer = setTimeout(() => lent.process.kill('cancelled', 'the process was idle'), this.#options.idleMs).unref();
    }
    this.#serve();
  }
}

function closing(): PoolFullError {
  return new PoolFullError('the host is shutting down');
}

function nameOf(key: PoolKey): string {
  return JSON.stringify([key.organisation, key.digest, key.limits]);
}
