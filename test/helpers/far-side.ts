import { createHash } from 'node:crypto';
import { mkdir, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DEFAULT_LIMITS, type Limits } from '../../host/domain/limits.ts';
import { Meter } from '../../host/domain/meter.ts';
import type { HostAnswer, HostPowers, SandboxCall } from '../../host/sandbox/sandbox-process.ts';
import { COMPONENTS_FOLDER } from './components.ts';

const FRAME_MODULE = pathToFileURL(join(import.meta.dirname, '../../host/sandbox/frame.ts')).href;

/**
 * A folder as the compiler leaves it, with a test's own JavaScript where the transpiled component
 * would be: what a guest could do if it broke out of WebAssembly altogether. `read` is the body of
 * an asynchronous function of `imports` and `args`; `atStart` runs before the process says that it is ready.
 */
export async function farSide(read: string, atStart = ''): Promise<string> {
  const code = `import { encodeFrame } from ${JSON.stringify(FRAME_MODULE)};
const send = (message) => process.stdout.write(encodeFrame(message));
${atStart}
export async function instantiate(getCoreModule, imports) {
  return { source: { read: async (...args) => { ${read} } } };
}
`;
  // By content, so that runs of the tests leave one folder behind and not hundreds.
  const folder = join(COMPONENTS_FOLDER, 'far-side', createHash('sha256').update(code).digest('hex').slice(0, 16));
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{"type":"module"}\n');
  await writeFile(join(folder, 'component.js'), code);
  // As the compiler gives it: without links in its path.
  return realpath(folder);
}

/** Powers that answer nothing but what a test gives: `storage.get` and so on. */
export function powersOf(functions: Record<string, (...args: unknown[]) => Promise<HostAnswer> | undefined> = {}): HostPowers {
  return {
    handle: (name, func, args) => {
      const answer = functions[`${name}.${func}`];
      return answer === undefined ? Promise.resolve({ ok: false, error: { tag: 'denied', val: `${name}.${func}` } }) : answer(...args);
    },
  };
}

/** A call of `read` that needs nothing. */
export function readCall(options: Partial<SandboxCall> & { limits?: Partial<Limits> } = {}): SandboxCall {
  const { limits, ...rest } = options;
  return {
    function: 'read',
    args: [],
    powers: powersOf(),
    signal: new AbortController().signal,
    meter: new Meter(limitsWith(limits)),
    ...rest,
  };
}

export function limitsWith(limits: Partial<Limits> = {}): Limits {
  return { ...DEFAULT_LIMITS, ...limits };
}
