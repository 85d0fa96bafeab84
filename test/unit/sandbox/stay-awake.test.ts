import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { STAY_AWAKE_MS, stayAwake } from '../../../host/sandbox/stay-awake.ts';

const turning = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Immediate').length;

test('the event loop turns for the moment that was asked for, however often, and no longer', async () => {
  const before = turning();
  for (let time = 0; time < 100; time += 1) stayAwake(performance.now() + 20);
  expect(turning()).toBe(before + 1);
  await nextTurn();
  expect(turning()).toBe(before + 1);
  await sleep(20 + STAY_AWAKE_MS + 30);
  expect(turning()).toBe(before);
});

test('what comes meanwhile has its turn, timers and messages alike', async () => {
  const { port1, port2 } = new MessageChannel();
  stayAwake(performance.now() + 5_000);
  const before = turning();
  port1.postMessage('now');
  const [message] = await once(port2, 'message');
  await sleep(5);
  expect(message).toBe('now');
  expect(turning()).toBe(before);
  port1.close();
});

test('a host that has a single processor leaves it to others', async () => {
  const module = new URL('../../../host/sandbox/stay-awake.ts', import.meta.url).href;
  const code = `const { stayAwake } = await import('${module}');
    stayAwake(performance.now() + 1_000);
    console.log(process.getActiveResourcesInfo().includes('Immediate'));`;
  const turns = async (before: string[]): Promise<string> => {
    const [program = '', ...args] = [...before, process.execPath, '--input-type=module', '-e', code];
    return (await promisify(execFile)(program, args)).stdout.trim();
  };
  expect(await turns([])).toBe(String(availableParallelism() > 1));
  expect(await turns(['taskset', '-c', await firstProcessor()])).toBe('false');
});

/** The lowest that this process may use. */
async function firstProcessor(): Promise<string> {
  const status = await readFile('/proc/self/status', 'utf8');
  return /^Cpus_allowed_list:\s*(\d+)/m.exec(status)?.[1] ?? '0';
}
