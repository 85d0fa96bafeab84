/**
 * Runs on the other side of the boundary: the parts of WASI that a datasource has no use for but
 * that toolchains link in any case. They are there and hold nothing: no environment, no arguments, no
 * folders, no terminal. What is written to stdout and stderr becomes log lines; exit ends the call.
 */
import { InputStream, OutputStream } from './wasi-io.sandboxed.ts';

/** Takes one line that the guest wrote. */
export type WriteLogLine = (level: 'info' | 'warn', line: string) => void;

/** A line that never ends is cut here. */
const MAX_LINE_BYTES = 4_096;

/** What was written of a line that has not ended yet. */
class Lines {
  readonly #write: (line: string) => void;
  readonly #decoder = new TextDecoder();
  #line = '';

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  add(contents: Uint8Array): void {
    this.#line += this.#decoder.decode(contents, { stream: true });
    const lines = this.#line.split('\n');
    this.#line = (lines.pop() ?? '').slice(0, MAX_LINE_BYTES);
    for (const line of lines) if (line.trim() !== '') this.#write(line);
  }
}

/** One handle of stdout or stderr: each that is asked for is another one, and counts. */
class LineStream extends OutputStream {
  readonly #lines: Lines;

  constructor(lines: Lines) {
    super(Number.MAX_SAFE_INTEGER);
    this.#lines = lines;
  }

  override write(contents: Uint8Array): void {
    this.#lines.add(contents);
  }

  override checkWrite(): bigint {
    return BigInt(MAX_LINE_BYTES);
  }
}

/** A resource type that a guest can name but never hold: no function gives one. */
class Nothing {
  readonly kind = 'nothing';
}

function none(): undefined {
  return undefined;
}

function exit(): never {
  throw new Error('the datasource called exit');
}

/** The imports of `wasi:cli` and `wasi:filesystem`, closed. */
export function closedImports(writeLine: WriteLogLine): Record<string, Record<string, unknown>> {
  const out = new Lines((line) => writeLine('info', line));
  const err = new Lines((line) => writeLine('warn', line));
  return {
    'wasi:cli/environment': { getEnvironment: () => [], getArguments: () => [], initialCwd: () => undefined },
    'wasi:cli/exit': { exit, exitWithCode: exit },
    'wasi:cli/stdin': { getStdin: () => new InputStream(new Uint8Array()) },
    'wasi:cli/stdout': { getStdout: () => new LineStream(out) },
    'wasi:cli/stderr': { getStderr: () => new LineStream(err) },
    'wasi:cli/terminal-input': { TerminalInput: Nothing },
    'wasi:cli/terminal-output': { TerminalOutput: Nothing },
    'wasi:cli/terminal-stdin': { getTerminalStdin: none },
    'wasi:cli/terminal-stdout': { getTerminalStdout: none },
    'wasi:cli/terminal-stderr': { getTerminalStderr: none },
    'wasi:filesystem/types': {
      Descriptor: Nothing,
      DirectoryEntryStream: Nothing,
      filesystemErrorCode: none,
    },
    'wasi:filesystem/preopens': { getDirectories: () => [] },
  };
}
