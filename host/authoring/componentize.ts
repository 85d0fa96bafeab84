import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RequestError } from '../domain/errors.ts';

const WIT_DIR = join(import.meta.dirname, '../../wit');
const WORLD = 'datasource-core';
// A usual build takes two seconds; one that does not end has an endless loop at the top level of a module.
const BUILD_TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;

/**
 * A component of one ES module: the QuickJS engine with the module's memory after its top level has run. In a process of
 * its own, since it runs the author's code. BUILD_FAILED when that code throws, calls the host or does not end.
 */
export async function componentize(code: string, workDir: string): Promise<Uint8Array> {
  const input = join(workDir, 'source.js');
  const output = join(workDir, 'component.wasm');
  await writeFile(input, code);
  const jco = join(dirname(fileURLToPath(import.meta.resolve('@bytecodealliance/jco'))), 'jco.js');
  const world = ['--wit', WIT_DIR, '--world-name', WORLD];
  const backend = ['--backend', 'quickjs', '--backend-qjs-stub-wasi'];
  await runNode([jco, 'componentize', input, ...world, ...backend, '--out', output], workDir);
  return readFile(output);
}

function runNode(args: readonly string[], cwd: string): Promise<void> {
  return new Promise((done, fail) => {
    const options = { cwd, timeout: BUILD_TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES, killSignal: 'SIGKILL' } as const;
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      if (error === null) done();
      else fail(toRequestError(`${stderr}\n${stdout}`, error.killed === true, error));
    });
  });
}

function toRequestError(output: string, timedOut: boolean, cause: Error): RequestError {
  const { reason, remedy } = explain(output, timedOut);
  return new RequestError('BUILD_FAILED', 'The component cannot be made.', { problems: [{ path: 'source.ts', reason, remedy }], cause });
}

function explain(output: string, timedOut: boolean): { reason: string; remedy: string } {
  if (timedOut) {
    return {
      reason: `Its top level did not end within ${BUILD_TIMEOUT_MS / 1000} s.`,
      remedy: 'Look for an endless loop outside of functions.',
    };
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
  const first = output.split('\n').find((line) => line.trim() !== '') ?? 'no output';
  return { reason: `The toolchain said: ${first.replace(/^\(jco componentize\) \[?/, '').slice(0, 300)}`, remedy: 'Make the module smaller until it builds.' };
}
