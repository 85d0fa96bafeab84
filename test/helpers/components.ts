import { existsSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** Where built components lie, for every run of the tests. */
export const COMPONENTS_FOLDER = join(ROOT, 'node_modules/.cache/lorelai-test');

/** The name of what is made of a source in C: `c-hello` of `hello.c`, `c-hostile-deep-stack` of `hostile/deep-stack.c`. */
export function cComponent(source: string): `c-${string}` {
  return `c-${source.replace('/', '-').replace(/\.c$/, '')}`;
}

/** The built component of a datasource of this repository. The tests' global set-up has made it. */
export function componentFile(name: 'hello' | 'github' | 'probe' | 'mirror' | 'answering' | 'careless' | `c-${string}`): string {
  const file = join(COMPONENTS_FOLDER, `${name}.wasm`);
  if (!existsSync(file)) throw new Error(`${file} is not there: run the tests with vitest, whose global set-up builds it`);
  return file;
}
