import { encodeFrame, FrameReader, type Wire } from './frame.ts';
import { type SandboxedProgram, spawnSandboxed } from './spawn.ts';

export interface ThrowawayOptions extends SandboxedProgram {
  input: Wire;
  timeoutMs: number;
  maxOutputBytes: number;
}

export type ThrowawayOutcome = { ok: true; value: unknown } | { ok: false; reason: string };

const MAX_STDERR_BYTES = 8 * 1024;

/**
 * Runs a sandboxed program once: one frame in, one frame out, then the process is killed. Never
 * rejects: a crash, a hang or nonsense comes back as a reason.
 */
export function runThrowaway(options: ThrowawayOptions): Promise<ThrowawayOutcome> {
  return new Promise((resolve) => {
    const { child } = spawnSandboxed(options);
    const reader = new FrameReader(options.maxOutputBytes);
    let stderr = '';
    const finish = (outcome: ThrowawayOutcome): void => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      resolve(outcome);
    };
    const timer = setTimeout(() => finish({ ok: false, reason: `it took more than ${options.timeoutMs} ms` }), options.timeoutMs);
    child.on('error', (error) => finish({ ok: false, reason: `its process did not start: ${error.message}` }));
    child.on('exit', (code, signal) =>
      finish({ ok: false, reason: `its process ended (${signal ?? `exit code ${code}`})${lastLine(stderr)}` }),
    );
    child.stderr?.on('data', (chunk: Uint8Array) => {
      if (stderr.length < MAX_STDERR_BYTES) stderr += Buffer.from(chunk).toString('utf8');
    });
    child.stdout?.on('data', (chunk: Uint8Array) => {
      try {
        const [value] = reader.push(chunk);
        if (value !== undefined) finish({ ok: true, value });
      } catch (error) {
        finish({ ok: false, reason: error instanceof Error ? error.message : String(error) });
      }
    });
    // A process that dies while it is written to is reported by its exit.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(encodeFrame(options.input));
  });
}

function lastLine(stderr: string): string {
  const line = stderr.split('\n').findLast((text) => /error|panic|unreachable/i.test(text));
  return line === undefined ? '' : `: ${line.trim().slice(0, 300)}`;
}
