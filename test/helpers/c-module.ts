import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commands, type Tree } from '@yowasp/clang';

/** Datasources in C, with a header of the contract and its exports. */
export const C_FOLDER = join(import.meta.dirname, '../fixtures/c');

const HEADER = 'datasource.h';
const EXPORTS = 'datasource.c';
/** The library for WASI is linked, and none of it that calls WASI; nothing runs before the host's call. */
const FLAGS = ['--target=wasm32-wasip1', '-std=c17', '-O1', '-nostartfiles', '-Wl,--no-entry', '-Wall', '-Werror', '-I.'];
/** Hostile ones misuse memory, and the compiler is not to know better. */
const HOSTILE_FLAGS = ['-fno-builtin', '-Wno-infinite-recursion', '-Wno-unused-parameter'];

/** The core module that clang makes of `hello.c` or `hostile/NAME.c`. Throws with what clang says. */
export async function compileC(source: string): Promise<Uint8Array> {
  const [header = '', exports = '', own = ''] = await Promise.all(
    [HEADER, EXPORTS, source].map((name) => readFile(join(C_FOLDER, name), 'utf8')),
  );
  const [folder = '', name] = source.split('/');
  const files: Tree = { [HEADER]: header, [EXPORTS]: exports, ...(name === undefined ? { [source]: own } : { [folder]: { [name]: own } }) };
  const said: string[] = [];
  const note = (bytes: Uint8Array | null): void => {
    if (bytes !== null) said.push(Buffer.from(bytes).toString('utf8'));
  };
  const flags = name === undefined ? FLAGS : [...FLAGS, ...HOSTILE_FLAGS];
  try {
    const made = await commands.clang([...flags, source, EXPORTS, '-o', 'out.wasm'], files, { stdout: note, stderr: note });
    const module = made?.['out.wasm'];
    if (module instanceof Uint8Array) return module;
  } catch (cause) {
    throw new Error(`clang does not take ${source}: ${said.join('').slice(-4_000)}`, { cause });
  }
  throw new Error(`clang made nothing of ${source}`);
}
