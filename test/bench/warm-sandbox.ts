import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DEFAULT_LIMITS } from '../../host/domain/limits.ts';
import { Meter } from '../../host/domain/meter.ts';
import { createCompiler } from '../../host/sandbox/compile.ts';
import { PROCESS_ISOLATION } from '../../host/sandbox/isolation.ts';
import type { SandboxCall } from '../../host/sandbox/sandbox-call.ts';
import { SandboxProcess } from '../../host/sandbox/sandbox-process.ts';
import { readCall } from '../helpers/far-side.ts';
import { childrenOf, residentMib } from '../helpers/processes.ts';

/** One sandbox process with a component in it. */
export interface WarmSandbox {
  pid: number;
  /** Of the compiled component. */
  folder: string;
  /** One call in a fresh instance, `describe` when nothing is said. */
  call(what?: Partial<SandboxCall>): Promise<unknown>;
  residentMib(): Promise<number>;
  /** What the process has had of all processors since its start. */
  processorMs(): Promise<number>;
  close(): void;
}

/** Compiles a component and starts a process for it; gives it once the first call has ended. */
export async function warmSandbox(component: Uint8Array, scratch: string): Promise<WarmSandbox> {
  const compiler = createCompiler({ cacheFolder: join(scratch, 'compiled'), isolation: PROCESS_ISOLATION });
  const { report, folder } = await compiler.examine(component);
  if (folder === undefined) throw new Error(JSON.stringify(report.problems));
  const before = new Set(await childrenOf(process.pid));
  const sandbox = new SandboxProcess({ folder, limits: DEFAULT_LIMITS, isolation: PROCESS_ISOLATION, onStderr: () => undefined });
  const call = async (what: Partial<SandboxCall> = {}): Promise<unknown> => {
    const outcome = await sandbox.call({ ...readCall(), meter: new Meter(DEFAULT_LIMITS), function: 'describe', ...what });
    if (outcome.kind !== 'result') throw new Error(JSON.stringify(outcome));
    return outcome.value;
  };
  await call();
  const [pid = 0] = (await childrenOf(process.pid)).filter((child) => !before.has(child));
  return {
    pid,
    folder,
    call,
    residentMib: () => residentMib(pid),
    processorMs: () => processorMs(pid),
    close: () => sandbox.kill('cancelled', 'measured'),
  };
}

/** Fields 14 and 15 of proc_pid_stat(5), in hundredths of a second. */
async function processorMs(pid: number): Promise<number> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
