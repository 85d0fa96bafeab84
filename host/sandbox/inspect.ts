import { createHash } from 'node:crypto';
import type { Problem } from '../domain/errors.ts';
import { MANIFEST_SECTION, type Manifest } from '../domain/manifest.ts';
import { parseManifest } from '../domain/manifest-parse.ts';
import { type ComponentOutline, outlineOf } from './component-binary.ts';
import { CONTRACT_PACKAGE, CONTRACT_VERSION, worldProblems } from './contract.ts';
import { BinaryError } from './wasm-cursor.ts';

/** Larger files are refused unread: the largest toolchain known makes 13 MB. */
export const MAX_COMPONENT_BYTES = 64 * 1024 * 1024;

/** No grant lets one memory have more. */
const MAX_INITIAL_MEMORY_BYTES = 2 ** 31 - 2 ** 16;

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

/** Looks at a component file without running it. Never throws: the report says what is wrong. */
export function inspectComponent(component: Uint8Array): InspectionReport {
  const report: InspectionReport = {
    digest: `sha256:${createHash('sha256').update(component).digest('hex')}`,
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
  if (component.byteLength > MAX_COMPONENT_BYTES) {
    return refuse(report, 'COMPONENT_TOO_LARGE', [
      {
        path: 'file',
        reason: `it has ${component.byteLength} bytes; at most ${MAX_COMPONENT_BYTES} are allowed`,
        remedy: 'Leave out debug sections and unused code, then build it again.',
      },
    ]);
  }
  let outline: ComponentOutline;
  try {
    outline = outlineOf(component);
  } catch (error) {
    if (!(error instanceof BinaryError)) throw error;
    return refuse(report, 'NOT_A_COMPONENT', [
      {
        path: 'file',
        reason: `it is not a WebAssembly component: ${error.message}`,
        remedy: 'Build one with `datasources build DIR`, or with any toolchain that makes components.',
      },
    ]);
  }
  return judge(report, outline);
}

function judge(report: InspectionReport, outline: ComponentOutline): InspectionReport {
  report.imports = outline.imports;
  report.exports = outline.exports;
  report.producers = outline.producers;
  const { coreModules, functions, tables, dataSegments, startFunctions, memories } = outline;
  report.counts = { coreModules, functions, tables, dataSegments, startFunctions, memories, customSections: outline.customSections.length };
  report.memory = outline.memory;
  if (outline.memory.largestInitialBytes > MAX_INITIAL_MEMORY_BYTES) {
    return refuse(report, 'COMPONENT_TOO_LARGE', [
      {
        path: 'memory',
        reason: `one of its memories begins with ${outline.memory.largestInitialBytes} bytes; at most ${MAX_INITIAL_MEMORY_BYTES} are allowed`,
        remedy: 'Let it begin small and grow as it needs.',
      },
    ]);
  }
  const world = worldProblems(outline.imports, outline.exports);
  if (world.length > 0) return refuse(report, 'WRONG_WORLD', world);
  report.contract = `${CONTRACT_PACKAGE}@${CONTRACT_VERSION}`;
  const sections = outline.customSections.filter(({ name }) => name === MANIFEST_SECTION);
  const [section] = sections;
  if (section === undefined || sections.length > 1) {
    return refuse(report, 'INVALID_MANIFEST', [
      {
        path: `custom section ${MANIFEST_SECTION}`,
        reason: `the component has ${sections.length} of them; a datasource carries its manifest in exactly one`,
        remedy: 'Build it with `datasources build DIR`, or append the text of datasource.yaml as that custom section.',
      },
    ]);
  }
  const parsed = parseManifest(Buffer.from(section.contents).toString('utf8'));
  if (!parsed.ok) return refuse(report, 'INVALID_MANIFEST', parsed.problems);
  report.manifest = parsed.manifest;
  return report;
}

function refuse(report: InspectionReport, verdict: InspectionVerdict, problems: Problem[]): InspectionReport {
  return { ...report, verdict, problems };
}
