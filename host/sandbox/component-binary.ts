import { readCoreExports, readCoreImports, readMemories } from './core-module-binary.ts';
import { BinaryError, Cursor } from './wasm-cursor.ts';

/**
 * Reads the outer structure of a WebAssembly component without running or validating it: names,
 * sections and counts. Never throws anything but `BinaryError`, on any input.
 *
 * Format: https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md
 */

export interface ComponentOutline {
  imports: string[];
  exports: string[];
  /** Of every component and core module in it. */
  sections: number;
  coreModules: number;
  /** Of all core modules, their imports left out. */
  functions: number;
  tables: number;
  dataSegments: number;
  /** Code that runs when a core module is instantiated, before any call. */
  startFunctions: number;
  memories: number;
  /** What the largest memory begins with, and what all of them may grow to; undefined when one of them has no end. */
  memory: { largestInitialBytes: number; maximumBytes: number | undefined };
  customSections: { name: string; contents: Uint8Array }[];
  /** `JavaScript`, `componentize-qjs 0.4.5`: what every producers section in it says, once each. */
  producers: string[];
}

const MAX_NESTING = 16;
// A section takes three bytes of a file and a hundred of ours; the largest real component has some hundred sections.
const MAX_SECTIONS = 10_000;
const MAX_NAMES = 1_000;
const SECTION = { custom: 0, coreModule: 1, coreInstance: 2, component: 4, import: 10, export: 11 } as const;
const CORE_SECTION = { custom: 0, import: 2, function: 3, table: 4, memory: 5, export: 7, start: 8, data: 11 } as const;
const MAX_PRODUCERS = 16;
/** What a terminal may be shown of a stranger's text. */
const PRINTABLE = /^[\x20-\x7e]{1,100}$/;

/** The outline of a component. Throws BinaryError. */
export function outlineOf(bytes: Uint8Array): ComponentOutline {
  const outline: ComponentOutline = {
    imports: [],
    exports: [],
    sections: 0,
    coreModules: 0,
    functions: 0,
    tables: 0,
    dataSegments: 0,
    startFunctions: 0,
    memories: 0,
    memory: { largestInitialBytes: 0, maximumBytes: 0 },
    customSections: [],
    producers: [],
  };
  readComponent(new Cursor(bytes), outline, 0);
  outline.producers = [...new Set(outline.producers)];
  return outline;
}

function readComponent(cursor: Cursor, outline: ComponentOutline, depth: number): void {
  if (depth > MAX_NESTING) throw new BinaryError(`components are nested deeper than ${MAX_NESTING}`);
  expectPreamble(cursor);
  while (!cursor.atEnd) {
    const id = cursor.byte();
    const section = nextSection(cursor, outline);
    if (id === SECTION.custom) {
      const name = section.text();
      if (name === 'producers') outline.producers.push(...readProducers(section));
      if (depth === 0) outline.customSections.push({ name, contents: section.rest() });
    } else if (id === SECTION.coreModule) {
      outline.coreModules += 1;
      readCoreModule(section, outline);
    } else if (id === SECTION.component) {
      readComponent(section, outline, depth + 1);
    } else if (id === SECTION.coreInstance) {
      readCoreInstances(section);
    } else if (id === SECTION.import) {
      readNames(section, 'imports', depth === 0 ? outline.imports : []);
    } else if (id === SECTION.export) {
      readNames(section, 'exports', depth === 0 ? outline.exports : []);
    }
  }
}

function expectPreamble(cursor: Cursor): void {
  const magic = [0x00, 0x61, 0x73, 0x6d];
  if (!magic.every((byte) => cursor.byte() === byte)) throw new BinaryError('it does not begin with the bytes of a WebAssembly file');
  const version = cursor.byte() | (cursor.byte() << 8);
  const layer = cursor.byte() | (cursor.byte() << 8);
  if (layer === 0) throw new BinaryError('it is a core module, not a component');
  if (layer !== 1) throw new BinaryError(`it is of an unknown layer ${layer}`);
  if (version !== 0x0d) throw new BinaryError(`it is of component format ${version}; this host knows 13`);
}

function nextSection(cursor: Cursor, outline: ComponentOutline): Cursor {
  outline.sections += 1;
  if (outline.sections > MAX_SECTIONS) throw new BinaryError(`it has more than ${MAX_SECTIONS} sections`);
  return cursor.part(cursor.u32());
}

function readNames(section: Cursor, what: 'imports' | 'exports', into: string[]): void {
  for (let left = section.u32(); left > 0; left -= 1) {
    if (into.length === MAX_NAMES) throw new BinaryError(`it has more than ${MAX_NAMES} ${what}`);
    const kind = section.byte();
    if (kind > 2) throw new BinaryError(`an import or export name of unknown kind ${kind}`);
    into.push(section.safeName());
    if (kind === 2) section.text();
    if (what === 'imports') section.skipExternDescription();
    else section.skipExportedSort();
  }
}

/** How core modules are put together: each argument and each export of an instance has a name. */
function readCoreInstances(section: Cursor): void {
  for (let left = section.u32(); left > 0; left -= 1) {
    const kind = section.byte();
    if (kind > 1) throw new BinaryError(`a core instance of unknown kind ${kind}`);
    if (kind === 0) section.u32();
    for (let names = section.u32(); names > 0; names -= 1) {
      section.safeName();
      section.byte();
      section.u32();
    }
  }
}

function readCoreModule(module: Cursor, outline: ComponentOutline): void {
  module.part(8);
  while (!module.atEnd) {
    const id = module.byte();
    const section = nextSection(module, outline);
    switch (id) {
      case CORE_SECTION.import:
        outline.memories += readCoreImports(section);
        break;
      case CORE_SECTION.function:
        outline.functions += section.u32();
        break;
      case CORE_SECTION.table:
        outline.tables += section.u32();
        break;
      case CORE_SECTION.memory:
        readCoreMemories(section, outline);
        break;
      case CORE_SECTION.export:
        readCoreExports(section);
        break;
      case CORE_SECTION.start:
        outline.startFunctions += 1;
        break;
      case CORE_SECTION.data:
        outline.dataSegments += section.u32();
        break;
      case CORE_SECTION.custom:
        if (section.text() === 'producers') outline.producers.push(...readProducers(section));
        break;
      default:
    }
  }
}

function readCoreMemories(section: Cursor, outline: ComponentOutline): void {
  const { memory } = outline;
  for (const { initialBytes, maximumBytes } of readMemories(section)) {
    outline.memories += 1;
    memory.largestInitialBytes = Math.max(memory.largestInitialBytes, initialBytes);
    memory.maximumBytes = maximumBytes === undefined || memory.maximumBytes === undefined ? undefined : memory.maximumBytes + maximumBytes;
  }
}

/** Format: https://github.com/WebAssembly/tool-conventions/blob/main/ProducersSection.md */
function readProducers(section: Cursor): string[] {
  const found: string[] = [];
  for (let fields = section.u32(); fields > 0; fields -= 1) {
    section.text();
    for (let values = section.u32(); values > 0; values -= 1) {
      const text = `${section.text()} ${section.text()}`.trim();
      if (found.length < MAX_PRODUCERS && PRINTABLE.test(text)) found.push(text);
    }
  }
  return found;
}
