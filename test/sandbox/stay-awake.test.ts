import { availableParallelism } from 'node:os';
import { afterEach, expect, it } from 'vitest';
import { PROCESS_ISOLATION } from '../../host/sandbox/isolation.ts';
import { SandboxProcess } from '../../host/sandbox/sandbox-process.ts';
import { farSide, limitsWith, powersOf, readCall } from '../helpers/far-side.ts';

let sandbox: SandboxProcess | undefined;

afterEach(() => sandbox?.kill('cancelled', 'the test is over'));

/** For each question of a guest that asks `times` in a row: whether the host's event loop was kept turning while it came. */
async function awakeAt(times: number): Promise<boolean[]> {
  const folder = await farSide(`for (let at = 0; at < ${times}; at += 1) imports['lorelai:datasource/storage'].get('notes', 'a');`);
  const awake: boolean[] = [];
  const powers = powersOf({
    'storage.get': () => {
      awake.push(process.getActiveResourcesInfo().includes('Immediate'));
      return Promise.resolve({ ok: true, value: null });
    },
  });
  sandbox = new SandboxProcess({ folder, limits: limitsWith(), isolation: PROCESS_ISOLATION, onStderr: () => undefined });
  const outcome = await sandbox.call(readCall({ powers }));
  expect(outcome).toMatchObject({ kind: 'result' });
  return awake;
}

it.skipIf(availableParallelism() === 1)('a guest that asks in a row finds the host awake', async () => {
  const awake = await awakeAt(2_000);
  expect(awake).toHaveLength(2_000);
  // Whatever else the machine has to do meanwhile.
  expect(awake.filter(Boolean).length).toBeGreaterThan(100);
});
