import { type ChildProcess, spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { findProgram } from './find-program.ts';
import type { Isolation } from './isolation.ts';
import { FILTER_FD, namespaceArguments, PID_FD } from './namespace.ts';
import { ANSWERS_FD } from './protocol.ts';

const LOW_PRIORITY = 10;
/** Node holds about thirty: the engine's own, its stdio, and the files it reads while it starts. */
const MAX_OPEN_FILES = 128;
const MAX_PID_NOTE_BYTES = 4_096;

/** A command line and what the process may have. */
export interface Launch {
  /** The program by its absolute path, and its arguments. */
  command: readonly [program: string, ...args: string[]];
  /** Absolute paths of files and folders that exist for it, where namespaces hide all others. */
  readable: readonly string[];
  /** Of memory that it may write to, resident or not: `RLIMIT_DATA`. */
  maxDataBytes: number;
  /** How tightly it is bound. */
  isolation: Isolation;
}

/** A started process, talked to by its stdio. Killing `child` ends everything in it. */
export interface Launched {
  child: ChildProcess;
  /** A second way in, for what it reads apart: `ANSWERS_FD` of the program. */
  answers: Writable | undefined;
  /** The program itself as the host's kernel knows it, not the wrapper around it; undefined until that is known. */
  programPid(): number | undefined;
}

/**
 * Starts a program with an empty environment, low priority and the tightest bounds that `isolation` and this machine
 * have. It ends when the host ends.
 */
export function launch(options: Launch): Launched {
  const { isolation } = options;
  const bounds = resourceBounds(options.maxDataBytes);
  return isolation.kind === 'namespace' ? launchInNamespace(options, isolation, bounds) : launchAsProcess(options, bounds);
}

/** On Linux `setpriv` ties its life to ours, so that a spinning guest does not outlive a killed host. */
function launchAsProcess({ command }: Launch, bounds: string[]): Launched {
  const setpriv = process.platform === 'linux' ? findProgram('setpriv') : undefined;
  const bound = setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'KILL', '--no-new-privs', '--'];
  const child = start([...bounds, ...bound, ...command], ['pipe', 'pipe', 'pipe', 'pipe']);
  // Every program in front of it makes way for the next: the first one's number stays.
  return { child, answers: writable(child, ANSWERS_FD), programPid: () => child.pid };
}

function launchInNamespace(options: Launch, isolation: Isolation & { kind: 'namespace' }, bounds: string[]): Launched {
  const { bubblewrap, libraries, filter } = isolation;
  const [node] = options.command;
  const wrapper = [
    bubblewrap,
    ...namespaceArguments({ readable: [node, ...libraries, ...options.readable], filtered: filter !== undefined }),
  ];
  const child = start([...bounds, ...wrapper, '--', ...options.command], ['pipe', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe']);
  let programPid: number | undefined;
  readPid(child.stdio?.[PID_FD] as Readable | undefined, (pid) => {
    programPid = pid;
    lowerPriority(pid);
  });
  writable(child, FILTER_FD)?.end(filter);
  return { child, answers: writable(child, ANSWERS_FD), programPid: () => programPid };
}

function start(command: readonly string[], stdio: 'pipe'[]): ChildProcess {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { cwd: '/', env: {}, stdio });
  if (child.pid !== undefined) lowerPriority(child.pid);
  return child;
}

/** A way into a process. One that ends before it has read is reported by its exit. */
function writable(child: ChildProcess, fd: number): Writable | undefined {
  const input = child.stdio?.[fd] as Writable | undefined;
  input?.on('error', () => undefined);
  return input;
}

/** The wrapper says once, as JSON, which process it made. */
function readPid(note: Readable | undefined, take: (pid: number) => void): void {
  let text = '';
  note?.on('error', () => undefined);
  note?.on('data', (chunk: Uint8Array) => {
    if (text.length < MAX_PID_NOTE_BYTES) text += Buffer.from(chunk).toString('utf8');
    const [, pid] = /"child-pid": (\d+)\b(?=[,\s])/.exec(text) ?? [];
    if (pid !== undefined) take(Number(pid));
  });
}

/**
 * Caps of the kernel's own, where `prlimit` is there: no core dump, no byte written to any file, few open files, and an
 * end to memory that is faster than the host looks. Not the number of processes: the kernel counts a user's, not a
 * program's, and root's never.
 */
function resourceBounds(maxDataBytes: number): string[] {
  const prlimit = process.platform === 'linux' ? findProgram('prlimit') : undefined;
  if (prlimit === undefined) return [];
  return [prlimit, `--data=${maxDataBytes}`, `--nofile=${MAX_OPEN_FILES}`, '--core=0', '--fsize=0', '--memlock=0', '--'];
}

function lowerPriority(pid: number): void {
  try {
    setPriority(pid, LOW_PRIORITY);
  } catch {
    // It has already ended, which its exit event says.
  }
}
