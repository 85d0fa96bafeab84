import type { Readable } from 'node:stream';

/** Where a command writes to. */
export interface Output {
  write(text: string): unknown;
  /** Whether a person is looking. */
  isTTY?: boolean;
  columns?: number;
}

/** All that a command sees of the process it runs in. */
export interface CliIo {
  env: Readonly<Record<string, string | undefined>>;
  stdin: Readable & { isTTY?: boolean };
  stdout: Output;
  stderr: Output;
  /** Aborts when the person at the keyboard, or the system, wants the command to end. */
  signal: AbortSignal;
}
