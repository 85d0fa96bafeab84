import { availableParallelism } from 'node:os';

/** How long the event loop is kept turning for a message that may come at any moment: several times what a guest takes to ask again. */
export const STAY_AWAKE_MS = 0.1;

/** On a single processor whoever stays awake keeps the one that it waits for from running. */
const IS_ALONE = availableParallelism() === 1;

let untilMs = 0;
let turning = false;

/**
 * Keeps this process's event loop turning for a moment, instead of letting its processor go idle: everything else has its turns,
 * and what comes in that moment is read at once. To wake an idle processor of a virtual machine takes longer than to answer.
 */
export function stayAwake(nowMs: number): void {
  if (IS_ALONE) return;
  untilMs = nowMs + STAY_AWAKE_MS;
  if (turning) return;
  turning = true;
  setImmediate(turn);
}

function turn(): void {
  if (performance.now() < untilMs) setImmediate(turn);
  else turning = false;
}
