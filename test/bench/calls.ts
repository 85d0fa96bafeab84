import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildDatasource } from '../../host/authoring/build.ts';
import { DEFAULT_LIMITS } from '../../host/domain/limits.ts';
import { Meter } from '../../host/domain/meter.ts';
import { createCompiler } from '../../host/sandbox/compile.ts';
import { PROCESS_ISOLATION } from '../../host/sandbox/isolation.ts';
import { DEFAULT_POOL, SandboxPool } from '../../host/sandbox/pool.ts';
import { compared, type Figure, median, timings } from './figure.ts';

const CALLS = 300;
const HELLO = join(import.meta.dirname, '../../datasources/hello');

/** `describe` of `hello` in a warm sandbox process against the same component in this process. */
export async function benchCalls(scratch: string): Promise<Figure[]> {
  const { file } = await buildDatasource(HELLO, { outFile: join(scratch, 'hello.wasm') });
  const component = new Uint8Array(await readFile(file));
  const compiler = createCompiler({ cacheFolder: join(scratch, 'compiled'), isolation: PROCESS_ISOLATION });
  const { report, folder } = await compiler.examine(component);
  if (folder === undefined) throw new Error(JSON.stringify(report.problems));
  const inProcess = await callHere(folder);
  const pool = new SandboxPool({ ...DEFAULT_POOL, isolation: PROCESS_ISOLATION, onStderr: () => undefined });
  const key = { organisation: 'bench', digest: report.digest, folder, limits: DEFAULT_LIMITS };
  const call = async (): Promise<void> => {
    const outcome = await pool.call(key, {
      function: 'describe',
      args: [],
      meter: new Meter(DEFAULT_LIMITS),
      signal: new AbortController().signal,
      powers: { handle: () => undefined },
    });
    if (outcome.kind !== 'result') throw new Error(JSON.stringify(outcome));
  };
  try {
    const sandboxed = await timings(CALLS, call);
    const local = await timings(CALLS, inProcess);
    return [compared('describe, sandboxed', 'ms', median(sandboxed), { name: 'same process', value: median(local) })];
  } finally {
    pool.close();
  }
}

const nothing = (): undefined => undefined;

/** Instantiates and calls in this process, as the runner does on the far side. */
async function callHere(folder: string): Promise<() => Promise<unknown>> {
  const modules = new Map<string, WebAssembly.Module>();
  for (const name of await readdir(folder)) {
    if (name.endsWith('.wasm')) modules.set(name, await WebAssembly.compile(new Uint8Array(await readFile(join(folder, name)))));
  }
  const { instantiate } = (await import(pathToFileURL(join(folder, 'component.js')).href)) as {
    instantiate: (
      get: (path: string) => WebAssembly.Module | undefined,
      imports: object,
    ) => Promise<{ source: { describe(): Promise<unknown> } }>;
  };
  const imports = {
    'lorelai:datasource/types': {},
    'lorelai:datasource/http-client': { send: nothing },
    'lorelai:datasource/storage': { get: nothing, put: nothing, remove: nothing, scan: nothing },
    'lorelai:datasource/log': { write: nothing },
    'lorelai:datasource/metrics': { add: nothing, set: nothing },
  };
  return async () => (await instantiate((path) => modules.get(path), imports)).source.describe();
}
