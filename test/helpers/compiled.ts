import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest } from '../../host/domain/manifest.ts';
import { createCompiler } from '../../host/sandbox/compile.ts';
import { PROCESS_ISOLATION } from '../../host/sandbox/isolation.ts';
import { componentFile, COMPONENTS_FOLDER } from './components.ts';

/** What the pool needs to run a component, with what its manifest says. */
export interface CompiledComponent {
  digest: string;
  folder: string;
  manifest: Manifest;
}

/** Inspects and compiles a component as the host does. Kept from one run of the tests to the next. */
export async function compiled(component: Uint8Array): Promise<CompiledComponent> {
  const compiler = createCompiler({ cacheFolder: join(COMPONENTS_FOLDER, 'compiled'), isolation: PROCESS_ISOLATION });
  const { report, folder } = await compiler.examine(component);
  if (report.manifest === undefined || folder === undefined) throw new Error(`refused: ${JSON.stringify(report.problems)}`);
  return { digest: report.digest, folder, manifest: report.manifest };
}

export async function compiledComponent(name: Parameters<typeof componentFile>[0]): Promise<CompiledComponent> {
  return compiled(await readFile(componentFile(name)));
}
