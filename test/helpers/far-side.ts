import { createHash } from 'node:crypto';
import { mkdir, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DEFAULT_LIMITS, type Limits } from '../../host/domain/limits.ts';
import { Meter } from '../../host/domain/meter.ts';
import type { HostAnswer, HostPowers, SandboxCall } from '../../host/sandbox/sandbox-call.ts';
import { COMPONENTS_FOLDER } from './components.ts';

// The frames of `host/sandbox/frame.ts` once more: a sandbox process may not read our sources.
const ENCODE_FRAME = `const encodeFrame = (message) => {
  const blobs = [];
  let length = 0;
  const json = Buffer.from(JSON.stringify(message, (_, value) => {
    if (typeof value === 'bigint') return Number(value);
    if (!(value instanceof Uint8Array)) return value;
    blobs.push(value);
    return { $bytes: [(length += value.byteLength) - value.byteLength, value.byteLength] };
  }));
  const header = Buffer.alloc(8);
  header.writeUInt32BE(4 + json.byteLength + length, 0);
  header.writeUInt32BE(json.byteLength, 4);
  return Buffer.concat([header, json, ...blobs]);
};`;

/**
 * A folder as the compiler leaves it, with a test's own JavaScript where the transpiled component
 * would be: what a guest could do if it broke out of WebAssembly altogether. `read` is the body of
 * an asynchronous function of `imports` and `args`; `atStart` runs before the process says that it is ready.
 */
export async function farSide(read: string, atStart = ''): Promise<string> {
  const code = `${ENCODE_FRAME}
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
