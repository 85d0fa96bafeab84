/**
 * Builds the components that tests put into sandboxes, each one whose sources differ from those that
 * it was built of last. A program of its own: the toolchain does not run inside of vitest.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { buildDatasource } from '../host/authoring/build.ts';
import { COMPONENTS_FOLDER } from './helpers/components.ts';

const ROOT = join(import.meta.dirname, '..');
const FOLDERS = {
  hello: 'datasources/hello',
  github: 'datasources/github',
  probe: 'test/fixtures/probe',
  mirror: 'test/fixtures/mirror',
  answering: 'test/fixtures/answering',
  careless: 'test/fixtures/careless',
};
/** What else a component is made of. */
const TOOLS = ['datasources/sdk', 'host/authoring', 'wit', 'package-lock.json'];
const MAX_AGE_MS = 86_400_000;
/** Made by the build, or no part of it. */
const NOT_INPUT = /\.(generated\.ts|wasm|md)$|(^|\/)(test|testing|node_modules)\//;

async function buildComponent(name: string, folder: string): Promise<void> {
  const digestFile = join(COMPONENTS_FOLDER, `${name}.sha256`);
  const digest = await digestOf([folder, ...TOOLS]);
  const built = await readFile(digestFile, 'utf8').catch(() => '');
  if (built === digest && existsSync(join(COMPONENTS_FOLDER, `${name}.wasm`))) return;
  await buildDatasource(join(ROOT, folder), { outFile: join(COMPONENTS_FOLDER, `${name}.wasm`) });
  await writeFile(digestFile, digest);
}

async function digestOf(paths: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const path of paths) {
    for (const file of await filesBelow(join(ROOT, path)))
      hash
        .update(`${relative(ROOT, file)}\n`)
        .update(await readFile(file))
        .update('\n');
  }
  return hash.digest('hex');
}

async function filesBelow(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true, recursive: true }).catch(() => undefined);
  if (entries === undefined) return [path];
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !NOT_INPUT.test(relative(path, file)))
    .toSorted();
}

/** What was compiled of components that are no more; another run of the tests may still use what is new. */
async function removeOld(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name);
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > MAX_AGE_MS) await rm(path, { recursive: true, force: true });
  }
}

await mkdir(COMPONENTS_FOLDER, { recursive: true });
await removeOld(join(COMPONENTS_FOLDER, 'compiled'));
await removeOld(join(COMPONENTS_FOLDER, 'far-side'));
for (const [name, folder] of Object.entries(FOLDERS)) await buildComponent(name, folder);
