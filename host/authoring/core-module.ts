import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RequestError } from '../domain/errors.ts';

const WIT_DIR = join(import.meta.dirname, '../../wit');
const WORLD = 'datasource';
const MAGIC = 0x6d_73_61_00;
/** The version and layer of a component, behind the magic number; a core module has 1. */
const COMPONENT_LAYER = 0x00_01_00_0d;

/**
 * A component of what another toolchain made: a component stays as it is, a core module whose exports are named as the
 * canonical ABI has it is put into one. FILE_NOT_READABLE, BUILD_FAILED with what the module lacks.
 */
export async function componentOf(file: string): Promise<Uint8Array> {
  const bytes = await readModule(file);
  if (layerOf(bytes) === COMPONENT_LAYER) return bytes;
  // Loaded here, since no other build needs it.
  const { componentEmbed, componentNew, preview1AdapterReactorPath } = await import('@bytecodealliance/jco');
  try {
    const embedded = await componentEmbed({ binary: bytes, witPath: WIT_DIR, world: WORLD });
    // What libraries call of the older WASI goes by the names of the newer one, which the host closes.
    const adapter = new Uint8Array(await readFile(preview1AdapterReactorPath()));
    return await componentNew(embedded, [['wasi_snapshot_preview1', adapter]]);
  } catch (cause) {
    const reason = `The toolchain said: ${String(cause instanceof Error ? cause.message : cause).slice(0, 1_000)}`;
    throw failure(file, reason, 'Import and export what wit/ says, under the names of the canonical ABI.', cause);
  }
}

async function readModule(file: string): Promise<Uint8Array> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new RequestError('FILE_NOT_READABLE', `${file} cannot be read.`, { remedy: 'Name the .wasm file of your toolchain.', cause });
  });
  if (bytes.byteLength >= 8 && bytes.readUInt32LE(0) === MAGIC) return bytes;
  throw failure(file, 'It is no WebAssembly file.', 'Name the .wasm file of your toolchain.');
}

function layerOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
}

function failure(file: string, reason: string, remedy: string, cause?: unknown): RequestError {
  return new RequestError('BUILD_FAILED', 'The component cannot be made.', { problems: [{ path: file, reason, remedy }], cause });
}
