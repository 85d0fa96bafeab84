import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { RequestError } from '../domain/errors.ts';

// Test runners that load modules themselves have no import.meta.resolve.
const require = createRequire(import.meta.url);
const WIT_DIR = join(import.meta.dirname, '../../wit');
const WORLD = 'datasource-core';
// A usual build takes two seconds; one that does not end has an endless loop at the top level of a module.
const DEFAULT_TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;

/**
 * A component of one ES module: the QuickJS engine with the module's memory after its top level has run. In a process of
 * its own, since it runs the author's code. BUILD_FAILED when that code throws, calls the host or does not end.
 */
export async function componentize(code: string, workDir: string, timeoutMs = DEFAULT_TIMEOUT_MS): Promise<Uint8Array> {
  const input = join(workDir, 'source.js');
  const output = join(workDir, 'component.wasm');
  await writeFile(input, code);
  const jco = join(dirname(require.resolve('@bytecodealliance/jco')), 'jco.js');
  const world = ['--wit', WIT_DIR, '--world-name', WORLD];
  const backend = ['--backend', 'quickjs', '--backend-qjs-stub-wasi'];
  await runNode([jco, 'componentize', input, ...world, ...backend, '--out', output], workDir, timeoutMs);
  return readFile(output);
}

function runNode(args: readonly string[], cwd: string, timeoutMs: number): Promise<void> {
  return new Promise((done, fail) => {
    const options = { cwd, timeout: timeoutMs, maxBuffer: MAX_OUTPUT_BYTES, killSignal: 'SIGKILL' } as const;
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      if (error === null) done();
      else fail(toRequestError(explain(`${stderr}\n${stdout}`, error.killed === true ? timeoutMs : undefined), error));
    });
  });
}

interface Explanation {
  reason: string;
  remedy: string;
}

function toRequestError(explanation: Explanation, cause: Error): RequestError {
  return new RequestError('BUILD_FAILED', 'The component cannot be made.', { problems: [{ path: 'source.ts', ...explanation }], cause });
}

function explain(output: string, exceededMs: number | undefined): Explanation {
  if (exceededMs !== undefined) {
    return { reason: `Its top level did not end within ${exceededMs / 1000} s.`, remedy: 'Look for an endless loop outside of functions.' };
  }
  const called = /unknown import: `lorelai:datasource\/([^`]+)` has not been defined/.exec(output)?.[1];
  if (called !== undefined) {
    return {
      reason: `Its top level calls the host (${called.replace('@1.0.0', '')}), which only a running datasource can.`,
      remedy: 'Move the call into a function.',
    };
  }
  const thrown = /Failed to finish JavaScript module evaluation: ([^\n]+)/.exec(output)?.[1];
  if (thrown !== undefined) {
    return { reason: `Its top level threw: ${thrown.replace(/^Error: /, '')}`, remedy: 'Mend what it says.' };
  }
  if (output.includes("exported variable 'source' does not exist")) {
    return { reason: 'Its top level throws before `source` is there.', remedy: 'Look for a `throw` outside of functions.' };
  }
  const first = output.split('\n').find((line) => line.trim() !== '') ?? 'no output';
  return {
    reason: `The toolchain said: ${first.replace(/^\(jco componentize\) \[?/, '').slice(0, 300)}`,
    remedy: 'Make the module smaller until it builds.',
  };
}
