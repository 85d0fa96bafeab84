import { CLONE, CLONE3, DENIED_SYSCALLS } from './syscalls.ts';

/**
 * A seccomp filter: a small program that the kernel runs before each system call.
 *
 * What is not denied is allowed: Node and V8 need some hundred calls, which differ by version, and namespaces already
 * leave nothing to reach. The list takes away what talks to others, makes processes, or opens large parts of the kernel.
 *
 * Format: https://www.kernel.org/doc/html/latest/userspace-api/seccomp_filter.html
 */

/** What the kernel says of each architecture (AUDIT_ARCH_*), and which column of the table is its own. */
const ARCHITECTURES = {
  x64: { audit: 0xc000003e, column: 0 },
  arm64: { audit: 0xc00000b7, column: 1 },
} as const;

export type FilteredArchitecture = keyof typeof ARCHITECTURES;

/** Offsets in `struct seccomp_data`; of the first argument, the low half. */
const [NUMBER_AT, ARCHITECTURE_AT, FIRST_ARGUMENT_AT] = [0, 4, 16];
/** Of classic BPF: load a word, jump if equal, if greater or equal, if any bit is set; return. */
const [LOAD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_ANY_BIT, RETURN] = [0x20, 0x15, 0x35, 0x45, 0x06];
const [ALLOW, KILL_PROCESS, FAIL_WITH] = [0x7fff0000, 0x80000000, 0x00050000];
const [EPERM, ENOSYS] = [1, 38];
/** Numbers from here on are x86's third ABI, which would go around a list of the first one's numbers. */
const X32 = 0x40000000;
const CLONE_THREAD = 0x00010000;
/** CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET. */
const CLONE_NEW = 0x7e020000;
const INSTRUCTION_BYTES = 8;

interface Instruction {
  code: number;
  value: number;
  /** How many instructions to leave out when the condition holds, and when not: 0 to 255. */
  whenTrue?: number;
  whenFalse?: number;
}

/** Whether there is a filter for this architecture (`process.arch`). */
export function hasFilter(architecture: string): architecture is FilteredArchitecture {
  return Object.hasOwn(ARCHITECTURES, architecture);
}

/** The filter as the kernel takes it: an array of `struct sock_filter`, little-endian. */
export function seccompFilter(architecture: FilteredArchitecture): Uint8Array {
  const { audit, column } = ARCHITECTURES[architecture];
  const denied = Object.values(DENIED_SYSCALLS).flatMap((numbers) => numbers[column] ?? []);
  return assemble([
    { code: LOAD, value: ARCHITECTURE_AT },
    { code: JUMP_EQUAL, value: audit, whenTrue: 1 },
    give(KILL_PROCESS),
    { code: LOAD, value: NUMBER_AT },
    { code: JUMP_AT_LEAST, value: X32, whenFalse: 1 },
    give(KILL_PROCESS),
    { code: JUMP_EQUAL, value: CLONE3[column], whenFalse: 1 },
    give(FAIL_WITH | ENOSYS),
    ...denied.flatMap((number) => [{ code: JUMP_EQUAL, value: number, whenFalse: 1 }, give(FAIL_WITH | EPERM)]),
    { code: JUMP_EQUAL, value: CLONE[column], whenTrue: 1 },
    give(ALLOW),
    { code: LOAD, value: FIRST_ARGUMENT_AT },
    { code: JUMP_ANY_BIT, value: CLONE_NEW, whenTrue: 1 },
    { code: JUMP_ANY_BIT, value: CLONE_THREAD, whenTrue: 1 },
    give(FAIL_WITH | EPERM),
    give(ALLOW),
  ]);
}

function give(verdict: number): Instruction {
  return { code: RETURN, value: verdict };
}

function assemble(instructions: readonly Instruction[]): Uint8Array {
  const program = new Uint8Array(instructions.length * INSTRUCTION_BYTES);
  const view = new DataView(program.buffer);
  for (const [index, { code, value, whenTrue = 0, whenFalse = 0 }] of instructions.entries()) {
    const at = index * INSTRUCTION_BYTES;
    view.setUint16(at, code, true);
    view.setUint8(at + 2, whenTrue);
    view.setUint8(at + 3, whenFalse);
    view.setUint32(at + 4, value, true);
  }
  return program;
}
