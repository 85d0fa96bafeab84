import type { ChildProcess } from 'node:child_process';
import type { ExtractionOutcome } from '../domain/extraction.ts';
import { type FromExtractor, parseFromExtractor, type ToExtractor } from './extraction-protocol.ts';
import { encodeFrame, FrameReader, type Wire } from './frame.ts';
import type { Isolation } from './isolation.ts';
import { watchMemory } from './memory-watch.ts';
import { modulesFolder } from './modules-folder.ts';
import { spawnSandboxed } from './spawn.ts';

const MiB = 1024 * 1024;
const START_TIMEOUT_MS = 20_000;
/** What a reader of formats needs of wasm: nothing. */
const MAX_WASM_BYTES = 16 * MiB;
const MAX_HEAP_MIB = 512;
/** A file is told to come to an end before it is ended. */
const GRACE_FACTOR = 1.5;

export interface ExtractionBounds {
  /** Of one file: what it has until it must give what it found, and half as much again until it is ended. */
  maxMs: number;
  /** Of the whole process, resident. Measured on Linux. */
  maxMemoryBytes: number;
  /** Of the text of one file, in UTF-16 code units. */
  maxCharacters: number;
  /** Of all that archives in one file unpack to. */
  maxUnpackedBytes: number;
}

export interface ExtractionProcessOptions {
  bounds: ExtractionBounds;
  isolation: Isolation;
}

/**
 * One process that reads files, one at a time. After a fault it is ended and never used again: the file at hand has failed,
 * and no other.
 */
export class ExtractionProcess {
  readonly #bounds: ExtractionBounds;
  readonly #child: ChildProcess;
  readonly #programPid: () => number | undefined;
  readonly #reader: FrameReader;
  readonly #endWatch: () => void;
  #deadline: NodeJS.Timeout | undefined;
  #lastId = 0;
  #isReady = false;
  #waiting: { id: number; input: ToExtractor; settle: (outcome: ExtractionOutcome) => void } | undefined;
  #ended: string | undefined;
  #onEnd: () => void = () => undefined;

  constructor({ bounds, isolation }: ExtractionProcessOptions) {
    this.#bounds = bounds;
    // A character is at most three bytes in UTF-8; labels and the frame itself come on top.
    this.#reader = new FrameReader(3 * bounds.maxCharacters + 64 * MiB);
    const launched = spawnSandboxed({
      script: 'extract.sandboxed',
      args: [],
      readable: [modulesFolder('yauzl')],
      maxMemoryBytes: MAX_WASM_BYTES,
      maxProcessMemoryBytes: bounds.maxMemoryBytes,
      maxHeapMib: MAX_HEAP_MIB,
      isolation,
    });
    this.#child = launched.child;
    this.#programPid = launched.programPid;
    this.#endWatch = watchMemory(launched, bounds.maxMemoryBytes, () =>
      this.end(`reading it took more than ${Math.round(bounds.maxMemoryBytes / MiB)} MiB of memory`),
    );
    this.#deadline = setTimeout(() => this.end(`its process was not ready after ${START_TIMEOUT_MS} ms`), START_TIMEOUT_MS);
    this.#listen();
  }

  get alive(): boolean {
    return this.#ended === undefined;
  }

  /** As the host's kernel knows it; undefined until that is known. */
  get pid(): number | undefined {
    return this.#programPid();
  }

  /** Runs once when the process can no longer be used. */
  set onEnd(listener: () => void) {
    this.#onEnd = listener;
  }

  /** Reads one file; the one before must have settled. Never rejects. */
  read(file: Pick<ToExtractor, 'format' | 'mediaType' | 'charset' | 'content'>, signal: AbortSignal): Promise<ExtractionOutcome> {
    if (this.#ended !== undefined) return Promise.resolve({ kind: 'fault', reason: this.#ended });
    this.#lastId += 1;
    const id = this.#lastId;
    const { maxMs, maxCharacters, maxUnpackedBytes } = this.#bounds;
    return new Promise((resolve) => {
      const onAbort = (): void => this.end('it was cancelled');
      const settle = (outcome: ExtractionOutcome): void => {
        signal.removeEventListener('abort', onAbort);
        clearTimeout(this.#deadline);
        this.#waiting = undefined;
        resolve(outcome);
      };
      this.#waiting = { id, input: { ...file, id, bounds: { maxMs, maxCharacters, maxUnpackedBytes } }, settle };
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
      else if (this.#isReady) this.#send();
    });
  }

  /** Ends the process now; a file that is being read settles as a fault. */
  end(reason: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    clearTimeout(this.#deadline);
    this.#endWatch();
    this.#child.kill('SIGKILL');
    this.#waiting?.settle({ kind: 'fault', reason });
    this.#onEnd();
  }

  #listen(): void {
    const child = this.#child;
    child.on('error', (error) => this.end(`its process did not start: ${error.message}`));
    child.on('exit', (code, signal) => this.end(`its process ended by itself (${signal ?? `exit code ${code}`})`));
    child.stdout?.on('data', (chunk: Uint8Array) => this.#receive(chunk));
    // What libraries say of damaged files is for nobody.
    child.stderr?.resume();
    // Writing to a process that has just ended is reported by its exit.
    child.stdin?.on('error', () => undefined);
  }

  #send(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    const endMs = this.#bounds.maxMs * GRACE_FACTOR;
    this.#deadline = setTimeout(() => this.end(`reading it took more than ${endMs} ms`), endMs);
    this.#child.stdin?.write(encodeFrame(waiting.input as unknown as Wire));
  }

  #receive(chunk: Uint8Array): void {
    try {
      for (const value of this.#reader.push(chunk)) this.#handle(parseFromExtractor(value));
    } catch {
      this.end('its process said something that makes no sense');
    }
  }

  #handle(message: FromExtractor | undefined): void {
    if (message?.type === 'ready' && !this.#isReady) {
      this.#isReady = true;
      clearTimeout(this.#deadline);
      this.#send();
      return;
    }
    if (message === undefined || message.type === 'ready' || message.id !== this.#waiting?.id) throw new TypeError('out of turn');
    if (message.type === 'refused') this.#waiting.settle({ kind: 'refused', reason: message.reason });
    else this.#waiting.settle({ kind: 'extracted', parts: message.parts.map(decodePart), notes: message.notes });
  }
}

function decodePart({ label, text }: { label: string; text: Uint8Array }): { label: string; text: string } {
  return { label, text: Buffer.from(text.buffer, text.byteOffset, text.byteLength).toString('utf8') };
}
