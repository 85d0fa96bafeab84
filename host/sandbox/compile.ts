import { createHash } from 'node:crypto';
import { access, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import type { Problem } from '../domain/errors.ts';
import { typeProblems, waitingFunctions } from './contract.ts';
import type { InspectionReport } from './inspect.ts';
import type { Isolation } from './isolation.ts';
import { runThrowaway } from './throwaway.ts';
import { makeFolder } from '../make-folder.ts';

const MiB = 1024 * 1024;
const COMPILE_TIMEOUT_MS = 60_000;
const MAX_COMPILED_BYTES = 256 * MiB;
/** Raise when the files in the cache would differ for another reason than jco's version. */
const CACHE_FORMAT = '1';
/** The only files that are kept of what the transpiler made. */
const KEPT_FILE = /^component(\.core\d{0,4})?\.(js|wasm)$/;

const require = createRequire(import.meta.url);

/** A component as JavaScript and core modules, in a folder of its own that the sandbox may read. */
export type CompileOutcome = { ok: true; folder: string } | { ok: false; problems: Problem[] };

export interface Compiler {
  /** Compiles an accepted component, or finds it in the cache by digest, tool version and options. */
  compile(component: Uint8Array, report: InspectionReport): Promise<CompileOutcome>;
}

/** `cacheFolder` may be removed at any time while no host runs. `isolation` left out: as a process without namespaces. */
export function createCompiler(cacheFolder: string, isolation?: Isolation): Compiler {
  const jcoVersion = toolVersion();
  const underWay = new Map<string, Promise<CompileOutcome>>();
  return {
    compile(component, report) {
      const key = createHash('sha256').update(`${report.digest}\n${jcoVersion}\n${CACHE_FORMAT}`).digest('hex');
      const existing = underWay.get(key);
      if (existing !== undefined) return existing;
      const started = compileInto(join(cacheFolder, key), { component, report, isolation }).finally(() => underWay.delete(key));
      underWay.set(key, started);
      return started;
    },
  };
}

interface Compilation {
  component: Uint8Array;
  report: InspectionReport;
  isolation: Isolation | undefined;
}

async function compileInto(folder: string, { component, report, isolation }: Compilation): Promise<CompileOutcome> {
  if (await exists(folder)) return compiledIn(folder);
  const outcome = await runThrowaway({
    script: 'compile.sandboxed',
    args: [],
    readable: [modulesFolder()],
    maxMemoryBytes: 2_048 * MiB,
    maxProcessMemoryBytes: 3_072 * MiB,
    maxHeapMib: 1_024,
    allowWorker: true,
    isolation,
    input: { component, ...waitingFunctions(report.imports, report.exports) },
    timeoutMs: COMPILE_TIMEOUT_MS,
    maxOutputBytes: MAX_COMPILED_BYTES,
  });
  if (!outcome.ok) return refused(`it could not be compiled: ${outcome.reason}`);
  const files = parseFiles(outcome.value);
  if (typeof files === 'string') return refused(`it could not be compiled: ${files}`);
  const problems = typeProblems(
    new Map([...files].filter(([name]) => name.endsWith('.d.ts')).map(([name, bytes]) => [name, Buffer.from(bytes).toString('utf8')])),
  );
  if (problems.length > 0) return { ok: false, problems };
  await writeWhole(
    folder,
    [...files].filter(([name]) => KEPT_FILE.test(name)),
  );
  return compiledIn(folder);
}

/** The folder without links in its path: Node's permission model looks at where a file really is. */
async function compiledIn(folder: string): Promise<CompileOutcome> {
  return { ok: true, folder: await realpath(folder) };
}

function refused(reason: string): CompileOutcome {
  return {
    ok: false,
    problems: [
      { path: 'file', reason, remedy: 'Build it again with a current toolchain; `datasources inspect FILE` shows what is in it.' },
    ],
  };
}

function parseFiles(value: unknown): Map<string, Uint8Array> | string {
  if (typeof value !== 'object' || value === null) return 'the compiler gave no answer';
  if ('error' in value) return String(value.error);
  if (!('files' in value) || typeof value.files !== 'object' || value.files === null) return 'the compiler gave no files';
  const files = new Map<string, Uint8Array>();
  for (const [name, bytes] of Object.entries(value.files)) {
    if (bytes instanceof Uint8Array) files.set(name, bytes);
  }
  return files.has('component.js') ? files : 'the compiler gave no JavaScript';
}

/** A folder appears whole or not at all, however many hosts write it at once. */
async function writeWhole(folder: string, files: [string, Uint8Array][]): Promise<void> {
  const temporary = `${folder}.${process.pid}.${Date.now()}`;
  await makeFolder(temporary);
  await Promise.all(files.map(([name, bytes]) => writeFile(join(temporary, name), bytes)));
  // Generated code is an ES module whatever folder it lies in.
  await writeFile(join(temporary, 'package.json'), '{"type":"module"}\n');
  try {
    await rename(temporary, folder);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    if (!(await exists(folder))) throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** The outermost `node_modules` around jco: package managers that link packages keep what they link to inside it. */
function modulesFolder(): string {
  const file = require.resolve('@bytecodealliance/jco');
  const name = `${sep}node_modules${sep}`;
  return file.slice(0, file.indexOf(name) + name.length - 1);
}

function toolVersion(): string {
  const file = join(dirname(require.resolve('@bytecodealliance/jco')), '..', 'package.json');
  const parsed: unknown = require(file);
  if (typeof parsed === 'object' && parsed !== null && 'version' in parsed) return String(parsed.version);
  throw new Error(`no version in ${dirname(file)}`);
}
