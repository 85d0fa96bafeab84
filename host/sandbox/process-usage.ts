import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

/** What a process has used since its start, and holds now. */
export interface Usage {
  /** Of all its threads together. */
  cpuMs: number;
  residentBytes: number;
  threads: number;
}

/** Entries of the auxiliary vector (`getauxval(3)`). */
const AT_PAGESZ = 6n;
const AT_CLKTCK = 17n;
/** Longer than any line of `/proc/PID/stat`. */
const MAX_STAT_BYTES = 2_048;

/**
 * Reads `/proc/PID/stat` through one descriptor, which stays with the process it was opened for whoever gets its number
 * later. Linux only: elsewhere, and once the process has ended, there is nothing to read.
 */
export class ProcessUsage {
  readonly #file: number;
  readonly #buffer = Buffer.alloc(MAX_STAT_BYTES);
  readonly #msPerTick: number;
  readonly #bytesPerPage: number;

  private constructor(file: number, msPerTick: number, bytesPerPage: number) {
    this.#file = file;
    this.#msPerTick = msPerTick;
    this.#bytesPerPage = bytesPerPage;
  }

  static open(pid: number): ProcessUsage | undefined {
    if (process.platform !== 'linux') return undefined;
    try {
      const { ticksPerSecond, bytesPerPage } = kernelUnits();
      return new ProcessUsage(openSync(`/proc/${pid}/stat`, 'r'), 1_000 / ticksPerSecond, bytesPerPage);
    } catch {
      return undefined;
    }
  }

  read(): Usage | undefined {
    try {
      const line = this.#buffer.toString('latin1', 0, readSync(this.#file, this.#buffer, 0, MAX_STAT_BYTES, 0));
      // The name in parentheses may hold anything; state is the third field of proc_pid_stat(5) and the first after it.
      const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
      const [utime, stime, threads, pages] = [14, 15, 20, 24].map((field) => Number(fields[field - 3]));
      if (utime === undefined || stime === undefined || threads === undefined || pages === undefined) return undefined;
      return { cpuMs: (utime + stime) * this.#msPerTick, residentBytes: pages * this.#bytesPerPage, threads };
    } catch {
      return undefined;
    }
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** What the kernel told this very process of its units: pages are not 4 KiB everywhere. */
function kernelUnits(): { ticksPerSecond: number; bytesPerPage: number } {
  const vector = readFileSync('/proc/self/auxv');
  const units = { ticksPerSecond: 100, bytesPerPage: 4_096 };
  for (let at = 0; at + 16 <= vector.byteLength; at += 16) {
    const kind = vector.readBigUInt64LE(at);
    const value = Number(vector.readBigUInt64LE(at + 8));
    if (kind === AT_PAGESZ) units.bytesPerPage = value;
    if (kind === AT_CLKTCK) units.ticksPerSecond = value;
  }
  return units;
}
