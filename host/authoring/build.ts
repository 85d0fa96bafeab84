import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { RequestError } from '../domain/errors.ts';
import { MANIFEST_SECTION, type Manifest } from '../domain/manifest.ts';
import { examineOnce } from '../sandbox/examine.ts';
import { PROCESS_ISOLATION } from '../sandbox/isolation.ts';
import { bundleSource } from './bundle.ts';
import { componentize } from './componentize.ts';
import { componentOf } from './core-module.ts';
import { appendCustomSection } from './custom-section.ts';
import { readManifest, writeManifestModule, type ManifestSource } from './manifest-file.ts';

/** A finished datasource: one file with the manifest inside. */
export interface BuiltDatasource {
  /** Absolute. */
  file: string;
  sizeBytes: number;
  /** `sha256:` and 64 hex digits. */
  digest: string;
  manifest: Manifest;
}

export interface BuildOptions {
  outFile?: string;
  /** What another toolchain made, instead of `source.ts`: a core module or a component. */
  module?: string;
  /** Bounds the author's top-level code, a minute by default. */
  timeoutMs?: number;
}

/**
 * Builds the datasource in a folder: `datasource.yaml` and `source.ts` become one component, by default `NAME.wasm` in
 * that folder. Also writes `datasource.generated.ts`. Types are not checked; `tsc` does that.
 *
 * Two builds of the same folder differ in some bytes: the engine's snapshot holds random seeds.
 *
 * FILE_NOT_READABLE without a manifest or module, INVALID_MANIFEST, and BUILD_FAILED with file and line of each problem.
 */
export async function buildDatasource(dir: string, options: BuildOptions = {}): Promise<BuiltDatasource> {
  const folder = resolve(dir);
  const source = await readManifest(folder);
  const component = options.module === undefined ? await fromScript(folder, source, options) : await componentOf(options.module);
  const finished = appendCustomSection(component, MANIFEST_SECTION, Buffer.from(source.text, 'utf8'));
  // The author's own, on the author's machine.
  const report = await examineOnce(finished, { isolation: PROCESS_ISOLATION, types: false });
  if (report.manifest === undefined || report.problems.length > 0) {
    throw new RequestError('BUILD_FAILED', `The component of ${folder} would not be accepted.`, { problems: report.problems });
  }
  const file = resolve(options.outFile ?? join(folder, `${report.manifest.name}.wasm`));
  await writeWhole(file, finished);
  return { file, sizeBytes: report.sizeBytes, digest: report.digest, manifest: report.manifest };
}

async function fromScript(folder: string, source: ManifestSource, { timeoutMs }: BuildOptions): Promise<Uint8Array> {
  await writeManifestModule(folder, source);
  const code = await bundleSource(folder);
  return inTemporaryFolder((work) => componentize(code, work, timeoutMs));
}

async function inTemporaryFolder<T>(act: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'datasource-build-'));
  try {
    return await act(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Never a half-written file under the final name. */
async function writeWhole(file: string, bytes: Uint8Array): Promise<void> {
  const partial = `${file}.${process.pid}.partial`;
  try {
    await writeFile(partial, bytes);
    await rename(partial, file);
  } catch (cause) {
    await rm(partial, { force: true });
    throw new RequestError('BUILD_FAILED', `${file} cannot be written.`, {
      remedy: `Make ${dirname(file)} writable, or name another file.`,
      cause,
    });
  }
}
