import { setTimeout as sleep } from 'node:timers/promises';
import type { RunState } from '../domain/run-kind.ts';
import type { Run } from '../services/runs/run-view.ts';
import type { RunService } from '../services/runs/run-service.ts';
import { Interrupted } from './exit.ts';
import type { Progress } from './progress.ts';

/** A held run waits for an operator, whom nobody waits for. */
const FINAL_STATES: readonly RunState[] = ['succeeded', 'partial', 'failed', 'cancelled', 'held'];
/** How often to look at runs that another host works on. */
const LOOK_MS = 250;

export interface FollowOptions {
  organisation: string;
  signal: AbortSignal;
  progress: Progress;
}

/**
 * Works until every one of these runs has ended, waiting for parked ones and for those that another
 * host works on. Throws `Interrupted` when `signal` aborts; the runs then go on from their last
 * commit when they are next worked on.
 */
export async function followRuns(
  runs: RunService,
  ids: readonly string[],
  { organisation, signal, progress }: FollowOptions,
): Promise<Run[]> {
  const onProgress = (run: Run) => {
    if (ids.includes(run.id)) progress.update(run);
  };
  // The first batch may take its time, and a source that is away for ever so long.
  for (const id of ids) progress.update(await runs.get(organisation, id));
  for (;;) {
    await runs.work({ signal, untilIdle: true, onProgress });
    if (signal.aborted) throw stopped();
    const now = await Promise.all(ids.map((id) => runs.get(organisation, id)));
    const open = now.filter(({ state }) => !FINAL_STATES.includes(state));
    if (open.length === 0) return now;
    open.forEach(onProgress);
    try {
      await sleep(LOOK_MS, undefined, { signal });
    } catch {
      throw stopped();
    }
  }
}

/** Whether nothing more happens to a run. */
export function isFinal({ state }: Run): boolean {
  return FINAL_STATES.includes(state);
}

function stopped(): Interrupted {
  return new Interrupted('Stopped. What is committed stays; the same command goes on from there.');
}
