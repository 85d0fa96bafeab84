import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { setPriority } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the files that run on the far side; a sandbox may read it and nothing else of ours. */
const HERE = dirname(fileURLToPath(import.meta.url));
const PACKAGE_JSON = join(HERE, '..', '..', 'package.json');
const LOW_PRIORITY = 10;
const WASM_PAGE_BYTES = 64 * 1024;

export interface SandboxedProgram {
  /** A file `*.sandboxed.ts` beside this one, without its extension. */
  script: string;
  args: string[];
  /** Files and folders that it may read, besides this folder. */
  readable: string[];
  /** Of one wasm memory. */
  maxMemoryBytes: number;
  /** Of the JavaScript heap, in MiB. */
  maxHeapMib: number;
  /** jco's own tools start an I/O worker. A process that runs a guest never may. */
  allowWorker?: boolean;
}

/**
 * Starts a process that can do nothing but read the named folders and talk over its own stdio:
 * Node's permission model without network, writing, children and native code; an empty
 * environment; no code from strings; capped memories. On Linux `setpriv` ties its life to ours, so
 * that a spinning guest does not outlive a killed host.
 */
export function spawnSandboxed(program: SandboxedProgram): ChildProcess {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  const flags = [
    '--permission',
    ...[HERE, PACKAGE_JSON, ...program.readable].map((path) => `--allow-fs-read=${path}`),
    ...(program.allowWorker === true ? ['--allow-worker'] : []),
    '--disallow-code-generation-from-strings',
    '--disable-proto=throw',
    '--no-addons',
    // The permission model of Node 26 does not bind these: SQLite opens, reads and writes any file, FFI calls any function.
    '--no-experimental-sqlite',
    '--no-experimental-ffi',
    `--wasm-max-mem-pages=${Math.floor(program.maxMemoryBytes / WASM_PAGE_BYTES)}`,
    `--max-old-space-size=${program.maxHeapMib}`,
    '--no-warnings',
  ];
  const [command = process.execPath, ...prefix] = [...hardeningPrefix(), process.execPath];
  const child = spawn(command, [...prefix, ...flags, join(HERE, `${program.script}${extension}`), ...program.args], {
    cwd: HERE,
    env: {},
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  if (child.pid !== undefined) lowerPriority(child.pid);
  return child;
}

function lowerPriority(pid: number): void {
  try {
    setPriority(pid, LOW_PRIORITY);
  } catch {
    // It has already ended, which its exit event says.
  }
}

/** Programs that bind the process tighter, where the machine has them. */
function hardeningPrefix(): string[] {
  const setpriv = process.platform === 'linux' ? findProgram('setpriv') : undefined;
  return setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'KILL', '--no-new-privs', '--'];
}

function findProgram(name: string): string | undefined {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}
