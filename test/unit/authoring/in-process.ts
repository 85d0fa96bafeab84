import { transpile } from '@bytecodealliance/jco';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const SOURCE_FUNCTIONS = ['describe', 'validate-config', 'check', 'read', 'list-ids', 'list-groups', 'search', 'receive'];
const STORAGE_FUNCTIONS = ['get', 'put', 'remove', 'scan'];

/** A function of a component's `source`, as the host calls it. */
export type Call = (name: string, ...args: unknown[]) => Promise<unknown>;

/** What a component did to its host. */
export interface Trace {
  lines: string[];
  metrics: [string, number][];
  stored: Map<string, Uint8Array>;
  urls: string[];
}

/**
 * Runs a component in this process: the engine is the one that the sandbox uses, without the sandbox. Every call of
 * `fresh` gives an instance of its own; all of them share the trace. The transpiled files go into `folder`.
 */
export async function loadInProcess(file: string, folder: string): Promise<{ fresh: () => Promise<Call>; trace: Trace }> {
  const { files } = await transpile(await readFile(file), {
    name: 'component',
    instantiation: 'async',
    asyncMode: 'jspi',
    asyncImports: [
      'lorelai:datasource/http-client@1.0.0#send',
      ...STORAGE_FUNCTIONS.map((name) => `lorelai:datasource/storage@1.0.0#${name}`),
    ],
    asyncExports: SOURCE_FUNCTIONS.map((name) => `lorelai:datasource/source@1.0.0#${name}`),
  });
  for (const [name, contents] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), contents);
  }
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  const { instantiate } = await import(pathToFileURL(join(folder, 'component.js')).href);
  const modules = new Map<string, Promise<WebAssembly.Module>>();
  const compile = (name: string): Promise<WebAssembly.Module> => {
    const known = modules.get(name) ?? readFile(join(folder, name)).then((bytes) => WebAssembly.compile(bytes));
    modules.set(name, known);
    return known;
  };
  const trace: Trace = { lines: [], metrics: [], stored: new Map(), urls: [] };
  const fresh = async (): Promise<Call> => {
    const { source } = await instantiate(compile, hostImports(trace));
    return async (name, ...args) => source[name](...args);
  };
  return { fresh, trace };
}

function hostImports(trace: Trace): object {
  return {
    'lorelai:datasource/http-client': {
      send: async ({ url }: { url: string }) => {
        trace.urls.push(url);
        return { status: 200, headers: [{ name: 'link', value: '<?page=2>; rel="next"' }], body: new TextEncoder().encode('"Grüße"') };
      },
    },
    'lorelai:datasource/log': { write: (level: string, message: string) => trace.lines.push(`${level} ${message}`) },
    'lorelai:datasource/metrics': {
      add: (name: string, amount: number) => trace.metrics.push([name, amount]),
      set: (name: string, value: number) => trace.metrics.push([name, value]),
    },
    'lorelai:datasource/storage': {
      get: async (collection: string, key: string) => trace.stored.get(`${collection}/${key}`),
      put: async (collection: string, key: string, value: Uint8Array) => {
        trace.stored.set(`${collection}/${key}`, value);
      },
      remove: async (collection: string, key: string) => {
        trace.stored.delete(`${collection}/${key}`);
      },
      scan: async () => [],
    },
    'lorelai:datasource/types': {},
  };
}

/** The failure that a call answers with: jco wraps it in an error. */
export async function failureOf(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    if (error instanceof Error && 'payload' in error) return error.payload;
    throw error;
  }
  throw new Error('It did not fail.');
}
