/**
 * Reads the outer structure of a WebAssembly component without running or validating it: names,
 * sections and counts. Never throws anything but `BinaryError`, on any input.
 *
 * Format: https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md
 */

/** Why a file is not a component that this host can look into. */
export class BinaryError extends Error {
  override readonly name = 'BinaryError';
}

export interface ComponentOutline {
  imports: string[];
  exports: string[];
  /** Of every component and core module in it. */
  sections: number;
  coreModules: number;
  memories: number;
  customSections: { name: string; contents: Uint8Array }[];
  /** `JavaScript`, `componentize-qjs 0.4.5`: what every producers section in it says, once each. */
  producers: string[];
}

const MAX_NESTING = 16;
// A section takes three bytes of a file and a hundred of ours; the largest real component has some hundred sections.
const MAX_SECTIONS = 10_000;
const MAX_NAMES = 1_000;
const SECTION = { custom: 0, coreModule: 1, component: 4, import: 10, export: 11 } as const;
const CORE_SECTION = { custom: 0, memory: 5 } as const;
const MAX_PRODUCERS = 16;
/** What a terminal may be shown of a stranger's text. */
const PRINTABLE = /^[\x20-\x7e]{1,100}$/;
const names = new TextDecoder('utf-8', { fatal: true });

/** The outline of a component. Throws BinaryError. */
export function outlineOf(bytes: Uint8Array): ComponentOutline {
  const outline: ComponentOutline = {
    imports: [],
    exports: [],
    sections: 0,
    coreModules: 0,
    memories: 0,
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
    } else if (id === SECTION.import && depth === 0) {
      readNames(section, 'imports', outline.imports);
    } else if (id === SECTION.export && depth === 0) {
      readNames(section, 'exports', outline.exports);
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
    into.push(section.text());
    if (kind === 2) section.text();
    if (what === 'imports') section.skipExternDescription();
    else section.skipExportedSort();
  }
}

function readCoreModule(module: Cursor, outline: ComponentOutline): void {
  module.part(8);
  while (!module.atEnd) {
    const id = module.byte();
    const section = nextSection(module, outline);
    if (id === CORE_SECTION.memory) outline.memories += section.u32();
    if (id === CORE_SECTION.custom && section.text() === 'producers') outline.producers.push(...readProducers(section));
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

class Cursor {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.byteLength;
  }

  byte(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) throw new BinaryError('it ends early');
    this.#at += 1;
    return value;
  }

  /** An unsigned LEB128 of at most 32 bits. */
  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if ((byte & 0x80) === 0) {
        if (value > 0xffff_ffff) break;
        return value;
      }
    }
    throw new BinaryError('a number is longer than 32 bits');
  }

  part(length: number): Cursor {
    if (this.#at + length > this.#bytes.byteLength) throw new BinaryError('a section is longer than the file');
    const part = new Cursor(this.#bytes.subarray(this.#at, this.#at + length));
    this.#at += length;
    return part;
  }

  rest(): Uint8Array {
    return this.#bytes.subarray(this.#at);
  }

  text(): string {
    const part = this.part(this.u32());
    try {
      return names.decode(part.rest());
    } catch {
      throw new BinaryError('a name is not UTF-8');
    }
  }

  skipExternDescription(): void {
    const kind = this.byte();
    if (kind === 0x00) this.byte();
    if (kind === 0x02 || kind === 0x03) {
      if (this.byte() === 0x00 || kind === 0x02) this.u32();
      return;
    }
    this.u32();
  }

  skipExportedSort(): void {
    if (this.byte() === 0x00) this.byte();
    this.u32();
    if (this.byte() === 0x01) this.skipExternDescription();
  }
}
