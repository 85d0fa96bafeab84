import type { Launched } from './launch.ts';
import { ProcessUsage } from './process-usage.ts';

const CHECK_MS = 50;

/**
 * Looks at what a process holds resident, from its start until the function that it gives is called, and says so each time
 * when that is more than it may. Linux only: elsewhere the engine's own caps and the deadlines stand alone.
 */
export function watchMemory({ programPid }: Pick<Launched, 'programPid'>, maxResidentBytes: number, onExceeded: () => void): () => void {
  let usage: ProcessUsage | undefined;
  const timer = setInterval(() => {
    const pid = programPid();
    if (pid !== undefined) usage ??= ProcessUsage.open(pid);
    const { residentBytes = 0 } = usage?.read() ?? {};
    if (residentBytes > maxResidentBytes) onExceeded();
  }, CHECK_MS).unref();
  return () => {
    clearInterval(timer);
    usage?.close();
    usage = undefined;
  };
}
