import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildDatasource } from '../../host/authoring/build.ts';
import { compared, type Figure, median, timings, WARM_UP_CALLS } from './figure.ts';
import { warmSandbox } from './warm-sandbox.ts';

const ROUNDS = 6;
const CALLS = 60;
const HELLO = join(import.meta.dirname, '../../datasources/hello');

/**
 * `describe` of `hello` in a warm sandbox process against the same component in this process: by the clock, and by the
 * processor time of both sides, which does not depend on who else is at work.
 */
export async function benchCalls(scratch: string): Promise<Figure[]> {
  const { file } = await buildDatasource(HELLO, { outFile: join(scratch, 'hello.wasm') });
  const sandbox = await warmSandbox(new Uint8Array(await readFile(file)), scratch);
  try {
    const inProcess = await callHere(sandbox.folder);
    const [sandboxed, local]: [Cost[], Cost[]] = [[], []];
    // In turns, so that a busy moment of the machine falls on both.
    for (let round = 0; round < ROUNDS; round += 1) {
      sandboxed.push(await costOf(() => sandbox.call(), sandbox.processorMs));
      local.push(await costOf(inProcess, async () => 0));
    }
    return (['clock', 'processor'] as const).map((kind) =>
      compared(`describe, sandboxed, by the ${kind}`, 'ms', median(sandboxed.map((cost) => cost[kind])), {
        name: 'same process',
        value: median(local.map((cost) => cost[kind])),
      }),
    );
  } finally {
    sandbox.close();
  }
}

/** Milliseconds of one call. */
interface Cost {
  clock: number;
  processor: number;
}

/** `otherMs`: processor time that other processes had for it. */
async function costOf(call: () => Promise<unknown>, otherMs: () => Promise<number>): Promise<Cost> {
  const usedMs = async (): Promise<number> => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000 + (await otherMs());
  };
  const before = await usedMs();
  const clock = median(await timings(CALLS, call));
  return { clock, processor: ((await usedMs()) - before) / (CALLS + WARM_UP_CALLS) };
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
