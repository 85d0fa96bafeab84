import { describe, expect, it } from 'vitest';
import { type FilteredArchitecture, hasFilter, seccompFilter } from '../../../host/sandbox/seccomp.ts';
import { CLONE, CLONE3, DENIED_SYSCALLS } from '../../../host/sandbox/syscalls.ts';

// This machine's kernel runs the filter of its own architecture in test/sandbox; here both are run as the kernel would.

const AUDIT = { x64: 0xc000003e, arm64: 0xc00000b7 } as const;
const [ALLOW, KILL, EPERM, ENOSYS] = [0x7fff0000, 0x80000000, 0x00050001, 0x00050026];

/** What the filter says to a system call: classic BPF of five instructions. */
function verdict(architecture: FilteredArchitecture, call: { number: number; audit?: number; first?: number }): number {
  const program = new DataView(seccompFilter(architecture).buffer);
  const words: Record<number, number> = { 0: call.number, 4: call.audit ?? AUDIT[architecture], 16: call.first ?? 0 };
  let accumulator = 0;
  for (let at = 0; at < program.byteLength; at += 8) {
    const [code, value] = [program.getUint16(at, true), program.getUint32(at + 4, true)];
    const jump = (holds: boolean): void => void (at += 8 * program.getUint8(at + (holds ? 2 : 3)));
    if (code === 0x06) return value;
    if (code === 0x20) accumulator = words[value] ?? Number.NaN;
    else if (code === 0x15) jump(accumulator === value);
    else if (code === 0x35) jump(accumulator >= value);
    else if (code === 0x45) jump((accumulator & value) !== 0);
    else throw new RangeError(`no instruction ${code}`);
  }
  throw new RangeError('the filter has no end');
}

describe.each([
  ['x64', 0, { read: 0, execve: 59, futex: 202, mmap: 9 }],
  ['arm64', 1, { read: 63, execve: 221, futex: 98, mmap: 222 }],
] as const)('the filter for %s', (architecture, column, allowed) => {
  it.each(Object.entries(allowed))('allows %s', (_, number) => expect(verdict(architecture, { number })).toBe(ALLOW));

  it.each(Object.entries(DENIED_SYSCALLS).filter(([, numbers]) => numbers[column] !== null))('refuses %s', (_, numbers) =>
    expect(verdict(architecture, { number: numbers[column] ?? -1 })).toBe(EPERM),
  );

  it('lets threads be made, and neither processes nor namespaces', () => {
    const clone = (first: number): number => verdict(architecture, { number: CLONE[column], first });
    const [CLONE_THREAD, SIGCHLD] = [0x10000, 17];
    const namespaces = [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000];
    expect(clone(CLONE_THREAD)).toBe(ALLOW);
    expect([SIGCHLD, ...namespaces, ...namespaces.map((flag) => flag | CLONE_THREAD)].map(clone)).toEqual(Array(15).fill(EPERM));
    expect(verdict(architecture, { number: CLONE3[column] })).toBe(ENOSYS);
  });

  it('ends a program that calls by the numbers of another architecture', () => {
    const other = architecture === 'x64' ? AUDIT.arm64 : AUDIT.x64;
    expect(verdict(architecture, { number: 0, audit: other })).toBe(KILL);
    expect(verdict(architecture, { number: 0x40000000 })).toBe(KILL);
  });
});

it('the table holds what matters most, by the numbers of the kernel', () => {
  expect(DENIED_SYSCALLS).toMatchObject({
    socket: [41, 198],
    connect: [42, 203],
    kill: [62, 129],
    fork: [57, null],
    ptrace: [101, 117],
    process_vm_writev: [311, 271],
    pidfd_getfd: [438, 438],
    unshare: [272, 97],
    setns: [308, 268],
    mount: [165, 40],
    open_by_handle_at: [304, 265],
    setuid: [105, 146],
    bpf: [321, 280],
    perf_event_open: [298, 241],
    io_uring_setup: [425, 425],
    userfaultfd: [323, 282],
    keyctl: [250, 219],
    memfd_create: [319, 279],
    init_module: [175, 105],
    kexec_load: [246, 104],
  });
});

it('there is none for an architecture whose numbers are not in the table', () => {
  expect(['x64', 'arm64', 'riscv64', 'toString'].map(hasFilter)).toEqual([true, true, false, false]);
});
