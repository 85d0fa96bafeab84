import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Does something while this process and another one share one processor, so that neither has to wake an idle one: in a virtual
 * machine that takes longer than all that a message costs. Linux with util-linux; undefined elsewhere.
 */
export async function onOneProcessor<T>(pid: number, work: () => Promise<T>): Promise<T | undefined> {
  const pids = [String(process.pid), String(pid)];
  const before = await run('taskset', ['-p', String(process.pid)]).catch(() => undefined);
  const mask = /: ([0-9a-f]+)\s*$/.exec(before?.stdout ?? '')?.[1];
  if (mask === undefined) return undefined;
  const set = (to: string): Promise<unknown> => Promise.all(pids.map((one) => run('taskset', ['-ap', to, one])));
  // The lowest that this process may use at all.
  const allowed = BigInt(`0x${mask}`);
  try {
    await set((allowed & -allowed).toString(16));
    return await work();
  } finally {
    await set(mask);
  }
}
