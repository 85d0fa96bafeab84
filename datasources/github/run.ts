import { Failure, openMetrics, type ReadResult } from '@lorelai/datasource-sdk';
import { openCall, type Call, type FeatureName, type GithubConnection } from './call.ts';
import { Refusal } from './client.ts';
import { manifest } from './datasource.generated.ts';
import { fieldsOf, required } from './fields.ts';
import { filesLeft } from './files.ts';
import { ISSUES } from './issues.ts';
import type { Job } from './job.ts';
import { expireThreads } from './known-threads.ts';
import { isSelected, listRepositories } from './listing.ts';
import { toRepository } from './objects.ts';
import { PULLS } from './pulls.ts';
import { toProblem } from './refusals.ts';
import { dropQueue, getQueue, getRecord, makeQueue, noteListed, putRecord, removeRecord, type RepositoryRecord } from './repositories.ts';
import { firstStage, nextStage, purgeStage, stagesOf, stepStage, threadSettingsOf } from './stages.ts';
import { closeState, openState, type Phase, type State } from './state.ts';
import { cutoffMs } from './threads.ts';

/**
 * Reads the next batch of a feature: step after step until the batch is full or the run is done. A run lists the
 * repositories, reads each, takes out those that are gone, and takes out what has become too old.
 */
export function readBatch(connection: GithubConnection, feature: FeatureName, before: State | undefined): ReadResult<State> {
  const call = openCall(connection);
  let state = openState(call, feature, before);
  let steps = 0;
  try {
    do {
      state = { ...state, phase: step(call, feature, state) };
      steps += 1;
    } while (state.phase.at !== 'idle' && !call.work.isFull());
  } catch (error) {
    // What is done is worth keeping: the next call meets the same limit before it has done anything.
    const isWorth = steps > 0 || call.work.changes.length > 0;
    if (!(error instanceof Failure && (error.kind === 'throttled' || error.kind === 'unavailable') && isWorth)) throw error;
  }
  report(call);
  state = { ...state, seen: state.seen + call.work.seen };
  return {
    changes: call.work.changes,
    state: closeState(call, feature, state),
    done: state.phase.at === 'idle',
    seen: call.work.seen,
    expected: expectedOf(call, feature, state),
    skipped: call.work.skipped,
  };
}

/** What the run will have looked at in the end: known once it fetches the files of its last repository. */
function expectedOf(call: Call, feature: FeatureName, { phase, seen }: State): number | undefined {
  if (phase.at !== 'reading' || phase.cursor === undefined || !('files' in phase.cursor)) return undefined;
  if (phase.index + 1 < getQueue(call, feature).listed.length) return undefined;
  const left = filesLeft(call, phase.cursor.files);
  return left === undefined ? undefined : seen + left;
}

function step(call: Call, feature: FeatureName, { run, epoch, phase }: State): Phase {
  switch (phase.at) {
    case 'listing':
      return stepListing(call, feature, { run, phase });
    case 'reading':
      return stepReading(call, feature, { epoch, phase });
    case 'missing':
      return stepMissing(call, feature, phase);
    case 'expiring':
      return stepExpiring(call, feature, phase);
    case 'idle':
      return phase;
  }
}

function stepListing(call: Call, feature: FeatureName, { run, phase }: { run: number; phase: Phase & { at: 'listing' } }): Phase {
  const page = listRepositories(call, phase.listing);
  for (const { repository, entry } of page.found) noteListed(call, feature, { repository, entry, run });
  const incomplete = phase.incomplete || page.incomplete;
  if (page.next !== undefined) return { at: 'listing', listing: page.next, incomplete };
  makeQueue(call, feature, run);
  return { at: 'reading', index: 0, incomplete };
}

function stepReading(call: Call, feature: FeatureName, { epoch, phase }: { epoch: number; phase: Phase & { at: 'reading' } }): Phase {
  const { incomplete, index } = phase;
  const id = getQueue(call, feature).listed[index];
  if (id === undefined) return { at: 'missing', index: 0, incomplete };
  const record = getRecord(call, feature, id);
  if (record === undefined) return { at: 'reading', index: index + 1, incomplete };
  const cursor = phase.cursor ?? firstStage(call, feature);
  const job: Job = { call, feature, record, epoch };
  let next = readStage(job, cursor);
  if (next === undefined) {
    putRecord(call, feature, record);
    next = nextStage(call, feature, cursor.stage);
  }
  return next === undefined ? { at: 'reading', index: index + 1, incomplete } : { at: 'reading', index, cursor: next, incomplete };
}

/** A stage that GitHub refuses is left as it is, to be tried again in the next run. */
function readStage(job: Job, cursor: Parameters<typeof stepStage>[1]): ReturnType<typeof stepStage> {
  try {
    return stepStage(job, cursor);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    job.call.work.skip(toProblem(error, `${job.record.fullName}/${cursor.stage}`));
    return error.status === 451 ? { stage: cursor.stage, purge: true } : undefined;
  }
}

function stepMissing(call: Call, feature: FeatureName, phase: Phase & { at: 'missing' }): Phase {
  const { index, incomplete } = phase;
  const next: Phase = { at: 'missing', index: index + 1, incomplete };
  const id = getQueue(call, feature).missing[index];
  if (id === undefined) return afterMissing(call, feature);
  const record = getRecord(call, feature, id);
  if (record === undefined) return next;
  const purge = phase.purge ?? (isGone(call, record, incomplete) ? stagesOf(feature)[0] : undefined);
  if (purge === undefined) {
    putRecord(call, feature, { ...record, misses: record.misses + (incomplete ? 0 : 1) });
    return next;
  }
  if (!purgeStage(call, feature, { id, stage: purge })) return { ...phase, purge };
  const stages = stagesOf(feature);
  const after = stages[stages.indexOf(purge) + 1];
  if (after !== undefined) return { ...phase, purge: after };
  removeRecord(call, feature, id);
  return next;
}

/**
 * Whether a repository that was not listed is gone for this connection. A list can miss one, when another is deleted
 * while its pages are read, so one that GitHub still shows is kept for one run more.
 */
function isGone(call: Call, record: RepositoryRecord, incomplete: boolean): boolean {
  if (!isSelected(call, record)) return true;
  const response = call.client.tryGet(`/repositories/${record.id}`);
  // Forbidden, as without single sign-on, may be mended; what is not there is not.
  if (response instanceof Refusal) return response.isMissing;
  const repository = toRepository(required(fieldsOf(response.json()), 'a repository'));
  return !isSelected(call, { ...repository, entry: record.entry }) || (record.misses > 0 && !incomplete);
}

function afterMissing(call: Call, feature: FeatureName): Phase {
  dropQueue(call, feature);
  const [stage] = stagesOf(feature);
  return stage === undefined || stage === 'files' ? { at: 'idle' } : { at: 'expiring', stage, after: '' };
}

function stepExpiring(call: Call, feature: FeatureName, phase: Phase & { at: 'expiring' }): Phase {
  const settings = threadSettingsOf(call, feature, phase.stage);
  const cutoff = settings === undefined ? undefined : cutoffMs(settings, call.connection.nowMs);
  if (cutoff === undefined) return { at: 'idle' };
  const store = phase.stage === 'issues' ? ISSUES : PULLS;
  const after = expireThreads(call, store, { feature, cutoffMs: cutoff, after: phase.after });
  return after === undefined ? { at: 'idle' } : { ...phase, after };
}

function report(call: Call): void {
  const metrics = openMetrics(manifest);
  const remaining = call.client.remaining();
  if (remaining !== undefined) metrics.api_rate_limit_remaining.set(remaining);
  if (call.work.skipped.length > 0) metrics.indexing_errors.add(call.work.skipped.length);
}
