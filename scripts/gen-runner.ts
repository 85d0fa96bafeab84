import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { rolldown } from 'rolldown';
import { bundleBanner, bundleFile } from '../host/sandbox/far-program.ts';

const RUNNER = 'runner.sandboxed';

/** The program of a sandbox process as one readable file of JavaScript. The other programs of the far side run once and end. */
export async function generateRunner(root: string): Promise<void> {
  const bundle = await rolldown({ input: join(root, 'host/sandbox', `${RUNNER}.ts`), cwd: root, platform: 'node' });
  const { output } = await bundle.generate({ format: 'esm', codeSplitting: false });
  await bundle.close();
  const file = bundleFile(RUNNER);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${bundleBanner(RUNNER)}${output[0].code}`);
}
