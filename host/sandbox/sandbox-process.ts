import type { ChildProcess } from 'node:child_process';
import type { Writable } from 'node:stream';
import type { Limits } from '../domain/limits.ts';
import { type Breach, describeBreach } from '../domain/meter.ts';
import { toShortLine } from '../domain/text.ts';
import type { Isolation } from './isolation.ts';
import { encodeFrame, FrameError, FrameReader, type Wire } from './frame.ts';
import { ProcessWatch } from './process-watch.ts';
import { type FarLimit, type FromSandbox, isWaitedFor, parseFromSandbox, type ToSandbox } from './protocol.ts';
import type { CallOutcome, HostAnswer, KillCause, SandboxCall } from './sandbox-call.ts';
import { spawnSandboxed } from './spawn.ts';
import { STAY_AWAKE_MS, stayAwake } from './stay-awake.ts';

export interface SandboxProcessOptions {
  /** The compiled component. */
  folder: string;
  limits: Limits;
  isolation: Isolation;
  onStderr(text: string): void;
}

const START_TIMEOUT_MS = 20_000;
const MAX_HEAP_MIB = 256;
/** The host stops reading from a process that has this many unanswered host calls. */
const MAX_OPEN_HOST_CALLS = 64;
/**
 * Answers that a process has not read yet. Guests wait while they ask, so that even eight with a response of the largest
 * default size each stay below; a process that holds back its reading must not fill the host's memory.
 */
const MAX_UNREAD_BYTES = 256 * 1024 * 1024;
const MAX_STDERR_BYTES = 16 * 1024;
/** Of what a process says of its end: people read it, and it is stored with the run. */
const MAX_REASON_CHARACTERS = 2_000;

interface ActiveCall {
  call: SandboxCall;
  settle(outcome: CallOutcome): void;
  timer: NodeJS.Timeout;
  /** Answers that its guest waits for. */
  waitsFor: number;
  started: boolean;
}

/**
 * One process that serves one datasource of one organisation: a fresh instance for each call,
 * several calls at a time. After a trap, an overrun or a message that makes no sense it is killed,
 * and every call in it ends with that reason; it is never used again.
 */
export class SandboxProcess {
  readonly #child: ChildProcess;
  readonly #answers: Writable | undefined;
  readonly #reader: FrameReader;
  readonly #calls = new Map<number, ActiveCall>();
  readonly #watch: ProcessWatch;
  readonly #ready: Promise<void>;
  #markReady: (error?: Error) => void = () => undefined;
  #lastCall = 0;
  /** Messages that wait for host calls before them. */
  readonly #inbox: { value: unknown; bytes: number }[] = [];
  #openHostCalls = 0;
  /** When the last answer was sent, and whether what was asked before it had come soon after another. */
  #answeredMs = 0;
  #asksSoon = false;
  #isReady = false;
  #stderrBytes = 0;
  #ended: { cause: KillCause; reason: string } | undefined;
  readonly #onEnd: ((cause: KillCause, reason: string) => void)[] = [];

  constructor(options: SandboxProcessOptions) {
    this.#reader = new FrameReader(options.limits.maxResultBytes);
    const { child, answers, programPid } = spawnSandboxed({
      script: 'runner.sandboxed',
      args: [options.folder],
      readable: [options.folder],
      maxMemoryBytes: options.limits.maxMemoryBytes,
      maxProcessMemoryBytes: options.limits.maxProcessMemoryBytes,
      maxHeapMib: MAX_HEAP_MIB,
      manyInstances: true,
      isolation: options.isolation,
    });
    this.#child = child;
    this.#answers = answers;
    this.#watch = new ProcessWatch(this.#calls, {
      pid: programPid,
      maxResidentBytes: options.limits.maxProcessMemoryBytes,
      overrun: (id, breach, cause) => this.#overrun(id, breach, cause),
      kill: (cause, reason) => this.kill(cause, reason),
    });
    this.#ready = this.#whenReady();
    // Whoever waits for it hears of a failure; nobody waiting is no bug.
    this.#ready.catch(() => undefined);
    this.#listen(options.onStderr);
  }

  get alive(): boolean {
    return this.#ended === undefined;
  }

  /** Runs once when the process can no longer be used. */
  onEnd(listener: (cause: KillCause, reason: string) => void): void {
    if (this.#ended === undefined) this.#onEnd.push(listener);
    else listener(this.#ended.cause, this.#ended.reason);
  }

  /** Calls one function in a fresh instance. Never rejects. */
  async call(call: SandboxCall): Promise<CallOutcome> {
    try {
      await this.#ready;
    } catch {
      // The end says why, below.
    }
    if (this.#ended !== undefined) return { kind: 'killed', ...this.#ended };
    if (call.signal.aborted) return { kind: 'killed', cause: 'cancelled', reason: 'the call was cancelled' };
    this.#lastCall += 1;
    const id = this.#lastCall;
    return new Promise((resolve) => {
      const onAbort = (): void => this.kill('cancelled', 'the call was cancelled', id);
      const settle = (outcome: CallOutcome): void => {
        const active = this.#calls.get(id);
        if (active === undefined) return;
        clearTimeout(active.timer);
        this.#watch.measure();
        this.#calls.delete(id);
        call.signal.removeEventListener('abort', onAbort);
        resolve(outcome);
      };
      const { limits } = call.meter;
      const startedMs = performance.now();
      const timer = setTimeout(() => this.#timeOut(id, 'instantiateTimeoutMs', startedMs), limits.instantiateTimeoutMs);
      // What was used until now is not this call's.
      this.#watch.measure();
      this.#calls.set(id, { call, settle, timer, waitsFor: 0, started: false });
      call.signal.addEventListener('abort', onAbort, { once: true });
      this.#send(this.#child.stdin, { type: 'call', call: id, function: call.function, args: call.args, limits: farLimits(limits) });
    });
  }

  /**
   * Ends the process now. Every call in it settles as killed; when one call is `guilty`, the
   * others are told that it was a neighbour.
   */
  kill(cause: KillCause, reason: string, guilty?: number): void {
    if (this.#ended !== undefined) return;
    this.#watch.measure();
    this.#ended = { cause: guilty === undefined ? cause : 'neighbour', reason };
    this.#watch.close();
    this.#child.kill('SIGKILL');
    this.#markReady(new Error(reason));
    for (const [id, { settle }] of [...this.#calls]) {
      settle({ kind: 'killed', cause: guilty === undefined || guilty === id ? cause : 'neighbour', reason });
    }
    for (const listener of this.#onEnd.splice(0)) listener(cause, reason);
  }

  #whenReady(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => this.kill('timeout', `the sandbox process was not ready after ${START_TIMEOUT_MS} ms`),
        START_TIMEOUT_MS,
      );
      this.#markReady = (error) => {
        clearTimeout(timer);
        if (error === undefined) resolve();
        else reject(error);
      };
    });
  }

  #listen(onStderr: (text: string) => void): void {
    const child = this.#child;
    child.on('error', (error) => this.kill('exit', `the sandbox process did not start: ${error.message}`));
    child.on('exit', (code, signal) => this.#endedByItself(`the sandbox process ended by itself (${signal ?? `exit code ${code}`})`));
    child.stdout?.on('data', (chunk: Uint8Array) => this.#receive(chunk));
    child.stderr?.on('data', (chunk: Uint8Array) => {
      this.#stderrBytes += chunk.byteLength;
      if (this.#stderrBytes <= MAX_STDERR_BYTES) onStderr(Buffer.from(chunk).toString('utf8'));
    });
    // Writing to a process that has just ended is reported by its exit.
    child.stdin?.on('error', () => undefined);
  }

  /** Out of memory of the engine, for one. Which of several calls it was cannot be known, so that all are tried again. */
  #endedByItself(reason: string): void {
    const [first, second] = [...this.#calls.keys()];
    if (second === undefined) this.kill('exit', reason, first);
    else this.kill('neighbour', reason);
  }

  #receive(chunk: Uint8Array): void {
    if (this.#ended !== undefined) return;
    this.#attempt(() => {
      this.#inbox.push(...this.#reader.frames(chunk));
    });
    this.#work();
  }

  /** Takes messages until too many host calls are open; then neither these nor any more of the process's output. */
  #work(): void {
    while (this.#openHostCalls < MAX_OPEN_HOST_CALLS && this.#ended === undefined) {
      const frame = this.#inbox.shift();
      if (frame === undefined) break;
      const message = parseFromSandbox(frame.value);
      this.#attempt(() => {
        if (message === undefined) throw new FrameError('a message that the protocol does not have');
        this.#handle(message, frame.bytes);
      });
    }
    if (this.#openHostCalls >= MAX_OPEN_HOST_CALLS) this.#child.stdout?.pause();
    else this.#child.stdout?.resume();
  }

  /** Nothing that a guest says may take the host down, not even by way of a bug of ours. */
  #attempt(act: () => void): void {
    try {
      act();
    } catch (error) {
      if (error instanceof FrameError) this.kill('protocol', `the sandbox process broke the protocol: ${error.message}`);
      else this.kill('host', `the host failed at a message of the sandbox process: ${String(error)}`);
    }
  }

  #handle(message: FromSandbox, bytes: number): void {
    if (message.type === 'ready') {
      if (this.#isReady) throw new FrameError('it became ready twice');
      this.#isReady = true;
      this.#markReady();
      return;
    }
    const active = this.#calls.get(message.call);
    if (active === undefined) throw new FrameError(`a message about call ${message.call}, which is not open`);
    if (!active.started && (message.type === 'result' || message.type === 'error')) {
      throw new FrameError(`call ${message.call} ended before it began`);
    }
    switch (message.type) {
      case 'started':
        this.#startClock(active, message.call);
        return;
      case 'host-call':
        this.#handleHostCall(active, message);
        return;
      case 'result':
        if (this.#charge(active, message.call, 'resultBytes', bytes)) active.settle({ kind: 'result', value: message.value });
        return;
      case 'error':
        if (this.#charge(active, message.call, 'resultBytes', bytes)) active.settle({ kind: 'error', error: message.error });
        return;
      case 'overrun':
        this.#overrun(message.call, active.call.meter.breach(message.limit, message.used));
        return;
      case 'trap':
        this.kill('trap', `the datasource broke: ${toShortLine(message.message, MAX_REASON_CHARACTERS)}`, message.call);
        return;
      default:
        message satisfies never;
    }
  }

  #startClock(active: ActiveCall, id: number): void {
    if (active.started) throw new FrameError('a call began twice');
    active.started = true;
    clearTimeout(active.timer);
    active.call.meter.begin();
    const startedMs = performance.now();
    active.timer = setTimeout(() => this.#timeOut(id, 'callTimeoutMs', startedMs), active.call.meter.limits.callTimeoutMs);
  }

  #timeOut(id: number, limit: 'instantiateTimeoutMs' | 'callTimeoutMs', startedMs: number): void {
    const breach = this.#calls.get(id)?.call.meter.breach(limit, Math.ceil(performance.now() - startedMs));
    if (breach !== undefined) this.#overrun(id, breach, 'timeout');
  }

  /** Whether the call may have so much. */
  #charge(active: ActiveCall, id: number, budget: 'hostCalls' | 'resultBytes', amount: number): boolean {
    const breach = active.call.meter.charge(budget, amount);
    if (breach !== undefined) this.#overrun(id, breach);
    return breach === undefined;
  }

  #overrun(id: number, breach: Breach, cause: KillCause = 'limit'): void {
    const name = this.#calls.get(id)?.call.function ?? 'a call';
    this.kill(cause, `${name} went over ${describeBreach(breach)}`, id);
  }

  #handleHostCall(active: ActiveCall, message: FromSandbox & { type: 'host-call' }): void {
    if (!this.#charge(active, message.call, 'hostCalls', 1)) return;
    const answer = this.#ask(active, message);
    if (answer === undefined) {
      if (message.request !== 0) throw new FrameError(`an answer is wanted from ${message.interface}.${message.function}, which has none`);
      return;
    }
    this.#openHostCalls += 1;
    this.#asksSoon = performance.now() - this.#answeredMs < STAY_AWAKE_MS;
    active.waitsFor += 1;
    answer.then((value) => this.#answer(active, message, value)).catch((error: unknown) => this.#fail(message, error));
  }

  #ask(active: ActiveCall, message: FromSandbox & { type: 'host-call' }): Promise<HostAnswer> | undefined {
    try {
      return active.call.powers.handle(message.interface, message.function, message.args);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** A bug of ours, or a store that does not answer, ends the call; the guest learns nothing of it. */
  #fail(message: FromSandbox & { type: 'host-call' }, fault: unknown): void {
    const active = this.#calls.get(message.call);
    // The call has ended already, and with it what it asked for.
    if (active === undefined) return;
    const reason = `the host failed at ${message.interface}.${message.function}`;
    active.settle({ kind: 'killed', cause: 'host', reason, fault });
    this.kill('host', reason, message.call);
  }

  /** A host call is open until its answer is written: a process that does not read is not asked for more. */
  #answer(active: ActiveCall, message: FromSandbox & { type: 'host-call' }, answer: HostAnswer): void {
    active.waitsFor -= 1;
    const { request } = message;
    const input = isWaitedFor(message.interface) ? this.#answers : this.#child.stdin;
    this.#send(input, { type: 'host-result', request, ok: answer.ok, value: answer.ok ? answer.value : answer.error }, () => {
      this.#openHostCalls -= 1;
      this.#work();
    });
    this.#answeredMs = performance.now();
    if (this.#asksSoon) stayAwake(this.#answeredMs);
    const unreadBytes = (this.#child.stdin?.writableLength ?? 0) + (this.#answers?.writableLength ?? 0);
    if (unreadBytes > MAX_UNREAD_BYTES) this.kill('limit', `the sandbox process left ${unreadBytes} bytes of answers unread`);
  }

  #send(input: Writable | null | undefined, message: ToSandbox, written?: () => void): void {
    if (this.#ended === undefined) input?.write(encodeFrame(message as unknown as Wire), written);
  }
}

function farLimits(limits: Readonly<Limits>): Record<FarLimit, number> {
  const { maxResultBytes, maxRandomBytes, maxHandles } = limits;
  return { maxResultBytes, maxRandomBytes, maxHandles };
}
