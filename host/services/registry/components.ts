import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RequestError } from '../../domain/errors.ts';
import type { Grant } from '../../domain/grant.ts';
import { FRAMEWORK_VERSION } from '../../domain/host-packages.ts';
import { DEFAULT_LIMITS, type Limits } from '../../domain/limits.ts';
import type { Manifest } from '../../domain/manifest.ts';
import { isWithin } from '../../domain/version-range.ts';
import { makeFolder } from '../../make-folder.ts';
import { temporaryName } from '../../temporary-name.ts';
import type { Compiler } from '../../sandbox/compile.ts';
import { digestOf, type InspectionReport } from '../../sandbox/inspect.ts';
import type { StoredFlag } from '../../store/flags.ts';

/** A datasource that can be called: where its compiled form lies and what it may do. */
export interface RunnableDatasource {
  name: string;
  digest: string;
  folder: string;
  manifest: Manifest;
  grant: Grant;
  limits: Limits;
  flags: StoredFlag[];
  /** Whether its connections are worked on; true when left out. */
  enabled?: boolean;
}

/** A component that may be installed: judged, compiled, kept by its digest, and asked to describe itself. */
export interface AdmittedComponent {
  report: InspectionReport;
  manifest: Manifest;
  digest: string;
}

/** Component files by digest, and their compiled forms. */
export interface Components {
  /** Never throws on a bad component: the report says what is wrong. HOST_BUSY. */
  inspect(component: Uint8Array): Promise<InspectionReport>;
  /** NOT_A_COMPONENT and the other codes of a component that is refused, WRONG_FRAMEWORK, DATASOURCE_FAULT, HOST_BUSY. */
  admit(component: Uint8Array, grant: Grant): Promise<AdmittedComponent>;
  /** Where the compiled form lies; it is made again when it is gone. COMPONENT_LOST when the file is gone too, or has changed; HOST_BUSY. */
  folderOf(digest: string): Promise<string>;
  /** The file of a component that was admitted. COMPONENT_LOST when it is gone or has changed. */
  read(digest: string): Promise<Uint8Array>;
  /** Deletes the file and its compiled form. */
  forget(digest: string): Promise<void>;
  /** Deletes files that are none of these and were written before `beforeMs`: what a host left behind that was killed. Gives how many. */
  sweep(digests: ReadonlySet<string>, beforeMs: number): Promise<number>;
}

export interface ComponentOptions {
  compiler: Compiler;
  /** Where component files are kept, by digest. */
  componentsFolder: string;
  /** Asks a compiled component to describe itself. */
  describe(candidate: RunnableDatasource): Promise<{ name: string; version: string; features: string[] }>;
}

/** Whole ones, and those that somebody was writing. */
const COMPONENT_FILE = /^[0-9a-f]{64}\.wasm(\.\d+\.[0-9a-f]+)?$/;

export function createComponents(options: ComponentOptions): Components {
  const { compiler, componentsFolder } = options;
  // What lies in the cache is named by digest and never changes, so a path once found stays good.
  const folders = new Map<string, string>();

  async function examined(component: Uint8Array): Promise<{ report: InspectionReport; folder: string }> {
    const { report, folder } = await compiler.examine(component);
    accepted(report);
    if (folder === undefined) throw new TypeError('an accepted component is compiled');
    folders.set(report.digest, folder);
    return { report, folder };
  }

  return {
    inspect: async (component) => (await compiler.examine(component)).report,

    async admit(component, grant) {
      const { report, folder } = await examined(component);
      const { manifest, digest } = report;
      if (manifest === undefined) throw new TypeError('an accepted component has a manifest');
      refuseFramework(manifest);
      await checkDescription(options, { name: manifest.name, digest, folder, manifest, grant, limits: limitsOf(grant), flags: [] });
      await keepFile(componentsFolder, digest, component);
      return { report, manifest, digest };
    },

    async folderOf(digest) {
      const known = folders.get(digest) ?? (await compiler.find(digest));
      if (known !== undefined) {
        folders.set(digest, known);
        return known;
      }
      const { folder } = await examined(await readKept(componentsFolder, digest));
      return folder;
    },

    read: (digest) => readKept(componentsFolder, digest),

    async forget(digest) {
      folders.delete(digest);
      await compiler.forget(digest);
      await rm(fileOf(componentsFolder, digest), { force: true });
    },

    async sweep(digests, beforeMs) {
      const kept = new Set([...digests].map((digest) => fileOf(componentsFolder, digest)));
      const names = await readdir(componentsFolder).catch(() => []);
      const files = names.filter((name) => COMPONENT_FILE.test(name)).map((name) => join(componentsFolder, name));
      let swept = 0;
      for (const file of files.filter((path) => !kept.has(path))) {
        // One that is just being installed is young.
        const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
        if (mtimeMs >= beforeMs) continue;
        await rm(file, { force: true });
        swept += 1;
      }
      return swept;
    },
  };
}

/** Every limit in force: the defaults with the grant's over them. */
export function limitsOf(grant: Grant): Limits {
  return { ...DEFAULT_LIMITS, ...grant.limits };
}

/** The report of a component that may run. NOT_A_COMPONENT, COMPONENT_TOO_LARGE, WRONG_WORLD, INVALID_MANIFEST for one that may not. */
export function accepted(report: InspectionReport): InspectionReport {
  if (report.verdict === 'accepted') return report;
  const [first] = report.problems;
  throw new RequestError(report.verdict, `The component is refused: ${first?.path ?? 'file'}: ${first?.reason ?? report.verdict}.`, {
    ...(first === undefined ? {} : { remedy: first.remedy }),
    problems: report.problems,
  });
}

function refuseFramework({ name, version, frameworkVersion }: Manifest): void {
  if (isWithin(FRAMEWORK_VERSION, frameworkVersion)) return;
  const reason = `${name} ${version} works with framework ${frameworkVersion}, and this host has ${FRAMEWORK_VERSION}.`;
  throw new RequestError('WRONG_FRAMEWORK', reason, {
    remedy: 'Use a version of it for this framework; `datasources matrix` shows which fit.',
  });
}

async function checkDescription(options: ComponentOptions, candidate: RunnableDatasource): Promise<void> {
  const { manifest } = candidate;
  const said = await options.describe(candidate);
  const meant = { name: manifest.name, version: manifest.version, features: manifest.features.map(({ name }) => name) };
  for (const key of ['name', 'version', 'features'] as const) {
    if (JSON.stringify(said[key]) === JSON.stringify(meant[key])) continue;
    throw new RequestError(
      'INVALID_MANIFEST',
      `The component describes its ${key} as ${JSON.stringify(said[key])}, its manifest as ${JSON.stringify(meant[key])}.`,
      {
        remedy: 'Build the component and its manifest together with `datasources build DIR`.',
      },
    );
  }
}

function fileOf(folder: string, digest: string): string {
  return join(folder, `${digest.replace('sha256:', '')}.wasm`);
}

/** The bytes that were admitted under the digest, and no others. COMPONENT_LOST. */
async function readKept(folder: string, digest: string): Promise<Uint8Array> {
  let bytes: Uint8Array | undefined;
  try {
    bytes = new Uint8Array(await readFile(fileOf(folder, digest)));
  } catch (cause) {
    throw lost(`The component ${digest} cannot be read from the data folder.`, cause);
  }
  if (digestOf(bytes) !== digest) throw lost(`The file of the component ${digest} in the data folder holds other bytes.`);
  return bytes;
}

function lost(message: string, cause?: unknown): RequestError {
  return new RequestError('COMPONENT_LOST', message, {
    remedy: 'Put the folder `components` back from a backup, or install the same file again.',
    cause,
  });
}

async function keepFile(folder: string, digest: string, component: Uint8Array): Promise<void> {
  await makeFolder(folder);
  const file = fileOf(folder, digest);
  const temporary = temporaryName(file);
  await writeFile(temporary, component, { flush: true });
  await rename(temporary, file);
}
