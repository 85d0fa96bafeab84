import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { RequestError } from '../domain/errors.ts';
import type { IsolationSetting } from '../domain/isolation-setting.ts';
import { findProgram } from './find-program.ts';
import { type Isolation, PROCESS_ISOLATION } from './isolation.ts';
import { hasFilter, seccompFilter } from './seccomp.ts';
import { runThrowaway } from './throwaway.ts';

export interface FoundIsolation {
  isolation: Isolation;
  /** For operators: `namespace (bubblewrap 0.8.0, seccomp)`, `process (bubblewrap is not installed)`. */
  description: string;
}

const PROBE_TIMEOUT_MS = 10_000;
const MiB = 1024 * 1024;
const run = promisify(execFile);

/**
 * The isolation for this host, found by running a small program in it once. INVALID_SETTING when `namespace` is asked
 * for and does not work here.
 */
export async function findIsolation(setting: IsolationSetting): Promise<FoundIsolation> {
  if (setting === 'process') return { isolation: PROCESS_ISOLATION, description: 'process (as set)' };
  const found = await tryNamespace();
  if (typeof found !== 'string') return found;
  if (setting === 'auto') return { isolation: PROCESS_ISOLATION, description: `process (${found})` };
  const remedy = 'Install bubblewrap and allow user namespaces, or set ISOLATION=auto to take what works.';
  throw new RequestError('INVALID_SETTING', `ISOLATION=namespace does not work on this machine: ${found}.`, {
    remedy,
    problems: [{ path: 'ISOLATION', reason: found, remedy }],
  });
}

/** Or, in a few words, why not. */
async function tryNamespace(): Promise<FoundIsolation | string> {
  if (process.platform !== 'linux') return 'namespaces need Linux';
  const bubblewrap = findProgram('bwrap');
  if (bubblewrap === undefined) return 'bubblewrap is not installed';
  try {
    const [{ stdout: version }, libraries] = await Promise.all([run(bubblewrap, ['--version']), librariesOfNode()]);
    const filter = hasFilter(process.arch) ? seccompFilter(process.arch) : undefined;
    const isolation: Isolation = Object.freeze({ kind: 'namespace', bubblewrap, libraries, filter });
    const refusal = await probe(isolation);
    if (refusal !== undefined) return refusal;
    return { isolation, description: `namespace (${version.trim()}, ${filter === undefined ? 'no seccomp' : 'seccomp'})` };
  } catch (error) {
    return `bubblewrap could not be tried: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Inside, the program must be the first process there is: then the namespaces are real. */
async function probe(isolation: Isolation): Promise<string | undefined> {
  const outcome = await runThrowaway({
    script: 'probe.sandboxed',
    args: [],
    readable: [],
    maxMemoryBytes: 16 * MiB,
    maxProcessMemoryBytes: 512 * MiB,
    maxHeapMib: 64,
    isolation,
    input: {},
    timeoutMs: PROBE_TIMEOUT_MS,
    maxOutputBytes: 1_024,
  });
  if (!outcome.ok) return `a program in namespaces did not start: ${outcome.reason}`;
  const { value } = outcome;
  if (typeof value === 'object' && value !== null && 'pid' in value && value.pid === 1) return undefined;
  return 'a program in namespaces could still see other processes';
}

/** As the loader finds them, by the C library's own tool. */
async function librariesOfNode(): Promise<readonly string[]> {
  const ldd = findProgram('ldd');
  if (ldd === undefined) throw new Error('ldd, which names the libraries of Node, is not installed');
  const { stdout } = await run(ldd, [process.execPath], { env: { PATH: process.env.PATH } });
  return Object.freeze([...stdout.matchAll(/(?:^\s+|=> )(\/\S+) \(0x/gm)].map(([, path = '']) => path));
}
