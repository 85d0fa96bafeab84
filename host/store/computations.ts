import type { Computation } from './computation.ts';
import { RANK_PASSAGES } from './passage-ranking.ts';

const COMPUTATIONS: readonly Computation<unknown>[] = [RANK_PASSAGES];

/** By name, in the thread that has the database. */
export function computationOf(name: string): Computation<unknown> {
  const computation = COMPUTATIONS.find((candidate) => candidate.name === name);
  if (computation === undefined) throw new TypeError(`there is no computation "${name}"`);
  return computation;
}
