import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findIsolation } from '../../host/sandbox/find-isolation.ts';
import type { Isolation } from '../../host/sandbox/isolation.ts';
import { launch, type Launched } from '../../host/sandbox/launch.ts';

export type NamespaceIsolation = Isolation & { kind: 'namespace' };

const GiB = 1024 ** 3;

/** The namespaces of this machine. Throws where there are none: tests of them must not pass without. */
export async function namespaceIsolation(): Promise<NamespaceIsolation> {
  const { isolation } = await findIsolation('namespace');
  if (isolation.kind !== 'namespace') throw new TypeError('namespaces were asked for');
  return isolation;
}

/** Calls the kernel: `call(number, ...arguments)` gives its result, or `-errno`. */
const PREAMBLE = `
import ffi from 'node:ffi';
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
const [fs, net, os, childProcess] = ['fs', 'net', 'os', 'child_process'].map((name) => require('node:' + name));
const { functions } = ffi.dlopen('libc.so.6', {
  syscall: { arguments: Array(7).fill('i64'), return: 'i64' },
  __errno_location: { arguments: [], return: 'pointer' },
});
const [FORKS, EXIT_GROUP] = process.arch === 'arm64' ? [[220, 435], 94n] : [[56, 57, 58, 435], 231n];
const call = (number, ...args) => {
  const result = functions.syscall(BigInt(number), ...Array.from({ length: 6 }, (_, at) => BigInt(args[at] ?? 0)));
  // Should a protection be broken, a second process must not go on with the attempts of the first.
  if (result === 0n && FORKS.includes(Number(number))) functions.syscall(EXIT_GROUP, 0n, 0n, 0n, 0n, 0n, 0n);
  return result === -1n ? -ffi.getInt32(functions.__errno_location()) : Number(result);
};
const FOLDER = import.meta.dirname;
const opened = (socket) => new Promise((resolve, reject) => { socket.once('error', reject); socket.once('connect', resolve); });
const target = Buffer.alloc(8);
const vector = new BigUint64Array([ffi.getRawPointer(target), 8n]);
const VECTOR = ffi.getRawPointer(vector.buffer);
const said = {};
`;

/**
 * A program as it would be after a guest broke out of WebAssembly and out of V8: the wrapper of every sandbox process
 * around it, but without Node's permission model, and with any system call at hand.
 */
export interface Escaped extends Launched {
  /** What the body returned. Rejects when the process ended before. */
  said: Promise<unknown>;
  /** Its exit code, or that of its end by a signal, as a shell counts: 128 and the signal. */
  ended: Promise<number>;
  stop(): Promise<void>;
}

/** `body` is that of an asynchronous function of `fs`, `net`, `os`, `childProcess`, `call`, `opened` and FOLDER. */
export async function escape(body: string, isolation: Isolation): Promise<Escaped> {
  const folder = await mkdtemp(join(tmpdir(), 'escaped-'));
  const file = join(folder, 'escaped.mjs');
  // It stays until it is stopped, so that a test can look at it from outside.
  const main = `${PREAMBLE}const body = async () => { ${body} };
process.stdout.write(JSON.stringify(await body()) + '\\n');
process.stdin.resume();`;
  await writeFile(file, main);
  const command = [process.execPath, '--experimental-ffi', '--no-warnings', file] as const;
  const launched = launch({ command: [...command], readable: [folder], maxDataBytes: 2 * GiB, isolation });
  const { child } = launched;
  const exited = once(child, 'exit').then(([code, signal]) => (signal === 'SIGKILL' ? 137 : Number(code)));
  return {
    ...launched,
    said: firstLine(launched),
    ended: exited,
    async stop() {
      child.kill('SIGKILL');
      await exited;
      await rm(folder, { recursive: true });
    },
  };
}

/** Runs `body` and gives what it returned. */
export async function whenEscaped(body: string, isolation: Isolation): Promise<unknown> {
  const escaped = await escape(body, isolation);
  try {
    return await escaped.said;
  } finally {
    await escaped.stop();
  }
}

/** Runs each named piece of JavaScript in one escaped program; what each gave or threw, by its name. */
export async function attempt(attempts: Readonly<Record<string, string>>, isolation: Isolation): Promise<Record<string, string>> {
  const body = Object.entries(attempts).map(
    ([name, code]) => `try { said[${JSON.stringify(name)}] = 'gave ' + (${code}); }
catch (error) { said[${JSON.stringify(name)}] = error.code ?? String(error); }`,
  );
  const said = await whenEscaped(`${body.join('\n')}\nreturn said;`, isolation);
  if (typeof said !== 'object' || said === null) throw new TypeError('it said nothing');
  return Object.fromEntries(Object.entries(said).map(([name, outcome]) => [name, String(outcome)]));
}

function firstLine({ child }: Launched): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let [text, errors] = ['', ''];
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      if (text.includes('\n')) resolve(JSON.parse(text));
    });
    child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString('utf8')));
    child.on('close', (code, signal) => reject(new Error(`it ended (${signal ?? code}): ${errors.slice(0, 2_000)}`)));
  });
}
