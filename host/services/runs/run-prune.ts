import { whyHeld } from '../../domain/run-bounds.ts';
import { ContractError } from '../../indexing/contract-fields.ts';
import { toIdPage } from '../../indexing/validate.ts';
import { connectionWork } from '../../store/connection-work.ts';
import {
  beginDeleting,
  beginListing,
  commitPage,
  deleteAbsent,
  forgetListing,
  getListing,
  holdListing,
  keepListed,
  listingFindings,
  noteListingFault,
} from '../../store/listings.ts';
import { listRuns } from '../../store/runs.ts';
import { setRunFeature } from '../../store/run-progress.ts';
import { DatasourceSession } from '../connections/datasource-session.ts';
import { callWithRetries, decide, isEnabled, type FeatureEnd, type RunPartOptions } from './run-calls.ts';

/** Documents removed in one transaction: nothing else is written while it runs. */
const DOCUMENTS_PER_DELETION = 100;
/** Pages of one feature: a source that never comes to its last page would be listed for ever. */
const MAX_PAGES = 100_000;
const MAX_REASON_LENGTH = 500;

/**
 * Asks `list-ids` for all pages, and removes what is not in them. Nothing is judged before the last page; what looks like an
 * accident is held. `LeaseLostError`.
 */
export async function pruneFeature(options: RunPartOptions, feature: string): Promise<FeatureEnd> {
  const { database, lease, run } = options;
  const session = new DatasourceSession(options);
  try {
    await setRunFeature(database, lease, { feature, state: 'running' });
    const fault = await faultBefore(options, feature);
    await beginListing(database, lease, { feature, fault, nowMs: Date.now() });
    const end = await listPages(options, session, feature);
    if (end !== 'listed') return end;
    const judged = await judge(options, feature);
    return judged === 'delete' ? await deleteAll(options, feature) : judged;
  } finally {
    await session.close();
    if (run.features.length > 0) await options.onBatch();
  }
}

/** A source that could not be read a moment ago may not be whole now either. */
async function faultBefore({ database, run }: RunPartOptions, feature: string): Promise<string | undefined> {
  const { items } = await listRuns(database, run.organisation, { connection: run.connection, kind: 'content' }, { limit: 1 });
  const last = items[0]?.features.find((candidate) => candidate.feature === feature);
  if (last?.state !== 'failed' && last?.state !== 'skipped') return undefined;
  return `the last run that read it ended with: ${last.reason ?? last.state}`.slice(0, MAX_REASON_LENGTH);
}

async function listPages(options: RunPartOptions, session: DatasourceSession, feature: string): Promise<FeatureEnd | 'listed'> {
  const { database, lease, run, signal, leaseMs } = options;
  let { attempts } = run;
  for (let page = 0; ; page += 1) {
    const listing = await getListing(database, run.id, feature);
    if (listing?.phase === 'deleting') return 'listed';
    const target = await options.targets.load(run.organisation, run.connection);
    if ((await connectionWork(database, run.connection)).pause !== undefined) return { kind: 'cancelled' };
    if (!isEnabled(target, feature)) return skip(options, feature, 'switched off while the run went on');
    const result = await callWithRetries(session, target, { function: 'list-ids', args: [feature, listing?.cursor], signal });
    if (!result.ok) {
      if (result.failure === undefined) return { kind: 'aborted' };
      if (result.failure.kind === 'unsupported') return skip(options, feature, UNSUPPORTED);
      const end = await decide({ ...options, attempts }, feature, result.failure);
      // Being asked for patience is no fault of the source, nor is a host that has too much to do; having been away is.
      const away = result.failure.kind !== 'throttled' && result.upstream.fault !== undefined;
      if (end.kind === 'parked' && away) await noteListingFault(database, lease, feature, end.reason.slice(0, MAX_REASON_LENGTH));
      return end;
    }
    let ids: string[];
    let next: Uint8Array | undefined;
    try {
      ({ ids, next } = toIdPage(result.value));
    } catch (error) {
      if (!(error instanceof ContractError)) throw error;
      return decide(options, feature, { kind: 'failed', message: `list-ids gave a page that breaks the contract: ${error.message}` });
    }
    if (next !== undefined && (page >= MAX_PAGES || (listing?.cursor !== undefined && Buffer.compare(next, listing.cursor) === 0))) {
      return decide(options, feature, {
        kind: 'failed',
        message: 'list-ids gave a page that leads back to itself: it would go on for ever',
      });
    }
    const committed = await commitPage(database, lease, {
      feature,
      seen: ids.length,
      next,
      fault: result.upstream.fault?.slice(0, MAX_REASON_LENGTH),
      leaseUntilMs: Date.now() + leaseMs,
      operations: [keepListed(run.id, feature, ids)],
    });
    await options.onBatch();
    attempts = 1;
    if (next === undefined) return 'listed';
    if (committed.cancelRequested) return { kind: 'cancelled' };
  }
}

/** The reason of features whose datasource lacks `list-ids`. */
export const UNSUPPORTED = 'the datasource cannot list what exists';

async function skip({ database, lease }: RunPartOptions, feature: string, reason: string): Promise<FeatureEnd> {
  await setRunFeature(database, lease, { feature, state: 'skipped', reason });
  return { kind: 'ended' };
}

async function judge(options: RunPartOptions, feature: string): Promise<FeatureEnd | 'delete'> {
  const { database, lease, run } = options;
  const listing = await getListing(database, run.id, feature);
  if (listing?.phase === 'deleting') return 'delete';
  const part = { run: run.id, connection: run.connection, feature };
  const [findings, work] = await Promise.all([listingFindings(database, part), connectionWork(database, run.connection)]);
  const held = listing?.approved === true ? undefined : whyHeld({ ...findings, fault: listing?.fault }, work.bounds);
  if (held === undefined) {
    await beginDeleting(database, lease, { ...part, approved: listing?.approved ?? false });
    return 'delete';
  }
  options.log.warn('a prune is held', { run: run.id, feature, reason: held });
  await setRunFeature(database, lease, { feature, state: 'held', reason: held, alongside: holdListing(part) });
  return { kind: 'ended' };
}

async function deleteAll(options: RunPartOptions, feature: string): Promise<FeatureEnd> {
  const { database, lease, run, leaseMs, signal } = options;
  const home = { organisation: run.organisation, connection: run.connection, feature };
  for (;;) {
    if (signal.aborted) return { kind: 'aborted' };
    const input = { home, limit: DOCUMENTS_PER_DELETION, leaseUntilMs: Date.now() + leaseMs };
    const { more, cancelRequested } = await deleteAbsent(database, lease, input);
    if (!more) break;
    await options.onBatch();
    if (cancelRequested) return { kind: 'cancelled' };
  }
  await setRunFeature(database, lease, { feature, state: 'done', alongside: forgetListing(run.id, feature) });
  return { kind: 'ended' };
}
