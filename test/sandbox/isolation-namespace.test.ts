import { readdir, readFile, readlink } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { homedir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROCESS_ISOLATION } from '../../host/sandbox/isolation.ts';
import { SandboxProcess } from '../../host/sandbox/sandbox-process.ts';
import { CLONE, CLONE3, DENIED_SYSCALLS } from '../../host/sandbox/syscalls.ts';
import { attempt, escape, type Escaped, type NamespaceIsolation, namespaceIsolation, whenEscaped } from '../helpers/escaped.ts';
import { farSide, limitsWith, readCall } from '../helpers/far-side.ts';
import { descendantsOf } from '../helpers/processes.ts';

// What native code in a sandbox process can do once a guest has broken out of V8 itself: Node's permission model is
// switched off in all of these, so that only what is around the process can hold.

const COLUMN = process.arch === 'arm64' ? 1 : 0;
const numberOf = (name: string): number => DENIED_SYSCALLS[name]?.[COLUMN] ?? -1;
const ABSTRACT_SOCKET = `\0lorelai-isolation-${process.pid}`;

interface Attempt {
  name: string;
  /** An expression. HOST and NEIGHBOUR are process ids on this machine, PORT listens on loopback. */
  code: string;
  /** An error code, or `gave` and what the kernel said. */
  refusal: string | RegExp;
  /** The same without the seccomp filter, where the namespaces must hold alone; left out where it is the same. */
  byNamespace?: string | RegExp;
}

const attempts: Attempt[] = [
  { name: 'read the account list', code: `fs.readFileSync('/etc/passwd')`, refusal: 'ENOENT' },
  { name: 'read the environment of the first process', code: `fs.readFileSync('/proc/1/environ')`, refusal: 'ENOENT' },
  { name: 'read the environment of the host', code: `fs.readFileSync('/proc/HOST/environ')`, refusal: 'ENOENT' },
  { name: 'list processes', code: `fs.readdirSync('/proc')`, refusal: 'ENOENT' },
  { name: 'look at devices', code: `fs.readdirSync('/dev')`, refusal: 'ENOENT' },
  { name: 'look at the kernel', code: `fs.readdirSync('/sys')`, refusal: 'ENOENT' },
  { name: 'look at the home folder', code: `fs.readdirSync(${JSON.stringify(homedir())})`, refusal: 'ENOENT' },
  { name: 'read the rest of the program', code: `fs.readFileSync(${JSON.stringify(`${process.cwd()}/package.json`)})`, refusal: 'ENOENT' },
  { name: 'write at the top', code: `fs.writeFileSync('/written', 'x')`, refusal: 'EROFS' },
  { name: 'write beside its program', code: `fs.writeFileSync(FOLDER + '/written', 'x')`, refusal: 'EROFS' },
  { name: 'write beside its folder', code: `fs.writeFileSync(FOLDER + '/../written', 'x')`, refusal: 'EROFS' },
  { name: 'change the engine', code: `fs.openSync(process.execPath, 'r+')`, refusal: /^(EROFS|ETXTBSY)$/ },
  { name: 'make a device', code: `call(${numberOf('mknodat')}, -100, 0, 0o20666, 0)`, refusal: 'gave -1', byNamespace: /^gave -/ },
  {
    name: 'connect to a port of the host',
    code: `await opened(net.connect(PORT, '127.0.0.1'))`,
    refusal: 'EPERM',
    byNamespace: 'ECONNREFUSED',
  },
  {
    name: 'connect to a port of the host over IPv6',
    code: `await opened(net.connect(PORT, '::1'))`,
    refusal: 'EPERM',
    byNamespace: /^E(CONNREFUSED|ADDRNOTAVAIL|NETUNREACH)$/,
  },
  {
    name: 'connect to a socket without a file',
    code: `await opened(net.connect(${JSON.stringify(ABSTRACT_SOCKET)}))`,
    refusal: 'EPERM',
    byNamespace: 'ECONNREFUSED',
  },
  {
    name: 'see an address of the machine',
    code: `Object.keys(os.networkInterfaces())`,
    refusal: 'ERR_SYSTEM_ERROR',
    byNamespace: /^gave (lo)?$/,
  },
  { name: 'signal the host', code: `process.kill(HOST, 0)`, refusal: 'EPERM', byNamespace: 'ESRCH' },
  { name: 'signal a neighbour', code: `process.kill(NEIGHBOUR, 'SIGKILL')`, refusal: 'EPERM', byNamespace: 'ESRCH' },
  { name: 'signal everybody', code: `process.kill(-1, 'SIGKILL')`, refusal: 'EPERM', byNamespace: 'ESRCH' },
  { name: 'trace the host', code: `call(${numberOf('ptrace')}, 16, HOST)`, refusal: 'gave -1', byNamespace: 'gave -3' },
  {
    name: 'read the memory of the host',
    code: `call(${numberOf('process_vm_readv')}, HOST, VECTOR, 1, VECTOR, 1, 0)`,
    refusal: 'gave -1',
    byNamespace: 'gave -3',
  },
  { name: 'hold the host by a descriptor', code: `call(${numberOf('pidfd_open')}, HOST, 0)`, refusal: 'gave -1', byNamespace: 'gave -3' },
  { name: 'slow the host down', code: `os.setPriority(HOST, 19)`, refusal: /ESRCH|ERR_SYSTEM_ERROR/ },
  { name: 'become root', code: `process.setuid(0)`, refusal: 'EPERM', byNamespace: 'EINVAL' },
  { name: 'mount', code: `call(${numberOf('mount')}, 0, 0, 0, 0, 0)`, refusal: 'gave -1', byNamespace: /^gave -(1|14)$/ },
  { name: 'take a mount away', code: `call(${numberOf('umount2')}, 0, 2)`, refusal: 'gave -1', byNamespace: /^gave -(1|14)$/ },
  { name: 'rename the machine', code: `call(${numberOf('sethostname')}, 0, 0)`, refusal: 'gave -1' },
  { name: 'load a kernel module', code: `call(${numberOf('init_module')}, 0, 0, 0)`, refusal: 'gave -1', byNamespace: /^gave -(1|38)$/ },
];

let isolation: NamespaceIsolation;
let neighbour: Escaped;
let connections = 0;
const servers: Server[] = [];

async function listen(where: { port: number; host: string } | { path: string }): Promise<number> {
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(where, resolve));
  const address = server.address() as AddressInfo | string;
  return typeof address === 'string' ? 0 : address.port;
}

function pidOf({ programPid }: Escaped): number {
  const pid = programPid();
  if (pid === undefined) throw new Error('the wrapper has not said which process it made');
  return pid;
}

beforeAll(async () => {
  isolation = await namespaceIsolation();
  neighbour = await escape('return 0;', isolation);
  await neighbour.said;
});

afterAll(async () => {
  await neighbour.stop();
  for (const server of servers) server.close();
});

describe('native code in the namespaces of a sandbox process', () => {
  let filtered: Record<string, string>;
  let unfiltered: Record<string, string>;

  beforeAll(async () => {
    const port = await listen({ port: 0, host: '127.0.0.1' });
    await listen({ port, host: '::1' });
    await listen({ path: ABSTRACT_SOCKET });
    const fill = (code: string): string =>
      code
        .replaceAll('HOST', String(process.pid))
        .replaceAll('NEIGHBOUR', String(pidOf(neighbour)))
        .replaceAll('PORT', String(port));
    const filled = Object.fromEntries(attempts.map(({ name, code }) => [name, fill(code)]));
    filtered = await attempt(filled, isolation);
    unfiltered = await attempt(filled, { ...isolation, filter: undefined });
  });

  it.each(attempts)('cannot $name', ({ name, refusal }) => {
    expect(filtered[name]).toMatch(exactly(refusal));
  });

  it.each(attempts)('cannot $name, by the namespaces alone', ({ name, refusal, byNamespace }) => {
    expect(unfiltered[name]).toMatch(exactly(byNamespace ?? refusal));
  });

  it('has reached nobody and ended nobody after all that', () => {
    expect(connections).toBe(0);
    process.kill(pidOf(neighbour), 0);
  });

  it('finds nothing but the engine, its libraries and its own folder', async () => {
    const found = await whenEscaped(`return fs.readdirSync('/');`, isolation);
    const expected = [process.execPath, ...isolation.libraries, '/tmp'].map((path) => path.split('/')[1]);
    expect(found).toEqual([...new Set(expected)].sort());
  });

  it('is nobody, the first process, on a machine without a name', async () => {
    expect(await whenEscaped(`return [process.getuid(), process.getgid(), process.pid, process.ppid, os.hostname()];`, isolation)).toEqual([
      65_534,
      65_534,
      1,
      0,
      'sandbox',
    ]);
  });

  it('has no environment but the folder that it stands in', async () => {
    expect(await whenEscaped('return { ...process.env };', isolation)).toEqual({ PWD: '/' });
  });
});

function exactly(refusal: string | RegExp): RegExp {
  return typeof refusal === 'string' ? new RegExp(`^${refusal}$`) : refusal;
}

describe('the kernel', () => {
  it.each(['user', 'pid', 'net', 'ipc', 'uts', 'mnt', 'cgroup'])('keeps a sandbox process in a %s namespace of its own', async (kind) => {
    const [ours, theirs] = await Promise.all(['self', pidOf(neighbour)].map((pid) => readlink(`/proc/${pid}/ns/${kind}`)));
    expect(theirs).not.toBe(ours);
  });

  it('gives a sandbox process no capability, no way to new ones, and a filter', async () => {
    const status = await readFile(`/proc/${pidOf(neighbour)}/status`, 'utf8');
    const fields = Object.fromEntries(status.split('\n').map((line) => line.split(':\t')));
    const none = '0'.repeat(16);
    expect(fields).toMatchObject({ CapInh: none, CapPrm: none, CapEff: none, CapBnd: none, CapAmb: none, NoNewPrivs: '1', Seccomp: '2' });
  });

  it('lets a sandbox process inherit no file and no socket but its stdio and the pipe of answers', async () => {
    const folder = `/proc/${pidOf(neighbour)}`;
    const mounts = (await readFile(`${folder}/mountinfo`, 'utf8')).split('\n').map((line) => line.split(' ')[0]);
    const foreign: string[] = [];
    let sockets = 0;
    for (const file of await readdir(`${folder}/fd`)) {
      const target = await readlink(`${folder}/fd/${file}`);
      const [, mount = ''] = /^mnt_id:\s+(\d+)$/m.exec(await readFile(`${folder}/fdinfo/${file}`, 'utf8')) ?? [];
      if (target.startsWith('/') && !mounts.includes(mount)) foreign.push(target);
      if (target.startsWith('socket:')) sockets += 1;
    }
    expect({ foreign, sockets }).toEqual({ foreign: [], sockets: 4 });
  });

  it('takes a sandbox process off the terminal of the host, and gives way to the host', async () => {
    const stat = await readFile(`/proc/${pidOf(neighbour)}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [session, nice] = [fields[3], fields[16]];
    const own = await readFile('/proc/self/stat', 'utf8');
    expect(session).not.toBe(own.slice(own.lastIndexOf(')') + 2).split(' ')[3]);
    expect(Number(nice)).toBeGreaterThanOrEqual(10);
  });
});

describe('the seccomp filter', () => {
  let said: Record<string, string>;
  const names = Object.keys(DENIED_SYSCALLS).filter((name) => DENIED_SYSCALLS[name]?.[COLUMN] !== null);

  beforeAll(async () => {
    said = await attempt(Object.fromEntries(names.map((name) => [name, `call(${numberOf(name)})`])), isolation);
  });

  it.each(names)('refuses %s', (name) => expect(said[name]).toBe('gave -1'));

  it('lets threads start and processes not, however they are asked for', async () => {
    const threads = `await new Promise((resolve, reject) => {
      const worker = new (require('node:worker_threads').Worker)('', { eval: true });
      worker.once('exit', resolve); worker.once('error', reject);
    })`;
    const [CLONE_VM, CLONE_NEWUSER, CLONE_NEWNET, SIGCHLD] = [0x100, 0x10000000, 0x40000000, 17];
    expect(
      await attempt(
        {
          thread: threads,
          program: `childProcess.spawnSync(process.execPath, ['--version']).error?.code`,
          fork: `call(${CLONE[COLUMN]}, ${SIGCHLD})`,
          shared: `call(${CLONE[COLUMN]}, ${CLONE_VM | SIGCHLD})`,
          user: `call(${CLONE[COLUMN]}, ${CLONE_NEWUSER | SIGCHLD})`,
          network: `call(${CLONE[COLUMN]}, ${CLONE_NEWNET | 0x10000})`,
          clone3: `call(${CLONE3[COLUMN]})`,
          bomb: `(() => { for (let count = 0; count < 10_000; count += 1) if (call(${CLONE[COLUMN]}, ${SIGCHLD}) !== -1) return count; return 'none'; })()`,
        },
        isolation,
      ),
    ).toEqual({
      thread: 'gave 0',
      program: 'gave EPERM',
      fork: 'gave -1',
      shared: 'gave -1',
      user: 'gave -1',
      network: 'gave -1',
      clone3: 'gave -38',
      bomb: 'gave none',
    });
  });

  it.runIf(process.arch === 'x64')('ends a program that calls by the numbers of another ABI', async () => {
    const escaped = await escape(`return call(0x40000000 + 39);`, isolation);
    await expect(escaped.said).rejects.toThrow();
    expect(await escaped.ended).toBe(128 + 31);
    await escaped.stop();
  });
});

describe.each(['namespace', 'process'])('a sandbox process with %s isolation', (kind) => {
  const chosen = (): NamespaceIsolation | typeof PROCESS_ISOLATION => (kind === 'namespace' ? isolation : PROCESS_ISOLATION);

  it('has the resource limits of the kernel', async () => {
    const escaped = await escape('return 0;', chosen());
    await escaped.said;
    const limits = await readFile(`/proc/${pidOf(escaped)}/limits`, 'utf8');
    await escaped.stop();
    const hard = Object.fromEntries([...limits.matchAll(/^(Max [a-z ]+?)\s{2,}\S+\s+(\S+)/gm)].map(([, name, value]) => [name, value]));
    expect(hard).toMatchObject({
      'Max file size': '0',
      'Max core file size': '0',
      'Max open files': '128',
      'Max locked memory': '0',
      'Max data size': String(2 * 1024 ** 3),
    });
  });

  it('cannot open many files, nor set much memory aside', async () => {
    expect(
      await attempt(
        {
          files: `Array.from({ length: 200 }, () => fs.openSync(process.execPath))`,
          memory: `Array.from({ length: 10 }, () => Buffer.alloc(2 ** 29)).length`,
        },
        chosen(),
      ),
    ).toEqual({ files: 'EMFILE', memory: expect.stringMatching(/ERR_MEMORY_ALLOCATION_FAILED|Array buffer allocation failed/) });
  });

  it('is ended when it holds too much memory, seen from outside', async () => {
    const MiB = 2 ** 20;
    const folder = await farSide(`const held = [];
      for (;;) { held.push(new Uint8Array(${32 * MiB}).fill(1)); await new Promise((resolve) => setTimeout(resolve, 20)); }`);
    const limits = limitsWith({ maxMemoryBytes: 8 * MiB });
    const process = new SandboxProcess({ folder, limits, isolation: chosen(), onStderr: () => undefined });
    expect(await process.call(readCall({ limits }))).toMatchObject({ kind: 'killed', cause: 'memory' });
  });

  it('is ended when it has many threads, seen from outside', async () => {
    const folder = await farSide(
      `await new Promise(() => undefined);`,
      `import { pbkdf2 } from 'node:crypto';
      process.env.UV_THREADPOOL_SIZE = '100';
      for (let at = 0; at < 100; at += 1) pbkdf2('a', 'b', 1e8, 64, 'sha512', () => undefined);`,
    );
    const process = new SandboxProcess({ folder, limits: limitsWith(), isolation: chosen(), onStderr: () => undefined });
    const outcome = await process.call(readCall());
    expect(outcome).toMatchObject({ kind: 'killed', cause: 'limit', reason: expect.stringMatching(/had 1\d\d threads; at most 64/) });
  });

  it('leaves nothing running when it is ended', async () => {
    const before = await descendantsOf(process.pid);
    const sandbox = new SandboxProcess({
      folder: await farSide('for (;;);'),
      limits: limitsWith(),
      isolation: chosen(),
      onStderr: () => undefined,
    });
    const call = sandbox.call(readCall({ limits: { callTimeoutMs: 500 } }));
    expect(await call).toMatchObject({ kind: 'killed', cause: 'timeout' });
    await expect.poll(async () => (await descendantsOf(process.pid)).filter((pid) => !before.includes(pid))).toEqual([]);
  });
});

it('without namespaces cannot write a byte to a file either', async () => {
  expect(await attempt({ write: `fs.writeFileSync(FOLDER + '/written', 'x')` }, PROCESS_ISOLATION)).toEqual({ write: 'EFBIG' });
});
