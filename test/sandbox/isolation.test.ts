import { existsSync } from 'node:fs';
import { mkdtemp, open, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createServer as createSocketServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Isolation, PROCESS_ISOLATION } from '../../host/sandbox/isolation.ts';
import { SandboxProcess } from '../../host/sandbox/sandbox-process.ts';
import { namespaceIsolation } from '../helpers/escaped.ts';
import { farSide, limitsWith, readCall } from '../helpers/far-side.ts';

// What JavaScript in a sandbox process can do once a guest has broken out of WebAssembly: nothing that matters.

const DENIED = /ERR_ACCESS_DENIED/;
/** In namespaces there is no such file, which the module loader finds out before it asks for permission. */
const DENIED_OR_MISSING = /ERR_ACCESS_DENIED|ERR_MODULE_NOT_FOUND/;
const GONE = /No such built-in module/;
const TAKEN = /a sandbox may not do this/;
const NO_STRINGS = /Code generation from strings disallowed/;

/** Name, JavaScript that tries it, and how the refusal reads. `OUTSIDE` is a folder, `PORT` a listening port, `SOCKET` a listening path. */
const ATTEMPTS: [name: string, code: string, refusal: RegExp][] = [
  ['read the account list', `fs.readFileSync('/etc/passwd')`, DENIED],
  ['read a file through a promise', `await fs.promises.readFile('OUTSIDE/secret')`, DENIED],
  ['read a file as a blob', `await fs.openAsBlob('OUTSIDE/secret')`, DENIED],
  ['read a file as an environment', `process.loadEnvFile('OUTSIDE/secret')`, DENIED],
  ['read a file as a module', `await import('file://OUTSIDE/secret.js')`, DENIED_OR_MISSING],
  ['read a file through the module loader', `Module._extensions['.json'](new Module('x'), 'OUTSIDE/secret')`, DENIED],
  ['read its own environment block', `fs.readFileSync('/proc/self/environ')`, DENIED],
  ['read the environment of the host', `fs.readFileSync('/proc/' + process.ppid + '/environ')`, DENIED],
  ['read the memory of the host', `fs.openSync('/proc/' + process.ppid + '/mem')`, DENIED],
  ['read the rest of the program', `fs.readFileSync(process.argv[1].replace('sandbox/runner.sandboxed', 'main'))`, DENIED],
  ['list a folder', `fs.readdirSync('/')`, DENIED],
  ['look at a file', `fs.statSync('OUTSIDE/secret')`, DENIED],
  ['leave its folder by dots', `fs.readFileSync(FOLDER + '/../' + 'OUTSIDE'.split('/').at(-1) + '/secret')`, DENIED],
  ['write into its own folder', `fs.writeFileSync(FOLDER + '/component.js', '')`, DENIED],
  ['write elsewhere', `fs.writeFileSync('OUTSIDE/written', 'x')`, DENIED],
  ['make a link', `fs.symlinkSync('/etc/passwd', FOLDER + '/made')`, DENIED],
  ['remove its own folder', `fs.rmSync(FOLDER, { recursive: true })`, DENIED],
  ['change folders', `process.chdir('/')`, DENIED],
  ['write a heap snapshot', `v8.writeHeapSnapshot('OUTSIDE/written')`, DENIED],
  ['write a report', `process.report.writeReport('OUTSIDE/written')`, /restricted/],
  ['open a database', `new (await import('node:sqlite')).DatabaseSync('OUTSIDE/written')`, GONE],
  ['open a database with require', `require('node:sqlite')`, GONE],
  ['call a function of a library', `await import('node:ffi')`, GONE],
  ['load native code', `process.dlopen({ exports: {} }, 'OUTSIDE/secret')`, /disabled/],
  ['load native code as a crypto engine', `(await import('node:crypto')).setEngine('OUTSIDE/secret')`, /unsupported while/],
  ['give WASI the whole disk', `new (await import('node:wasi')).WASI({ version: 'preview1', preopens: { '/': '/' } })`, DENIED],
  ['connect to a port', `await opened(net.connect(PORT, '127.0.0.1'), 'connect')`, DENIED],
  ['connect to a socket of the machine', `await opened(net.connect('SOCKET'), 'connect')`, DENIED],
  ['listen on a port', `await opened(net.createServer().listen(0), 'listening')`, DENIED],
  ['listen on a socket of the machine', `await opened(net.createServer().listen('OUTSIDE/written'), 'listening')`, DENIED],
  ['open a pipe by its raw handle', `new process.stdin._handle.constructor(0).bind('OUTSIDE/written')`, DENIED],
  ['send a datagram', `await opened(dgram.createSocket('udp4').bind(0), 'listening')`, DENIED],
  ['fetch', `await fetch('http://127.0.0.1:PORT').catch((error) => { throw error.cause })`, DENIED],
  ['request over HTTP', `await opened(http.get('http://127.0.0.1:PORT'), 'response')`, DENIED],
  ['request over HTTP/2', `await opened((await import('node:http2')).connect('http://127.0.0.1:PORT'), 'connect')`, DENIED],
  ['resolve a name', `await dns.lookup('localhost')`, DENIED],
  [
    'ask a name server',
    `const own = new dns.Resolver(); own.setServers(['127.0.0.1:PORT']); await own.resolve4('secret.example.com')`,
    DENIED,
  ],
  ['start a program', `childProcess.spawn('/bin/true')`, DENIED],
  ['start a shell', `childProcess.execSync('id')`, DENIED],
  ['start itself again', `childProcess.fork(process.argv[1])`, DENIED],
  ['start a program by the raw binding', `process.binding('spawn_sync')`, DENIED],
  ['start a thread', `new (await import('node:worker_threads')).Worker('1', { eval: true })`, DENIED],
  ['hook the module loader', `Module.register('data:text/javascript,')`, DENIED],
  ['open the inspector', `(await import('node:inspector')).open(0)`, DENIED],
  ['open the inspector of the host', `process._debugProcess(process.ppid)`, TAKEN],
  ['signal the host', `process.kill(process.ppid, 0)`, TAKEN],
  ['signal the host by an import', `(await import('node:process')).kill(process.ppid, 0)`, TAKEN],
  ['signal the host by the raw binding', `process._kill(process.ppid, 0)`, TAKEN],
  ['put the way to signal back', `Object.defineProperty(process, 'kill', { value: 1 })`, /redefine/],
  ['slow the host down', `(await import('node:os')).setPriority(process.ppid, 19)`, TAKEN],
  ['become another user', `process.setuid(65534)`, TAKEN],
  ["lift the engine's caps", `v8.setFlagsFromString('--max-old-space-size=8192')`, TAKEN],
  ['make code of a string', `eval('1')`, NO_STRINGS],
  ['make a function of a string', `new Function('return 1')`, NO_STRINGS],
  ['make an asynchronous function of a string', `(async () => {}).constructor('return 1')`, NO_STRINGS],
  ['reach a prototype by its name', `({}).__proto__`, /ERR_PROTO_ACCESS/],
];

const BODY = `
const [fs, net, dgram, http, dns, childProcess, v8, { Module }] = await Promise.all([
  import('node:fs'), import('node:net'), import('node:dgram'), import('node:http'), import('node:dns/promises'),
  import('node:child_process'), import('node:v8'), import('node:module')]);
const require = Module.createRequire(import.meta.url);
const FOLDER = process.argv[2];
const opened = (emitter, event) => new Promise((resolve, reject) => { emitter.once('error', reject); emitter.once(event, resolve); });
const said = {};
`;

let outside: string;
let requests = 0;
const server = createServer((_, response) => response.end(String((requests += 1))));
const socketServer = createSocketServer(() => (requests += 1));
const started: SandboxProcess[] = [];

beforeAll(async () => {
  outside = await mkdtemp(join(tmpdir(), 'outside-'));
  await writeFile(join(outside, 'secret'), '{"secret":true}');
  await writeFile(join(outside, 'secret.js'), 'export default 1');
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await new Promise<void>((resolve) => socketServer.listen(join(outside, 'socket'), resolve));
});

afterAll(async () => {
  for (const process of started) process.kill('cancelled', 'the test is over');
  server.close();
  socketServer.close();
  await rm(outside, { recursive: true });
});

/** Runs JavaScript in a sandbox process of its own and gives what it returned. */
async function inSandbox(body: string, isolation: Isolation = PROCESS_ISOLATION): Promise<unknown> {
  const process = new SandboxProcess({ folder: await farSide(body), limits: limitsWith(), isolation, onStderr: () => undefined });
  started.push(process);
  const outcome = await process.call(readCall());
  return outcome.kind === 'result' ? outcome.value : outcome;
}

describe.each(['process', 'namespace'])('a sandbox process with %s isolation', (kind) => {
  let said: unknown;
  beforeAll(async () => {
    const port = String((server.address() as AddressInfo).port);
    const attempts = ATTEMPTS.map(([name, code]) => {
      const filled = code.replaceAll('OUTSIDE', outside).replaceAll('PORT', port).replaceAll('SOCKET', join(outside, 'socket'));
      return `try { ${filled}; said[${JSON.stringify(name)}] = 'it worked'; } catch (error) { said[${JSON.stringify(name)}] = (error?.code ?? '') + ' ' + error; }`;
    });
    const isolation = kind === 'namespace' ? await namespaceIsolation() : PROCESS_ISOLATION;
    said = await inSandbox(`${BODY}${attempts.join('\n')}\nreturn said;`, isolation);
  });

  it.each(ATTEMPTS)('cannot %s', (name, _, refusal) => {
    expect(said).toMatchObject({ [name]: expect.stringMatching(refusal) });
  });

  it('has reached nobody and left nothing behind after all that', async () => {
    expect(requests).toBe(0);
    expect(existsSync(join(outside, 'written'))).toBe(false);
  });
});

describe('a sandbox process', () => {
  it('has an empty environment', async () => {
    process.env.LORELAI_TEST_SECRET = 'visible';
    try {
      expect(await inSandbox('return { ...process.env };')).toEqual({});
    } finally {
      delete process.env.LORELAI_TEST_SECRET;
    }
  });

  it('inherits no file and no socket of the host', async () => {
    const held = await open(join(outside, 'secret'));
    const pid = Number(await inSandbox('return process.pid;'));
    const files = await readdir(`/proc/${pid}/fd`);
    const targets = await Promise.all(files.map((file) => readlink(`/proc/${pid}/fd/${file}`).catch(() => '')));
    await held.close();
    expect(targets.filter((target) => target.startsWith('/') && target !== '/dev/null')).toEqual([]);
    // The three pipes of its own stdio and the one of answers, and no other.
    expect(targets.filter((target) => target.startsWith('socket:'))).toHaveLength(4);
  });

  it('is bounded by the kernel: no dump, no byte to a file, no locked memory, few files, an end to memory, no environment, no more power', async () => {
    const pid = Number(await inSandbox('return process.pid;'));
    const limits = await readFile(`/proc/${pid}/limits`, 'utf8');
    const hard = (name: string): string | undefined => new RegExp(`^${name} +\\S+ +(\\S+)`, 'm').exec(limits)?.[1];
    expect({
      core: hard('Max core file size'),
      file: hard('Max file size'),
      locked: hard('Max locked memory'),
      files: hard('Max open files'),
    }).toEqual({ core: '0', file: '0', locked: '0', files: '128' });
    expect(Number(hard('Max data size'))).toBeLessThan(4 * 1024 ** 3);
    // As the kernel has it, whatever the program finds: a wrapper must not give its own on, nor may any program give more power.
    expect(await readFile(`/proc/${pid}/environ`, 'utf8')).toBe('');
    expect(await readFile(`/proc/${pid}/status`, 'utf8')).toMatch(/^NoNewPrivs:\t1$/m);
  });

  it('is started with every flag that takes something away', async () => {
    const flags = ['--permission', '--disallow-code-generation-from-strings', '--disable-proto=throw', '--no-addons'];
    const caps = ['--max-old-space-size=256', expect.stringMatching(/^--wasm-max-mem-pages=\d+$/)];
    expect(await inSandbox('return process.execArgv;')).toEqual(
      expect.arrayContaining([...flags, '--no-experimental-sqlite', '--no-experimental-ffi', ...caps]),
    );
  });

  it('gives way to the host', async () => {
    expect(await inSandbox(`return (await import('node:os')).getPriority();`)).toBeGreaterThanOrEqual(10);
  });
});
