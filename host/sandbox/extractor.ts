import type { ExtractableFile, ExtractionOutcome, Extractor } from '../domain/extraction.ts';
import { type ExtractionBounds, ExtractionProcess } from './extraction-process.ts';
import { type Format, formatOf } from './formats.ts';
import type { Isolation } from './isolation.ts';

const MiB = 1024 * 1024;

export interface ExtractorOptions {
  bounds: ExtractionBounds;
  /** Processes at one time; none is started before a file needs it. */
  maxProcesses: number;
  /** Files, and bytes of them, that one process reads before it is ended, however healthy it looks. */
  maxFilesOfProcess: number;
  maxBytesOfProcess: number;
  /** A process without a file for so long is ended. */
  idleMs: number;
  isolation: Isolation;
}

export const DEFAULT_EXTRACTION: Omit<ExtractorOptions, 'isolation'> = Object.freeze({
  // 10,000 full pages of a PDF take 15 s and 300 MB, three times as long on a busy machine.
  bounds: Object.freeze({
    maxMs: 120_000,
    maxMemoryBytes: 1_024 * MiB,
    maxCharacters: 32 * MiB,
    maxUnpackedBytes: 256 * MiB,
  }),
  maxProcesses: 2,
  maxFilesOfProcess: 500,
  maxBytesOfProcess: 512 * MiB,
  idleMs: 30_000,
});

interface Lent {
  owner: string;
  process: ExtractionProcess;
  busy: boolean;
  files: number;
  bytes: number;
  idleTimer: NodeJS.Timeout | undefined;
}

/**
 * Reads files that are not text in sandbox processes like those of datasources: no network, no file, no environment, capped
 * memory and time. One process serves one owner and one file at a time; idle ones make way for other owners'.
 */
export class ExtractorPool implements Extractor {
  readonly #options: ExtractorOptions;
  readonly #lent = new Set<Lent>();
  /** In the order of their coming. */
  readonly #waiting = new Set<() => void>();
  #closed = false;

  constructor(options: ExtractorOptions) {
    this.#options = options;
  }

  get processes(): number {
    return this.#lent.size;
  }

  async extract(file: ExtractableFile, owner: string, signal: AbortSignal): Promise<ExtractionOutcome> {
    const format = formatOf(file.mediaType, file.content);
    if (format === undefined) return { kind: 'unsupported' };
    const lent = await this.#place(owner, signal);
    if (lent === undefined) return { kind: 'fault', reason: this.#closed ? 'the host is shutting down' : 'it was cancelled' };
    try {
      lent.files += 1;
      lent.bytes += file.content.byteLength;
      return await lent.process.read(toInput(file, format), signal);
    } finally {
      this.#release(lent);
    }
  }

  /** Ends every process. Files that are being read settle as faults. */
  close(): void {
    this.#closed = true;
    for (const lent of [...this.#lent]) lent.process.end('the host is shutting down');
    this.#wakeAll();
  }

  /** Undefined when `signal` ended the wait, or the pool is closed. */
  async #place(owner: string, signal: AbortSignal): Promise<Lent | undefined> {
    for (;;) {
      if (signal.aborted || this.#closed) return undefined;
      const found = this.#findIdle(owner) ?? this.#open(owner);
      if (found !== undefined) {
        clearTimeout(found.idleTimer);
        found.busy = true;
        return found;
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

  #findIdle(owner: string): Lent | undefined {
    return [...this.#lent].find((lent) => lent.owner === owner && !lent.busy);
  }

  #open(owner: string): Lent | undefined {
    const { bounds, isolation, maxProcesses } = this.#options;
    if (this.#lent.size >= maxProcesses) {
      const idle = [...this.#lent].find(({ busy }) => !busy);
      if (idle === undefined) return undefined;
      idle.process.end('another needs its place');
    }
    const process = new ExtractionProcess({ bounds, isolation });
    const lent: Lent = { owner, process, busy: false, files: 0, bytes: 0, idleTimer: undefined };
    this.#lent.add(lent);
    process.onEnd = () => {
      clearTimeout(lent.idleTimer);
      this.#lent.delete(lent);
      this.#wakeAll();
    };
    return lent;
  }

  #release(lent: Lent): void {
    lent.busy = false;
    const { maxFilesOfProcess, maxBytesOfProcess, idleMs } = this.#options;
    if (!lent.process.alive) return;
    if (lent.files >= maxFilesOfProcess || lent.bytes >= maxBytesOfProcess) lent.process.end('it has read its files');
    else lent.idleTimer = setTimeout(() => lent.process.end('it was idle'), idleMs).unref();
    this.#wakeAll();
  }

  #wakeAll(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}

function toInput({ mediaType, content }: ExtractableFile, format: Format) {
  const charset = /charset="?([^";\s]{1,40})/i.exec(mediaType)?.[1];
  return { format, mediaType, charset, content };
}
