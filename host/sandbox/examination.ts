import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Problem } from '../domain/errors.ts';
import { toShortLine } from '../domain/text.ts';
import type { Wire } from './frame.ts';
import type { Isolation } from './isolation.ts';
import { modulesFolder } from './modules-folder.ts';
import { openThrowaway, type Throwaway, type ThrowawayOutcome } from './throwaway.ts';

/** The outer structure of a component, as far as the host looks at it. Names are of the safe alphabet, text is capped. */
export interface Outline {
  imports: string[];
  exports: string[];
  coreModules: number;
  functions: number;
  tables: number;
  dataSegments: number;
  startFunctions: number;
  memories: number;
  memory: { largestInitialBytes: number; maximumBytes: number | undefined };
  customSections: number;
  producers: string[];
  /** Custom sections that carry a manifest. */
  manifests: number;
  /** The text of the first of them. */
  manifest: string;
}

export type OutlineOutcome = { ok: true; outline: Outline } | { ok: false; reason: string };
export type ManifestOutcome = { ok: true; problems: Problem[]; cpuMs: number } | { ok: false; reason: string };
export type FilesOutcome = { ok: true; files: Map<string, Uint8Array> } | { ok: false; reason: string };

const MiB = 1024 * 1024;
/** The largest real component takes a hundredth of it, on a machine that others keep busy a tenth. */
const OUTLINE_TIMEOUT_MS = 20_000;
const MANIFEST_TIMEOUT_MS = 20_000;
const COMPILE_TIMEOUT_MS = 60_000;
const MAX_COMPILED_BYTES = 256 * MiB;
const MAX_NAMES = 1_000;
const MAX_NAME = 1_000;
const MAX_TEXT = 2_000;
const MAX_MANIFEST_BYTES = 512 * 1024;

const HOST_FOLDER = join(dirname(fileURLToPath(import.meta.url)), '..');

/**
 * One throw-away process that reads one component: its outline, then its manifest, then what the transpiler makes of it,
 * each only when the host asks. All that comes back is parsed here as a stranger's; nothing ever rejects. Whoever opens
 * it ends it.
 */
export class Examination {
  readonly #process: Throwaway;
  #brokenBy: string | undefined;

  constructor(isolation: Isolation) {
    this.#process = openThrowaway({
      script: 'examine.sandboxed',
      args: [],
      // Its readers are the project's own; none of these folders holds anything that is secret.
      readable: [modulesFolder('@bytecodealliance/jco'), join(HOST_FOLDER, 'domain'), join(HOST_FOLDER, '..', 'schemas')],
      maxMemoryBytes: 2_048 * MiB,
      maxProcessMemoryBytes: 3_072 * MiB,
      maxHeapMib: 1_024,
      allowWorker: true,
      allowCodeGeneration: true,
      isolation,
      maxOutputBytes: MAX_COMPILED_BYTES,
    });
  }

  /** First. */
  async outline(component: Uint8Array): Promise<OutlineOutcome> {
    const said = await this.#ask({ ask: 'outline', component }, OUTLINE_TIMEOUT_MS);
    if (!said.ok) return said;
    const outline = parseOutline(said.value.outline);
    return outline === undefined ? { ok: false, reason: 'its outline could not be read' } : { ok: true, outline };
  }

  /** Whether its manifest is good and what it costs to find out. */
  async tryManifest(): Promise<ManifestOutcome> {
    const said = await this.#ask({ ask: 'manifest' }, MANIFEST_TIMEOUT_MS);
    if (!said.ok) return said;
    const { problems, cpuMs } = said.value;
    if (!Array.isArray(problems) || typeof cpuMs !== 'number') return { ok: false, reason: 'its process gave no verdict' };
    return { ok: true, problems: problems.slice(0, MAX_NAMES).map(parseProblem), cpuMs };
  }

  /** JavaScript, declarations and core modules, read by the lint already. */
  async compile(waiting: { asyncImports: string[]; asyncExports: string[] }): Promise<FilesOutcome> {
    const said = await this.#ask({ ask: 'compile', ...waiting }, COMPILE_TIMEOUT_MS);
    if (!said.ok) return said;
    const { files } = said.value;
    if (typeof files !== 'object' || files === null) return { ok: false, reason: 'the compiler gave no files' };
    const found = new Map<string, Uint8Array>();
    for (const [name, bytes] of Object.entries(files)) if (bytes instanceof Uint8Array) found.set(name, bytes);
    return found.has('component.js') ? { ok: true, files: found } : { ok: false, reason: 'the compiler gave no JavaScript' };
  }

  /** Why its process ended before it was told to; undefined for one that answered all it was asked. */
  get brokenBy(): string | undefined {
    return this.#brokenBy;
  }

  end(): void {
    this.#process.end();
  }

  async #ask(
    question: Wire,
    timeoutMs: number,
  ): Promise<{ ok: true; value: Record<string, unknown> } | (ThrowawayOutcome & { ok: false })> {
    const said = await this.#process.ask(question, timeoutMs);
    if (!said.ok) {
      this.#brokenBy = said.reason;
      return said;
    }
    if (typeof said.value !== 'object' || said.value === null) return { ok: false, reason: 'its process gave no answer' };
    const value = said.value as Record<string, unknown>;
    return typeof value.error === 'string' ? { ok: false, reason: toShortLine(value.error, MAX_TEXT) } : { ok: true, value };
  }
}

function parseOutline(value: unknown): Outline | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const said = value as Record<string, unknown>;
  const [imports, exports, producers] = [texts(said.imports), texts(said.exports), texts(said.producers)];
  const { coreModules, functions, tables, dataSegments, startFunctions, memories, customSections, manifests, memory, manifest } = said;
  if (imports === undefined || exports === undefined || producers === undefined) return undefined;
  if (!isCount(coreModules) || !isCount(functions) || !isCount(tables) || !isCount(dataSegments)) return undefined;
  if (!isCount(startFunctions) || !isCount(memories) || !isCount(customSections) || !isCount(manifests)) return undefined;
  if (typeof memory !== 'object' || memory === null || !('largestInitialBytes' in memory)) return undefined;
  const { largestInitialBytes } = memory;
  const maximumBytes = 'maximumBytes' in memory ? memory.maximumBytes : undefined;
  if (!isSize(largestInitialBytes) || !(maximumBytes === undefined || isSize(maximumBytes))) return undefined;
  if (!(manifest instanceof Uint8Array)) return undefined;
  return {
    imports,
    exports,
    producers,
    ...{ coreModules, functions, tables, dataSegments, startFunctions, memories, customSections, manifests },
    memory: { largestInitialBytes, maximumBytes },
    manifest: Buffer.from(manifest.subarray(0, MAX_MANIFEST_BYTES)).toString('utf8'),
  };
}

function parseProblem(value: unknown): Problem & { line?: number; column?: number } {
  const said: Record<string, unknown> = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  const text = (name: string): string => (typeof said[name] === 'string' ? toShortLine(said[name], MAX_TEXT) : '');
  const place = isCount(said.line) && isCount(said.column) ? { line: said.line, column: said.column } : {};
  return { path: text('path'), reason: text('reason'), remedy: text('remedy'), ...place };
}

function texts(value: unknown): string[] | undefined {
  if (!Array.isArray(value) || value.length > MAX_NAMES) return undefined;
  const items: readonly unknown[] = value;
  return items.every((item): item is string => typeof item === 'string' && item.length <= MAX_NAME && /^[\x20-\x7e]*$/.test(item))
    ? [...items]
    : undefined;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** A file may claim more than there are safe integers. */
function isSize(value: unknown): value is number {
  return typeof value === 'number' && value >= 0;
}
