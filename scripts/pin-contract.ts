/**
 * `node scripts/pin-contract.ts`: writes the surface of wit/ into test/fixtures/contract-VERSION.json.
 * To be run when a version is released, and never again for that version.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The version of the package and, by file, its WIT without comments, `@since` and white space. */
export interface ContractSurface {
  version: string;
  files: Record<string, string>;
}

export async function contractSurface(witFolder: string): Promise<ContractSurface> {
  const files: Record<string, string> = {};
  let version = '';
  for (const name of (await readdir(witFolder)).filter((file) => file.endsWith('.wit')).toSorted()) {
    const text = await readFile(join(witFolder, name), 'utf8');
    version = /^package lorelai:datasource@([\d.]+);/m.exec(text)?.[1] ?? version;
    files[name] = text
      .replaceAll(/\/\/.*$/gm, '')
      .replaceAll(/@since\([^)]*\)/g, '')
      .replaceAll(/\s+/g, ' ')
      .trim();
  }
  return { version, files };
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..');
  const surface = await contractSurface(join(root, 'wit'));
  const file = join(root, `test/fixtures/contract-${surface.version}.json`);
  await writeFile(file, `${JSON.stringify(surface, undefined, 2)}\n`, { flag: 'wx' });
  process.stdout.write(`${file}\n`);
}
