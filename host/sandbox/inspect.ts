import { createHash } from 'node:crypto';
import type { Problem } from '../domain/errors.ts';
import { MANIFEST_SECTION, type Manifest } from '../domain/manifest.ts';
import { parseManifest } from '../domain/manifest-parse.ts';
import type { Examination } from './examination.ts';
import { CONTRACT_PACKAGE, CONTRACT_VERSION, worldProblems } from './contract.ts';

/** Larger files are refused unread: the largest toolchain known makes 13 MB. */
export const MAX_COMPONENT_BYTES = 64 * 1024 * 1024;

/** No grant lets one memory have more. */
const MAX_INITIAL_MEMORY_BYTES = 2 ** 31 - 2 ** 16;
/** Of the processor, for a manifest whose checks the host repeats: an honest one takes some thirty. */
const MAX_MANIFEST_CPU_MS = 500;
/** As many as an author mends at a time; a hostile file has as many as it likes. */
const MAX_PROBLEMS = 20;

/** The first reason why a component is refused, as an error code. */
export type InspectionVerdict = 'accepted' | 'NOT_A_COMPONENT' | 'COMPONENT_TOO_LARGE' | 'WRONG_WORLD' | 'INVALID_MANIFEST';

/** The verdict on a component file, reached without running it. */
export interface InspectionReport {
  /** `sha256:` and 64 hex digits. */
  digest: string;
  sizeBytes: number;
  verdict: InspectionVerdict;
  /** Why not, when not accepted. */
  problems: Problem[];
  /** The contract it was built for: `lorelai:datasource@1.0.0`. */
  contract: string | undefined;
  imports: string[];
  exports: string[];
  counts: {
    coreModules: number;
    functions: number;
    tables: number;
    dataSegments: number;
    /** Code that runs at instantiation, before any call; the deadline for that holds for it. */
    startFunctions: number;
    memories: number;
    customSections: number;
  };
  /** Of its core modules as they say themselves; the grant's own limit holds whatever they say. */
  memory: { largestInitialBytes: number; maximumBytes: number | undefined };
  /** Language and tools by the producers section. */
  producers: string[];
  manifest: Manifest | undefined;
}

/**
 * The verdict on a component file by its outer structure and its manifest, without running it. What reads its bytes is
 * the process behind `examination`; what is decided here is decided on numbers, names and a text that was shown to be
 * harmless. Never rejects: the report says what is wrong.
 */
export async function inspectWith(examination: Examination, component: Uint8Array): Promise<InspectionReport> {
  const outcome = await examination.outline(component);
  const report = emptyReport(component);
  if (!outcome.ok) return notAComponent(report, outcome.reason);
  const { coreModules, functions, tables, dataSegments, startFunctions, memories, customSections } = outcome.outline;
  const { imports, exports, producers, memory, manifests, manifest } = outcome.outline;
  const counts = { coreModules, functions, tables, dataSegments, startFunctions, memories, customSections };
  Object.assign(report, { imports, exports, producers, counts, memory } satisfies Partial<InspectionReport>);
  if (memory.largestInitialBytes > MAX_INITIAL_MEMORY_BYTES) return tooMuchMemory(report);
  const world = worldProblems(imports, exports);
  if (world.length > 0) return refuse(report, 'WRONG_WORLD', world);
  report.contract = `${CONTRACT_PACKAGE}@${CONTRACT_VERSION}`;
  if (manifests !== 1) return notOneManifest(report, manifests);
  const tried = await examination.tryManifest();
  if (!tried.ok) return refuse(report, 'INVALID_MANIFEST', [manifestProblem(`it could not be checked: ${tried.reason}`)]);
  if (tried.cpuMs > MAX_MANIFEST_CPU_MS)
    return refuse(report, 'INVALID_MANIFEST', [manifestProblem(`checking it takes ${Math.ceil(tried.cpuMs)} ms of a processor`)]);
  if (tried.problems.length > 0) return refuse(report, 'INVALID_MANIFEST', tried.problems);
  const parsed = parseManifest(manifest);
  if (!parsed.ok) return refuse(report, 'INVALID_MANIFEST', parsed.problems);
  report.manifest = parsed.manifest;
  return report;
}

/** The report on a file that is too large to be read at all. */
export function tooLarge(component: Uint8Array): InspectionReport | undefined {
  if (component.byteLength <= MAX_COMPONENT_BYTES) return undefined;
  return refuse(emptyReport(component), 'COMPONENT_TOO_LARGE', [
    {
      path: 'file',
      reason: `it has ${component.byteLength} bytes; at most ${MAX_COMPONENT_BYTES} are allowed`,
      remedy: 'Leave out debug sections and unused code, then build it again.',
    },
  ]);
}

/** `sha256:` and 64 hex digits. */
export function digestOf(component: Uint8Array): string {
  return `sha256:${createHash('sha256').update(component).digest('hex')}`;
}

function emptyReport(component: Uint8Array): InspectionReport {
  return {
    digest: digestOf(component),
    sizeBytes: component.byteLength,
    verdict: 'accepted',
    problems: [],
    contract: undefined,
    imports: [],
    exports: [],
    counts: { coreModules: 0, functions: 0, tables: 0, dataSegments: 0, startFunctions: 0, memories: 0, customSections: 0 },
    memory: { largestInitialBytes: 0, maximumBytes: 0 },
    producers: [],
    manifest: undefined,
  };
}

function notAComponent(report: InspectionReport, reason: string): InspectionReport {
  return refuse(report, 'NOT_A_COMPONENT', [
    {
      path: 'file',
      reason: `it is not a WebAssembly component: ${reason}`,
      remedy: 'Build one with `datasources build DIR`, or with any toolchain that makes components.',
    },
  ]);
}

function tooMuchMemory(report: InspectionReport): InspectionReport {
  return refuse(report, 'COMPONENT_TOO_LARGE', [
    {
      path: 'memory',
      reason: `one of its memories begins with ${report.memory.largestInitialBytes} bytes; at most ${MAX_INITIAL_MEMORY_BYTES} are allowed`,
      remedy: 'Let it begin small and grow as it needs.',
    },
  ]);
}

function notOneManifest(report: InspectionReport, manifests: number): InspectionReport {
  return refuse(report, 'INVALID_MANIFEST', [
    {
      path: `custom section ${MANIFEST_SECTION}`,
      reason: `the component has ${manifests} of them; a datasource carries its manifest in exactly one`,
      remedy: 'Build it with `datasources build DIR`, or append the text of datasource.yaml as that custom section.',
    },
  ]);
}

function manifestProblem(reason: string): Problem {
  return { path: `custom section ${MANIFEST_SECTION}`, reason, remedy: 'Shorten the manifest: lists and schemas above all.' };
}

function refuse(report: InspectionReport, verdict: InspectionVerdict, problems: readonly Problem[]): InspectionReport {
  return { ...report, verdict, problems: problems.slice(0, MAX_PROBLEMS) };
}
