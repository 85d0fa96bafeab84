import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RequestError } from '../domain/errors.ts';
import { parseManifest } from '../domain/manifest-parse.ts';
import type { Manifest } from '../domain/manifest.ts';
import { GENERATED_FILE, generateManifestModule } from './generate.ts';

/** The manifest's name in a datasource's folder. */
export const MANIFEST_FILE = 'datasource.yaml';

/** A manifest and the text that it was read from. */
export interface ManifestSource {
  manifest: Manifest;
  text: string;
}

/** Reads a folder's manifest. FILE_NOT_READABLE, or INVALID_MANIFEST with the line of each problem. */
export async function readManifest(dir: string): Promise<ManifestSource> {
  const file = join(dir, MANIFEST_FILE);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new RequestError('FILE_NOT_READABLE', `${file} cannot be read.`, {
      remedy: 'Name the folder that holds datasource.yaml, or make one with `datasources new`.',
      cause,
    });
  }
  const verdict = parseManifest(text);
  if (verdict.ok) return { manifest: verdict.manifest, text };
  const problems = verdict.problems.map(({ path, reason, remedy, line, column }) => ({
    path: `${MANIFEST_FILE}${line === undefined ? '' : `:${line}:${column ?? 1}`}${path === '' ? '' : ` ${path}`}`,
    reason,
    remedy,
  }));
  throw new RequestError('INVALID_MANIFEST', `${file} is no manifest that the host understands.`, {
    remedy: 'Mend what the problems name.',
    problems,
  });
}

/** Writes `datasource.generated.ts`, unless it says the same already. */
export async function writeManifestModule(dir: string, { manifest }: ManifestSource): Promise<string> {
  const file = join(dir, GENERATED_FILE);
  const text = generateManifestModule(manifest);
  const before = await readFile(file, 'utf8').catch(() => undefined);
  if (before !== text) await writeFile(file, text);
  return file;
}
