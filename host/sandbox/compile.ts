import { createHash } from 'node:crypto';
import { access, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type Problem, RequestError } from '../domain/errors.ts';
import { makeFolder } from '../make-folder.ts';
import { temporaryName } from '../temporary-name.ts';
import { typeProblems, waitingFunctions } from './contract.ts';
import { Examination } from './examination.ts';
import { digestOf, type InspectionReport, inspectWith, tooLarge } from './inspect.ts';
import type { Isolation } from './isolation.ts';

/** Each may take gigabytes for a moment, and the machine has other things to do. */
const MAX_AT_ONCE = 2;
/** Whoever waits holds a whole file in memory. */
const MAX_WAITING = 32;
/** What a declaration file of the contract has, many times over. */
const MAX_DECLARATION_BYTES = 4 * 1024 * 1024;
/** Raise when the files in the cache would differ for another reason than jco's version. */
const CACHE_FORMAT = '3';
/** The only files that are kept of what the transpiler made. */
const KEPT_FILE = /^component(\.core\d{0,4})?\.(js|wasm)$/;

const require = createRequire(import.meta.url);

/** The whole verdict on a component, and where its JavaScript and core modules lie when it is accepted. */
export type Examined = { report: InspectionReport; folder: string } | { report: InspectionReport; folder: undefined };

export interface Compiler {
  /**
   * Judges a component by its outside, its manifest and its types, and compiles it, all in one process that is thrown
   * away. Never runs it. Never rejects for a bad component; HOST_BUSY when too many wait.
   */
  examine(component: Uint8Array): Promise<Examined>;
  /** Where a component lies that was accepted before; undefined when it has to be examined again. */
  find(digest: string): Promise<string | undefined>;
  /** Deletes what was compiled of it. */
  forget(digest: string): Promise<void>;
}

export interface CompilerOptions {
  /** May be removed at any time while no host runs. A folder in it, so a digest, was accepted once. */
  cacheFolder: string;
  isolation: Isolation;
  /** Hears of a process that broke or had to be ended over a component. */
  onKill?(component: { digest: string; datasource: string | undefined; reason: string }): void;
}

/** A compiler with a cache by digest, version of the tool and options. */
export function createCompiler(options: CompilerOptions): Compiler {
  const jcoVersion = toolVersion();
  const underWay = new Map<string, Promise<Examined>>();
  const queue = new Queue(MAX_AT_ONCE, MAX_WAITING);
  const folderOf = (digest: string): string =>
    join(options.cacheFolder, createHash('sha256').update(`${digest}\n${jcoVersion}\n${CACHE_FORMAT}`).digest('hex'));
  return {
    examine(component) {
      const digest = digestOf(component);
      const existing = underWay.get(digest);
      if (existing !== undefined) return existing;
      const started = queue.add(() => examineInto(folderOf(digest), component, options)).finally(() => underWay.delete(digest));
      underWay.set(digest, started);
      return started;
    },
    async find(digest) {
      const folder = folderOf(digest);
      return (await exists(folder)) ? realpath(folder) : undefined;
    },
    forget: (digest) => rm(folderOf(digest), { recursive: true, force: true }),
  };
}

/** Lets so many work at a time and so many wait. */
class Queue {
  readonly #most: number;
  readonly #mostWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #working = 0;

  constructor(most: number, mostWaiting: number) {
    this.#most = most;
    this.#mostWaiting = mostWaiting;
  }

  /** What `work` comes to. HOST_BUSY when there is no place to wait. */
  async add<T>(work: () => Promise<T>): Promise<T> {
    if (this.#working >= this.#most) {
      if (this.#waiting.length >= this.#mostWaiting) {
        throw new RequestError('HOST_BUSY', `${this.#mostWaiting} components already wait to be examined.`, {
          remedy: 'Try again in a minute.',
        });
      }
      // Whoever has finished hands over its place.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#working += 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#working -= 1;
      else next();
    }
  }
}

async function examineInto(folder: string, component: Uint8Array, { isolation, onKill }: CompilerOptions): Promise<Examined> {
  const refusal = tooLarge(component);
  if (refusal !== undefined) return { report: refusal, folder: undefined };
  const examination = new Examination(isolation);
  try {
    const report = await inspectWith(examination, component);
    const examined = report.verdict === 'accepted' ? await compileInto(folder, examination, report) : { report, folder: undefined };
    const { brokenBy: reason } = examination;
    if (reason !== undefined) onKill?.({ digest: report.digest, datasource: report.manifest?.name, reason });
    return examined;
  } finally {
    examination.end();
  }
}

async function compileInto(folder: string, examination: Examination, report: InspectionReport): Promise<Examined> {
  if (await exists(folder)) return { report, folder: await realpath(folder) };
  const outcome = await compileWith(examination, report);
  if (!outcome.ok) return { report: { ...report, verdict: 'WRONG_WORLD', problems: outcome.problems }, folder: undefined };
  await writeWhole(
    folder,
    [...outcome.files].filter(([name]) => KEPT_FILE.test(name)),
  );
  // Without links in its path: Node's permission model looks at where a file really is.
  return { report, folder: await realpath(folder) };
}

type Compiled = { ok: true; files: Map<string, Uint8Array> } | { ok: false; problems: Problem[] };

/** What the transpiler makes of an accepted component, with its types compared with the contract's. */
export async function compileWith(examination: Examination, { imports, exports }: InspectionReport): Promise<Compiled> {
  const outcome = await examination.compile(waitingFunctions(imports, exports));
  if (!outcome.ok) return refused(`it could not be compiled: ${outcome.reason}`);
  const declarations = [...outcome.files].filter(([name]) => name.endsWith('.d.ts'));
  if (declarations.some(([, bytes]) => bytes.byteLength > MAX_DECLARATION_BYTES)) return refused('its types are larger than the contract');
  const problems = typeProblems(new Map(declarations.map(([name, bytes]) => [name, Buffer.from(bytes).toString('utf8')])));
  return problems.length > 0 ? { ok: false, problems } : outcome;
}

function refused(reason: string): Compiled & { ok: false } {
  return {
    ok: false,
    problems: [
      { path: 'file', reason, remedy: 'Build it again with a current toolchain; `datasources inspect FILE` shows what is in it.' },
    ],
  };
}

/** A folder appears whole or not at all, however many hosts write it at once. */
async function writeWhole(folder: string, files: [string, Uint8Array][]): Promise<void> {
  const temporary = temporaryName(folder);
  await makeFolder(temporary);
  try {
    // On the disk before the folder has its name: after a loss of power a folder that is there is whole, and nobody looks again.
    await Promise.all(files.map(([name, bytes]) => writeFile(join(temporary, name), bytes, { flush: true })));
    // Generated code is an ES module whatever folder it lies in.
    await writeFile(join(temporary, 'package.json'), '{"type":"module"}\n', { flush: true });
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

function toolVersion(): string {
  const file = join(dirname(require.resolve('@bytecodealliance/jco')), '..', 'package.json');
  const parsed: unknown = require(file);
  if (typeof parsed === 'object' && parsed !== null && 'version' in parsed) return String(parsed.version);
  throw new Error(`no version in ${dirname(file)}`);
}
