import { findIsolation } from '../../host/sandbox/find-isolation.ts';
import { type Isolation, PROCESS_ISOLATION } from '../../host/sandbox/isolation.ts';
import { SandboxProcess } from '../../host/sandbox/sandbox-process.ts';
import { farSide, limitsWith, readCall } from '../helpers/far-side.ts';
import { compared, type Figure, median, timings } from './figure.ts';

const STARTS = 15;
const CALLS = 1_000;

/** What namespaces around a sandbox process cost, with a far side that does nothing: to the first answer, and for each call. */
export async function benchIsolation(): Promise<Figure[]> {
  const { isolation, description } = await findIsolation('auto');
  if (isolation.kind === 'process') {
    process.stderr.write(`no figures of namespaces: isolation is ${description}\n`);
    return [];
  }
  const folder = await farSide('return 0;');
  const starts: Record<'namespace' | 'process', number[]> = { namespace: [], process: [] };
  // In turns, so that a busy moment of the machine falls on both.
  for (let round = 0; round < STARTS; round += 1) {
    starts.namespace.push(await startMs(folder, isolation));
    starts.process.push(await startMs(folder, PROCESS_ISOLATION));
  }
  const calls = { namespace: await callMs(folder, isolation), process: await callMs(folder, PROCESS_ISOLATION) };
  return [
    compared('sandbox process to first answer, namespaces', 'ms', median(starts.namespace), {
      name: 'process',
      value: median(starts.process),
    }),
    compared('call without a guest, namespaces', 'ms', calls.namespace, { name: 'process', value: calls.process }),
  ];
}

function open(folder: string, isolation: Isolation): SandboxProcess {
  return new SandboxProcess({ folder, limits: limitsWith(), isolation, onStderr: () => undefined });
}

async function call(process: SandboxProcess): Promise<void> {
  const outcome = await process.call(readCall());
  if (outcome.kind !== 'result') throw new Error(JSON.stringify(outcome));
}

async function startMs(folder: string, isolation: Isolation): Promise<number> {
  const beganMs = performance.now();
  const process = open(folder, isolation);
  await call(process);
  const tookMs = performance.now() - beganMs;
  process.kill('cancelled', 'measured');
  return tookMs;
}

/** Of one call in a warm process, the median. */
export async function callMs(folder: string, isolation: Isolation): Promise<number> {
  const process = open(folder, isolation);
  const calls = await timings(CALLS, () => call(process));
  process.kill('cancelled', 'measured');
  return median(calls);
}
