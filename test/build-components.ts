/**
 * Builds the components that tests put into sandboxes, each one whose sources differ from those that
 * it was built of last. A program of its own: the toolchain does not run inside of vitest.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { buildDatasource } from '../host/authoring/build.ts';
import { C_FOLDER, compileC } from './helpers/c-module.ts';
import { cComponent, COMPONENTS_FOLDER } from './helpers/components.ts';

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

/** `build` writes the file that it is given, when what the component is made of has changed. */
async function buildComponent(name: string, inputs: readonly string[], build: (outFile: string) => Promise<unknown>): Promise<void> {
  const digestFile = join(COMPONENTS_FOLDER, `${name}.sha256`);
  const digest = await digestOf([...inputs, ...TOOLS]);
  const built = await readFile(digestFile, 'utf8').catch(() => '');
  const outFile = join(COMPONENTS_FOLDER, `${name}.wasm`);
  if (built === digest && existsSync(outFile)) return;
  await build(outFile);
  await writeFile(digestFile, digest);
}

async function buildC(source: string, outFile: string): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'c-module-'));
  try {
    const module = join(work, 'core.wasm');
    await writeFile(module, await compileC(source));
    await buildDatasource(C_FOLDER, { module, outFile });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function cSources(): Promise<string[]> {
  const hostile = await readdir(join(C_FOLDER, 'hostile'));
  return ['hello.c', ...hostile.map((name) => `hostile/${name}`)];
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
for (const [name, folder] of Object.entries(FOLDERS)) {
  await buildComponent(name, [folder], (outFile) => buildDatasource(join(ROOT, folder), { outFile }));
}
for (const source of await cSources()) {
  const inputs = ['datasource.c', 'datasource.h', 'datasource.yaml', source].map((name) => join('test/fixtures/c', name));
  await buildComponent(cComponent(source), [...inputs, 'test/helpers/c-module.ts'], (outFile) => buildC(source, outFile));
}
