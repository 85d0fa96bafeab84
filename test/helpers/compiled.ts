import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest } from '../../host/domain/manifest.ts';
import { createCompiler } from '../../host/sandbox/compile.ts';
import { inspectComponent } from '../../host/sandbox/inspect.ts';
import { componentFile, COMPONENTS_FOLDER } from './components.ts';

/** What the pool needs to run a component, with what its manifest says. */
export interface CompiledComponent {
  digest: string;
  folder: string;
  manifest: Manifest;
}

/** Inspects and compiles a component as the host does. Kept from one run of the tests to the next. */
export async function compiled(component: Uint8Array): Promise<CompiledComponent> {
  const report = inspectComponent(component);
  if (report.manifest === undefined) throw new Error(`refused: ${JSON.stringify(report.problems)}`);
  const outcome = await createCompiler(join(COMPONENTS_FOLDER, 'compiled')).compile(component, report);
  if (!outcome.ok) throw new Error(`refused: ${JSON.stringify(outcome.problems)}`);
  return { digest: report.digest, folder: outcome.folder, manifest: report.manifest };
}

export async function compiledComponent(name: Parameters<typeof componentFile>[0]): Promise<CompiledComponent> {
  return compiled(await readFile(componentFile(name)));
}
