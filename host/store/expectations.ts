import type { Actor } from '../domain/caller.ts';
import { RequestError } from '../domain/errors.ts';
import type { Expectation, LoggedThing } from '../domain/expectation.ts';
import { HOST_CHAIN } from './chain.ts';
import { ExpectationError, operation } from './database.ts';
import type { Database, Operation } from './database.ts';
import { defineStatement } from './statement.ts';

const STATE = defineStatement<{ chain: string; target: string }, number>(
  'changes.state',
  `SELECT coalesce(max(sequence), 0) AS state FROM changes WHERE chain = :chain AND json_extract(entry, '$.target') = :target`,
  (row) => row.number('state'),
);

// One row or none: it is there to be counted.
const GUARD = defineStatement<{ chain: string; target: string; state: number }>(
  'changes.guard-state',
  `SELECT 1 AS holds WHERE :state =
     (SELECT coalesce(max(sequence), 0) FROM changes WHERE chain = :chain AND json_extract(entry, '$.target') = :target)`,
);

/** The state that a thing is in: the number of its newest entry in the log of changes, 0 when it has none. */
export async function stateOf(database: Database, thing: LoggedThing): Promise<number> {
  return (await database.readOne(STATE, inChain(thing))) ?? 0;
}

/** The database whose next successful `write` happens only in the state that the actor expects: CHANGED_MEANWHILE otherwise. */
export function expecting(database: Database, { expects }: Actor): Database {
  let met = false;
  return {
    ...database,
    async write(operations) {
      if (met) return database.write(operations);
      const result = await refusing(expects, () => database.write([...operations, ...guardsOf(expects)]));
      met = true;
      return result;
    },
  };
}

/** Of a transaction: it fails when the thing is in another state. What the request itself has changed needs none any more. */
export function guardsOf(expects: Expectation | undefined): Operation[] {
  const { thing, state, made } = expects ?? {};
  if (thing === undefined || state === undefined || made !== undefined) return [];
  return [operation(GUARD, { ...inChain(thing), state }, { expectChanges: 1 })];
}

/** CHANGED_MEANWHILE when it is the guard that a transaction failed at. */
export async function refusing<T>(expects: Expectation | undefined, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (!(error instanceof ExpectationError) || error.statement !== GUARD.name) throw error;
    throw changedMeanwhile(expects, error);
  }
}

/** CHANGED_MEANWHILE. */
export function changedMeanwhile(expects: Expectation | undefined, cause?: unknown): RequestError {
  return new RequestError('CHANGED_MEANWHILE', `It has been changed since state ${expects?.state ?? 0}.`, {
    remedy: 'Read it again, and decide by what it is now.',
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Tells a request which state it has brought its thing to. What it makes is whatever it puts on record first. */
export function noteMade(expects: Expectation | undefined, { organisation, target }: LoggedThing, sequence: number | undefined): void {
  if (expects === undefined) return;
  const { thing, made } = expects;
  const isIt = thing === undefined ? made === undefined : thing.organisation === organisation && thing.target === target;
  if (isIt) expects.made = sequence;
}

function inChain({ organisation, target }: LoggedThing): { chain: string; target: string } {
  return { chain: organisation ?? HOST_CHAIN, target };
}
