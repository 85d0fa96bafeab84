import { toShortLine } from '../domain/text.ts';
import { encodeFrame, FrameReader, type Wire } from './frame.ts';
import { watchMemory } from './memory-watch.ts';
import { type SandboxedProgram, spawnSandboxed } from './spawn.ts';

export interface ThrowawayProgram extends SandboxedProgram {
  /** Of one answer. */
  maxOutputBytes: number;
}

export interface ThrowawayOptions extends ThrowawayProgram {
  input: Wire;
  timeoutMs: number;
}

export type ThrowawayOutcome = { ok: true; value: unknown } | { ok: false; reason: string };

/** A sandboxed program that is asked a few things, one after the other, and then thrown away. */
export interface Throwaway {
  /**
   * One frame in, one frame out. Never rejects: a crash, a hang or nonsense comes back as a reason, ends the process,
   * and is the answer to whatever is asked after it.
   */
  ask(input: Wire, timeoutMs: number): Promise<ThrowawayOutcome>;
  /** Ends the process. */
  end(): void;
}

const MAX_STDERR_BYTES = 8 * 1024;
/** Of its error output, in a reason. */
const MAX_LINE_CHARACTERS = 300;
const MiB = 1024 * 1024;

/** Starts a program that answers frames with frames. Whoever opens it ends it. */
export function openThrowaway(program: ThrowawayProgram): Throwaway {
  const launched = spawnSandboxed(program);
  const { child } = launched;
  const reader = new FrameReader(program.maxOutputBytes);
  let stderr = '';
  let failure: ThrowawayOutcome | undefined;
  let answer: ((outcome: ThrowawayOutcome) => void) | undefined;
  const settle = (outcome: ThrowawayOutcome): void => {
    const waiting = answer;
    answer = undefined;
    waiting?.(outcome);
  };
  const fail = (reason: string): void => {
    failure ??= { ok: false, reason };
    endWatch();
    child.kill('SIGKILL');
    settle(failure);
  };
  const endWatch = watchMemory(launched, program.maxProcessMemoryBytes, () =>
    fail(`it took more than ${Math.round(program.maxProcessMemoryBytes / MiB)} MiB of memory`),
  );
  child.on('error', (error) => fail(`its process did not start: ${error.message}`));
  // Not `exit`, which may come before the last of what the process wrote.
  child.on('close', (code, signal) => fail(`its process ended (${signal ?? `exit code ${code}`})${lastLine(stderr)}`));
  child.stderr?.on('data', (chunk: Uint8Array) => {
    if (stderr.length < MAX_STDERR_BYTES) stderr += Buffer.from(chunk).toString('utf8');
  });
  child.stdout?.on('data', (chunk: Uint8Array) => {
    if (failure !== undefined) return;
    try {
      for (const value of reader.push(chunk)) {
        if (answer === undefined) fail('it said something that nobody asked');
        else settle({ ok: true, value });
      }
    } catch (error) {
      fail(error instanceof Error ? error.message : String(error));
    }
  });
  // A process that dies while it is written to is reported by its end.
  child.stdin?.on('error', () => undefined);
  return {
    async ask(input, timeoutMs) {
      if (failure !== undefined) return failure;
      if (answer !== undefined) throw new TypeError('one question at a time');
      const timer = setTimeout(() => fail(`it took more than ${timeoutMs} ms`), timeoutMs);
      const answered = new Promise<ThrowawayOutcome>((resolve) => {
        answer = resolve;
      });
      child.stdin?.write(encodeFrame(input));
      return answered.finally(() => clearTimeout(timer));
    },
    end: () => fail('it was ended'),
  };
}

/** Runs a sandboxed program for one answer. Never rejects. */
export async function runThrowaway({ input, timeoutMs, ...program }: ThrowawayOptions): Promise<ThrowawayOutcome> {
  const throwaway = openThrowaway(program);
  try {
    return await throwaway.ask(input, timeoutMs);
  } finally {
    throwaway.end();
  }
}

function lastLine(stderr: string): string {
  const line = stderr.split('\n').findLast((text) => /error|panic|unreachable/i.test(text));
  return line === undefined ? '' : `: ${toShortLine(line, MAX_LINE_CHARACTERS)}`;
}
