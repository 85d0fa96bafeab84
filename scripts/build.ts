/**
 * `npm run build`: what is published. `dist/` holds the host as JavaScript (Node does not strip types
 * inside node_modules), what it reads at run time, and the finished datasources.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildDatasource } from '../host/authoring/build.ts';

const ROOT = join(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');
/** Read by path at run time: the contract, the SDK that authors' code is bundled with, and the templates of `new`. */
const COPIED = ['package.json', 'wit', 'datasources/sdk', 'host/authoring/templates'];
const DATASOURCES = ['hello', 'github'];

await rm(DIST, { recursive: true, force: true });
await promisify(execFile)(join(ROOT, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json'], { cwd: ROOT });
for (const path of COPIED) await cp(join(ROOT, path), join(DIST, path), { recursive: true });
await mkdir(join(DIST, 'datasources'), { recursive: true });
for (const name of DATASOURCES) {
  const built = await buildDatasource(join(ROOT, 'datasources', name), { outFile: join(DIST, 'datasources', `${name}.wasm`) });
  process.stdout.write(`${name} ${built.manifest.version}: ${built.sizeBytes} bytes, ${built.digest}\n`);
}
