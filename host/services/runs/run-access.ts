import { GROUPS_STREAM } from '../../domain/run-kind.ts';
import { ContractError } from '../../indexing/contract-fields.ts';
import { toGroupPage } from '../../indexing/validate.ts';
import { connectionWork } from '../../store/connection-work.ts';
import {
  countStagedGroups,
  MAX_GROUPS,
  MAX_MEMBERSHIPS,
  replaceGroups,
  stageGroups,
  unstageGroups,
  type SourceGroup,
} from '../../store/groups.ts';
import { beginListing, commitPage, forgetListing, getListing } from '../../store/listings.ts';
import { setRunFeature } from '../../store/run-progress.ts';
import { DatasourceSession } from '../connections/datasource-session.ts';
import { callWithRetries, decide, type FeatureEnd, type RunPartOptions } from './run-calls.ts';
import type { CallTarget } from '../connections/sandboxed-call.ts';

/**
 * Asks `list-groups` for all pages and makes them the groups of the connection, all at once after the last: a source that fails
 * half-way changes nobody's access. `LeaseLostError`.
 */
export async function readGroups(options: RunPartOptions): Promise<FeatureEnd> {
  const { database, lease, run } = options;
  const session = new DatasourceSession(options);
  try {
    await setRunFeature(database, lease, { feature: GROUPS_STREAM, state: 'running' });
    await beginListing(database, lease, { feature: GROUPS_STREAM, fault: undefined, nowMs: Date.now() });
    return await readPages(options, session);
  } finally {
    await session.close();
    if (run.features.length > 0) await options.onBatch();
  }
}

async function readPages(options: RunPartOptions, session: DatasourceSession): Promise<FeatureEnd> {
  const { database, run, signal } = options;
  let { attempts } = run;
  for (;;) {
    const listing = await getListing(database, run.id, GROUPS_STREAM);
    const target = await options.targets.load(run.organisation, run.connection);
    if ((await connectionWork(database, run.connection)).pause !== undefined) return { kind: 'cancelled' };
    const result = await callWithRetries(session, target, { function: 'list-groups', args: [listing?.cursor], signal });
    if (!result.ok) {
      if (result.failure === undefined) return { kind: 'aborted' };
      if (result.failure.kind === 'unsupported') return withoutGroups(options);
      return decide({ ...options, attempts }, GROUPS_STREAM, result.failure);
    }
    const step = await takePage(options, target, result.value, listing?.cursor);
    if (step !== 'more') return step === 'last' ? swap(options) : step;
    attempts = 1;
  }
}

async function takePage(
  options: RunPartOptions,
  { connection }: CallTarget,
  value: unknown,
  before: Uint8Array | undefined,
): Promise<FeatureEnd | 'more' | 'last'> {
  const { database, lease, run, leaseMs } = options;
  let groups: SourceGroup[];
  let next: Uint8Array | undefined;
  try {
    ({ groups, next } = toGroupPage(value));
  } catch (error) {
    if (!(error instanceof ContractError)) throw error;
    return decide(options, GROUPS_STREAM, {
      kind: 'failed',
      message: `list-groups gave a page that breaks the contract: ${error.message}`,
    });
  }
  if (next !== undefined && before !== undefined && Buffer.compare(next, before) === 0) {
    return decide(options, GROUPS_STREAM, { kind: 'failed', message: 'list-groups gave a page that leads back to itself' });
  }
  const home = { organisation: run.organisation, connection: connection.id, run: run.id };
  const { cancelRequested } = await commitPage(database, lease, {
    feature: GROUPS_STREAM,
    seen: groups.length,
    next,
    fault: undefined,
    leaseUntilMs: Date.now() + leaseMs,
    // A first page begins anew: an earlier attempt may have staged some.
    operations: [...(before === undefined ? unstageGroups(run.id) : []), ...stageGroups(home, groups)],
  });
  await options.onBatch();
  const staged = await countStagedGroups(database, run.id);
  if (staged.groups > MAX_GROUPS || staged.memberships > MAX_MEMBERSHIPS) {
    const message = `list-groups gave more than ${MAX_GROUPS} groups or ${MAX_MEMBERSHIPS} members: the groups stay as they were`;
    return decide(options, GROUPS_STREAM, { kind: 'failed', message });
  }
  if (next === undefined) return 'last';
  return cancelRequested ? { kind: 'cancelled' } : 'more';
}

async function swap({ database, lease, run }: RunPartOptions): Promise<FeatureEnd> {
  const home = { organisation: run.organisation, connection: run.connection, run: run.id };
  const alongside = [...replaceGroups(home, Date.now()), ...forgetListing(run.id, GROUPS_STREAM)];
  await setRunFeature(database, lease, { feature: GROUPS_STREAM, state: 'done', alongside });
  return { kind: 'ended' };
}

/** A datasource without groups names none in its access: that is known as of now, too. */
async function withoutGroups({ database, lease, run }: RunPartOptions): Promise<FeatureEnd> {
  const home = { organisation: run.organisation, connection: run.connection, run: run.id };
  const alongside = [...unstageGroups(run.id), ...replaceGroups(home, Date.now()), ...forgetListing(run.id, GROUPS_STREAM)];
  await setRunFeature(database, lease, { feature: GROUPS_STREAM, state: 'skipped', reason: WITHOUT_GROUPS, alongside });
  return { kind: 'ended' };
}

/** The reason of runs whose datasource lacks `list-groups`. */
export const WITHOUT_GROUPS = 'the datasource has no groups';
