import { type Breach, describeBreach, type Meter } from '../domain/meter.ts';
import { ProcessUsage, type Usage } from './process-usage.ts';
import type { KillCause } from './sandbox-call.ts';

const USAGE_CHECK_MS = 250;
/** Node has about a dozen and a guest none of its own: more are those of a guest that owns the engine. */
const MAX_THREADS = 64;

/** A call that goes on in the process. */
interface Watched {
  call: { meter: Meter };
  /** Answers that its guest waits for. */
  waitsFor: number;
}

export interface ProcessWatchOptions {
  /** The program itself; undefined until that is known. */
  pid(): number | undefined;
  /** Of the whole process. */
  maxResidentBytes: number;
  /** One call is at fault. */
  overrun(id: number, breach: Breach, cause?: KillCause): void;
  /** Which call it was cannot be known. */
  kill(cause: KillCause, reason: string): void;
}

/**
 * Looks at what a sandbox process uses, four times a second and whenever `measure` asks, and has the host end what goes over.
 * Linux only: elsewhere the engine's own caps and the deadlines stand alone.
 */
export class ProcessWatch {
  readonly #calls: ReadonlyMap<number, Watched>;
  readonly #options: ProcessWatchOptions;
  readonly #timer: NodeJS.Timeout;
  #usage: ProcessUsage | undefined;
  #cpuMs = 0;
  #closed = false;

  /** @param calls Those that go on, by their number; whoever owns the map changes it. */
  constructor(calls: ReadonlyMap<number, Watched>, options: ProcessWatchOptions) {
    this.#calls = calls;
    this.#options = options;
    this.#timer = setInterval(() => this.#check(), USAGE_CHECK_MS).unref();
  }

  /**
   * Gives each call its share of what the process used since the last time. One thread runs them all, so those that do not
   * wait for an answer share it evenly; when all say that they wait, all do.
   */
  measure(): Usage | undefined {
    const usage = this.#read();
    if (usage === undefined) return undefined;
    const calls = [...this.#calls.values()];
    const running = calls.filter(({ waitsFor }) => waitsFor === 0);
    const payers = running.length === 0 ? calls : running;
    const share = (usage.cpuMs - this.#cpuMs) / Math.max(1, payers.length);
    for (const active of calls) active.call.meter.countProcess(payers.includes(active) ? share : 0, usage.residentBytes);
    this.#cpuMs = usage.cpuMs;
    return usage;
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#usage?.close();
    this.#usage = undefined;
  }

  #read(): Usage | undefined {
    if (this.#closed) return undefined;
    const pid = this.#options.pid();
    if (pid !== undefined) this.#usage ??= ProcessUsage.open(pid);
    return this.#usage?.read();
  }

  #check(): void {
    const usage = this.measure();
    if (usage === undefined) return;
    const { residentBytes, threads } = usage;
    const { maxResidentBytes, kill, overrun } = this.#options;
    if (threads > MAX_THREADS) kill('limit', `the sandbox process had ${threads} threads; at most ${MAX_THREADS} are allowed`);
    if (residentBytes > maxResidentBytes) this.#tooMuchMemory(residentBytes);
    for (const [id, { call }] of [...this.#calls]) {
      const { cpuMs, limits } = call.meter;
      if (cpuMs > limits.maxCpuMs && !this.#closed) overrun(id, call.meter.breach('maxCpuMs', Math.ceil(cpuMs)));
    }
  }

  /** Which of several calls it was cannot be known: all are tried again, and the guilty one meets the limit again. */
  #tooMuchMemory(residentBytes: number): void {
    const { kill, overrun } = this.#options;
    const breaches = [...this.#calls].map(([id, { call }]) => ({ id, breach: call.meter.breach('maxProcessMemoryBytes', residentBytes) }));
    const [first, second] = breaches;
    if (first === undefined) kill('memory', 'the sandbox process held too much memory between two calls');
    else if (second === undefined) overrun(first.id, first.breach, 'memory');
    else kill('neighbour', `${breaches.length} calls in one process went over ${describeBreach(first.breach)}`);
  }
}
