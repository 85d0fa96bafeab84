import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { RequestError } from '../domain/errors.ts';
import { MANIFEST_SECTION, type Manifest } from '../domain/manifest.ts';
import { examineOnce } from '../sandbox/examine.ts';
import { PROCESS_ISOLATION } from '../sandbox/isolation.ts';
import { bundleSource } from './bundle.ts';
import { componentize } from './componentize.ts';
import { appendCustomSection } from './custom-section.ts';
import { readManifest, writeManifestModule } from './manifest-file.ts';

/** A finished datasource: one file with the manifest inside. */
export interface BuiltDatasource {
  /** Absolute. */
  file: string;
  sizeBytes: number;
  /** `sha256:` and 64 hex digits. */
  digest: string;
  manifest: Manifest;
}

/**
 * Builds the datasource in a folder: `datasource.yaml` and `source.ts` become one component, by default `NAME.wasm` in
 * that folder. Also writes `datasource.generated.ts`. Types are not checked; `tsc` does that.
 *
 * `timeoutMs` bounds the author's top-level code, a minute by default.
 *
 * Two builds of the same folder differ in some bytes: the engine's snapshot holds random seeds.
 *
 * FILE_NOT_READABLE without a manifest, INVALID_MANIFEST, and BUILD_FAILED with file and line of each problem.
 */
export async function buildDatasource(dir: string, options: { outFile?: string; timeoutMs?: number } = {}): Promise<BuiltDatasource> {
  const folder = resolve(dir);
  const source = await readManifest(folder);
  await writeManifestModule(folder, source);
  const code = await bundleSource(folder);
  const component = await inTemporaryFolder((work) => componentize(code, work, options.timeoutMs));
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
