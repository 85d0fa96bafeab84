import { BinaryError, type Cursor } from './wasm-cursor.ts';

/**
 * The parts of a core module that an inspection looks at.
 *
 * Format: https://webassembly.github.io/spec/core/binary/modules.html
 */

const WASM_PAGE_BYTES = 64 * 1024;
/** No engine allows more in one module; a file may claim what it likes. */
const MAX_MEMORIES = 100;
const IMPORT = { func: 0, table: 1, memory: 2, global: 3, tag: 4 } as const;
const LIMITS = { hasMax: 0x01, hasPageSize: 0x08 } as const;
/** `(ref null ht)` and `(ref ht)`: a heap type follows. */
const REFERENCE_PREFIXES: readonly number[] = [0x63, 0x64];

/** Checks the names of an import section; gives the number of memories in it. Throws BinaryError. */
export function readCoreImports(section: Cursor): number {
  let memories = 0;
  for (let left = section.u32(); left > 0; left -= 1) {
    section.safeName();
    section.safeName();
    const kind = section.byte();
    if (kind === IMPORT.memory) memories += 1;
    skipImportDescription(section, kind);
  }
  return memories;
}

/** Checks the names of an export section. Throws BinaryError. */
export function readCoreExports(section: Cursor): void {
  for (let left = section.u32(); left > 0; left -= 1) {
    section.safeName();
    section.byte();
    section.u32();
  }
}

/** The memories of a memory section, in bytes; a page size of its own is read as the usual one. Throws BinaryError. */
export function readMemories(section: Cursor): { initialBytes: number; maximumBytes: number | undefined }[] {
  const count = section.u32();
  if (count > MAX_MEMORIES) throw new BinaryError(`a module has ${count} memories; at most ${MAX_MEMORIES} are allowed`);
  return Array.from({ length: count }, () => {
    const flags = section.byte();
    const initialBytes = section.u64() * WASM_PAGE_BYTES;
    const maximumBytes = (flags & LIMITS.hasMax) === 0 ? undefined : section.u64() * WASM_PAGE_BYTES;
    if ((flags & LIMITS.hasPageSize) !== 0) section.skipInteger();
    return { initialBytes, maximumBytes };
  });
}

function skipImportDescription(section: Cursor, kind: number): void {
  switch (kind) {
    case IMPORT.func:
      section.u32();
      return;
    case IMPORT.table:
      skipValueType(section);
      skipLimits(section);
      return;
    case IMPORT.memory:
      skipLimits(section);
      return;
    case IMPORT.global:
      skipValueType(section);
      section.byte();
      return;
    case IMPORT.tag:
      section.byte();
      section.u32();
      return;
    default:
      throw new BinaryError(`an import of unknown kind ${kind}`);
  }
}

function skipValueType(section: Cursor): void {
  if (REFERENCE_PREFIXES.includes(section.byte())) section.skipInteger();
}

function skipLimits(section: Cursor): void {
  const flags = section.byte();
  section.skipInteger();
  if ((flags & LIMITS.hasMax) !== 0) section.skipInteger();
  if ((flags & LIMITS.hasPageSize) !== 0) section.skipInteger();
}
