import { farProgram } from './far-program.ts';
import type { Isolation } from './isolation.ts';
import { launch, type Launched } from './launch.ts';

const WASM_PAGE_BYTES = 64 * 1024;
/**
 * Of memory that is set aside, for each byte that may be resident: engines reserve more than they touch. The host's look
 * at what is resident is the exact bound; this one ends what grows between two looks.
 */
const SET_ASIDE_FACTOR = 2;
/** V8 sets half of it aside for compiled code before it runs anything, and the kernel counts that. */
const ENGINE_BYTES = 1024 * 1024 * 1024;

/**
 * An instance is megabytes of garbage beside a small heap: marking all at once, on one thread beside the main one, takes a
 * fifth less processor time and a quarter less memory than marking in steps on all. The engine would also collect all of it each
 * time that the heap has doubled, which is every twenty instances: with 64 MiB of room it leaves that to `tidyUp`.
 * See docs/reference/performance.md.
 */
const MANY_INSTANCES_FLAGS = ['--no-incremental-marking', '--v8-pool-size=1', '--initial-old-space-size=64', '--expose-gc'];

export interface SandboxedProgram {
  /** A file `*.sandboxed.ts` beside this one, without its extension. */
  script: string;
  args: string[];
  /** Files and folders that it may read, besides its own program. */
  readable: string[];
  /** Of one wasm memory. */
  maxMemoryBytes: number;
  /** Of the whole process, resident. */
  maxProcessMemoryBytes: number;
  /** Of the JavaScript heap, in MiB. */
  maxHeapMib: number;
  /** jco's own tools start an I/O worker. A process that runs a guest never may. */
  allowWorker?: boolean;
  /** It makes an instance for each call, and throws it away. */
  manyInstances?: boolean;
  /** The manifest's schemas are compiled. A process that runs a guest never may. */
  allowCodeGeneration?: boolean;
  isolation: Isolation;
}

/**
 * Starts a process that can do nothing but read the named folders and talk over its own stdio:
 * Node's permission model without network, writing, children and native code; an empty
 * environment; no code from strings; capped memories. Should a guest own the engine, what is
 * around the process holds: see `launch`.
 */
export function spawnSandboxed(program: SandboxedProgram): Launched {
  const own = farProgram(program.script);
  const readable = [...own.readable, ...program.readable];
  const flags = [
    '--permission',
    ...readable.map((path) => `--allow-fs-read=${path}`),
    ...(program.allowWorker === true ? ['--allow-worker'] : []),
    ...(program.allowCodeGeneration === true ? [] : ['--disallow-code-generation-from-strings']),
    '--disable-proto=throw',
    '--no-addons',
    // The permission model of Node 26 does not bind these: SQLite opens, reads and writes any file, FFI calls any function.
    '--no-experimental-sqlite',
    '--no-experimental-ffi',
    `--wasm-max-mem-pages=${Math.floor(program.maxMemoryBytes / WASM_PAGE_BYTES)}`,
    `--max-old-space-size=${program.maxHeapMib}`,
    ...(program.manyInstances === true ? MANY_INSTANCES_FLAGS : []),
    '--no-warnings',
  ];
  return launch({
    command: [process.execPath, ...flags, own.file, ...program.args],
    readable,
    maxDataBytes: SET_ASIDE_FACTOR * program.maxProcessMemoryBytes + ENGINE_BYTES,
    isolation: program.isolation,
  });
}
