import { afterEach, expect, it, vi } from 'vitest';
import { PROCESS_ISOLATION } from '../../host/sandbox/isolation.ts';
import { SandboxProcess } from '../../host/sandbox/sandbox-process.ts';
import { farSide, limitsWith, readCall } from '../helpers/far-side.ts';
import { residentMib } from '../helpers/processes.ts';

const CALLS = 40;
/** Sooner than the engine would collect of its own accord. */
const REST_MS = 4_000;

let sandbox: SandboxProcess | undefined;

afterEach(() => sandbox?.kill('cancelled', 'the test is over'));

it('a process without calls gives back what its calls took, and the room that they took it from', async () => {
  const folder = await farSide(`globalThis.kept = Array.from({ length: 100_000 }, (_, index) => ({ index })); return process.pid;`);
  sandbox = new SandboxProcess({ folder, limits: limitsWith(), isolation: PROCESS_ISOLATION, onStderr: () => undefined });
  const call = async (): Promise<number> => {
    const outcome = await sandbox?.call(readCall());
    if (outcome?.kind !== 'result') throw new Error(JSON.stringify(outcome));
    return Number(outcome.value);
  };
  const pid = await call();
  const afterOneMib = await residentMib(pid);
  for (let at = 0; at < CALLS; at += 1) await call();
  const busyMib = await residentMib(pid);
  await vi.waitFor(async () => expect(await residentMib(pid)).toBeLessThan(afterOneMib + (busyMib - afterOneMib) / 3), {
    timeout: REST_MS,
  });
});
