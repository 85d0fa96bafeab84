import type { Actor, Caller } from '../domain/caller.ts';
import type { Expectation } from '../domain/expectation.ts';
import type { Services } from '../services/services.ts';
import type { Thing } from './things.ts';
import type { SchemaName } from './validation.ts';

interface Conditional<P, Q> {
  of?: Thing<P, Q>;
  makes?: true;
  method: string;
  success: { schema: SchemaName | undefined };
}

interface Asked<P, Q> {
  path: P;
  query: Q;
  caller: Caller;
  actor: Actor;
  /** Of `If-Match`. */
  ifState: number | undefined;
}

/**
 * Does what a route does, on the condition of `If-Match`, and gives the state that its answer shows. CHANGED_MEANWHILE: at once
 * when the thing is in another state already, else in the transaction of the change.
 */
export async function conditionally<P, Q, R>(
  services: Services,
  { of, makes, method, success }: Conditional<P, Q>,
  { actor, ifState, ...request }: Asked<P, Q>,
  handle: (actor: Actor) => Promise<R>,
): Promise<{ result: R; state: number | undefined }> {
  if (makes === true) {
    const expects: Expectation = { thing: undefined, state: undefined, made: undefined };
    return { result: await handle({ ...actor, expects }), state: expects.made };
  }
  if (of === undefined) return { result: await handle(actor), state: undefined };
  const thing = await of.find(services, request);
  const before = await services.changes.stateOf(thing);
  const isShown = success.schema !== undefined && of.shownAs.includes(success.schema);
  if (method === 'GET') return { result: await handle(actor), state: isShown ? before : undefined };
  const expects: Expectation = { thing, state: ifState, made: undefined };
  // What has no entry may not be there at all: its service says so.
  if (before > 0) await services.changes.verifyExpected(expects);
  const result = await handle({ ...actor, expects });
  // There was nothing to change, and so no transaction to decide in.
  await services.changes.verifyExpected(expects);
  return { result, state: isShown ? (expects.made ?? before) : undefined };
}
