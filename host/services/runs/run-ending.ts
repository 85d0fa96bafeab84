import type { PauseCause } from '../../domain/run-bounds.ts';
import type { RunState, ScheduledKind } from '../../domain/run-kind.ts';
import type { Log } from '../../log.ts';
import { connectionWork, countFailedRun, forgetFailedRuns, pauseConnection } from '../../store/connection-work.ts';
import type { Database, Operation } from '../../store/database.ts';
import { supersedeHeld } from '../../store/held-runs.ts';
import type { Lease } from '../../store/leases.ts';
import { markUnsupported } from '../../store/schedules.ts';
import { finishRun, getRun } from '../../store/runs.ts';
import type { StoredRun } from '../../store/run-records.ts';
import { WITHOUT_GROUPS } from './run-access.ts';
import type { CallTargets } from '../connections/call-targets.ts';
import { UNSUPPORTED } from './run-prune.ts';

interface EndingOptions {
  database: Database;
  targets: CallTargets;
  log: Log;
}

type FinalState = Exclude<RunState, 'queued' | 'running' | 'parked'>;

/** Ends a run whose parts have all ended, with what that means for its connection. `LeaseLostError`. */
export async function endRun(options: EndingOptions, lease: Lease, run: StoredRun): Promise<void> {
  const now = (await getRun(options.database, run.organisation, run.id)) ?? run;
  const { state, reason } = summary(now);
  await finish(options, lease, now, { state, reason, pauses: undefined });
}

/** Ends a run that cannot go on; `pauses` says why nobody should try again before something was mended. `LeaseLostError`. */
export async function failRunFor(
  options: EndingOptions,
  lease: Lease,
  run: StoredRun,
  end: { reason: string; pauses?: PauseCause },
): Promise<void> {
  await finish(options, lease, run, { state: 'failed', reason: end.reason, pauses: end.pauses });
}

/** A run that asked for what the datasource does not have has done all that there was to do. */
const NOTHING_THERE: readonly string[] = [UNSUPPORTED, WITHOUT_GROUPS];

function summary({ features, problemCount }: StoredRun): { state: FinalState; reason: string | undefined } {
  const bad = features.filter((feature) => feature.state !== 'done');
  const reason = bad.map((feature) => `${feature.feature}: ${feature.reason ?? feature.state}`).join('; ');
  if (bad.some((feature) => feature.state === 'held')) return { state: 'held', reason };
  if (bad.length > 0 && bad.every((feature) => NOTHING_THERE.includes(feature.reason ?? ''))) return { state: 'succeeded', reason };
  if (bad.length === features.length) return { state: 'failed', reason };
  if (bad.length > 0) return { state: 'partial', reason };
  if (problemCount === 0) return { state: 'succeeded', reason: undefined };
  return { state: 'partial', reason: `${problemCount} items or scopes were left out` };
}

async function finish(
  options: EndingOptions,
  lease: Lease,
  run: StoredRun,
  end: { state: FinalState; reason: string | undefined; pauses: PauseCause | undefined },
): Promise<void> {
  const nowMs = Date.now();
  const alongside = [
    ...(await consequences(options, run, end, nowMs)),
    ...(run.kind === 'prune' ? supersedeHeld(run.connection, run.id, nowMs) : []),
    ...(await unsupportedKind(options, run)),
  ];
  await finishRun(options.database, lease, { state: end.state, reason: end.reason, nowMs }, alongside);
}

/** Pauses, and the count of failed runs that leads to one. */
async function consequences(
  { database, log }: EndingOptions,
  { connection, kind }: StoredRun,
  { state, reason = state, pauses }: { state: FinalState; reason: string | undefined; pauses: PauseCause | undefined },
  nowMs: number,
): Promise<Operation[]> {
  if (pauses !== undefined) {
    log.warn('the connection is paused', { connection, cause: pauses, reason });
    return [pauseConnection(connection, { by: 'host', cause: pauses, reason, atMs: nowMs })];
  }
  if (state === 'failed') {
    const { bounds } = await connectionWork(database, connection);
    return countFailedRun(connection, { most: bounds.maxFailedRuns, reason, nowMs });
  }
  // Only content shows that the connection works: a datasource may have neither ids nor groups to list.
  return kind === 'content' && (state === 'succeeded' || state === 'partial') ? [forgetFailedRuns(connection)] : [];
}

/** A component that lacks the function is not asked again. */
async function unsupportedKind({ database, targets }: EndingOptions, run: StoredRun): Promise<Operation[]> {
  const kind: ScheduledKind | undefined = run.kind === 'prune' || run.kind === 'access' ? run.kind : undefined;
  if (kind === undefined) return [];
  const now = await getRun(database, run.organisation, run.id);
  const lacks = now?.features.every((feature) => NOTHING_THERE.includes(feature.reason ?? '')) ?? false;
  if (!lacks) return [];
  const { datasource } = await targets.load(run.organisation, run.connection);
  return [markUnsupported(run.connection, kind, datasource.digest)];
}
