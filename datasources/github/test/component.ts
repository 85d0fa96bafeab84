import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest } from '../../../host/domain/manifest.ts';
import { createCompiler } from '../../../host/sandbox/compile.ts';
import { PROCESS_ISOLATION } from '../../../host/sandbox/isolation.ts';
import { COMPONENTS_FOLDER, componentFile } from '../../../test/helpers/components.ts';

/** The datasource as an operator would install it: built, inspected, compiled. */
export interface CompiledDatasource {
  digest: string;
  /** What the sandbox reads. */
  folder: string;
  manifest: Manifest;
}

/** Inspects and compiles the component that the tests' global set-up has built. */
export async function compileGithub(): Promise<CompiledDatasource> {
  const component = await readFile(componentFile('github'));
  const compiler = createCompiler({ cacheFolder: join(COMPONENTS_FOLDER, 'compiled'), isolation: PROCESS_ISOLATION });
  const { report, folder } = await compiler.examine(component);
  if (report.manifest === undefined || folder === undefined) throw new Error(report.problems.map(({ reason }) => reason).join(' '));
  return { digest: report.digest, folder, manifest: report.manifest };
}
