import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest } from '../../../host/domain/manifest.ts';
import { createCompiler } from '../../../host/sandbox/compile.ts';
import { inspectComponent } from '../../../host/sandbox/inspect.ts';
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
  const report = inspectComponent(component);
  if (report.manifest === undefined) throw new Error('The component has no manifest.');
  const compiled = await createCompiler(join(COMPONENTS_FOLDER, 'compiled')).compile(component, report);
  if (!compiled.ok) throw new Error(compiled.problems.map(({ reason }) => reason).join(' '));
  return { digest: report.digest, folder: compiled.folder, manifest: report.manifest };
}
