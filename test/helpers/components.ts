import { existsSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** Where built components lie, for every run of the tests. */
export const COMPONENTS_FOLDER = join(ROOT, 'node_modules/.cache/lorelai-test');

/** The built component of a datasource of this repository. The tests' global set-up has made it. */
export function componentFile(name: 'hello' | 'github' | 'probe' | 'mirror' | 'answering' | 'careless'): string {
  const file = join(COMPONENTS_FOLDER, `${name}.wasm`);
  if (!existsSync(file)) throw new Error(`${file} is not there: run the tests with vitest, whose global set-up builds it`);
  return file;
}
