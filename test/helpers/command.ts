import { Readable } from 'node:stream';
import { runCommand } from '../../host/cli.ts';

export interface CommandResult {
  exitCode: number;
  stdout: string;
  stderr: string;
}

export interface CommandOptions {
  env?: Record<string, string>;
  stdin?: string;
  signal?: AbortSignal;
  /** Whether stderr is a terminal. */
  tty?: boolean;
  /** Sees what is written to stderr as it is written. */
  onStderr?: (text: string) => void;
}

/** Runs a command line in this process. */
export async function command(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const written = { stdout: '', stderr: '' };
  const exitCode = await runCommand(args, {
    env: options.env ?? {},
    stdin: Readable.from(options.stdin === undefined ? [] : [Buffer.from(options.stdin)]),
    stdout: { write: (text) => (written.stdout += text) },
    stderr: {
      write: (text) => {
        written.stderr += text;
        options.onStderr?.(text);
      },
      isTTY: options.tty ?? false,
      columns: 80,
    },
    signal: options.signal ?? new AbortController().signal,
  });
  return { exitCode, ...written };
}
