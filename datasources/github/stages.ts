import type { Call, FeatureName } from './call.ts';
import { purgeFiles, stepFiles, type FilesCursor } from './files.ts';
import { ISSUES } from './issues.ts';
import type { Job } from './job.ts';
import { purgeThreads } from './known-threads.ts';
import type { Thread } from './objects.ts';
import { PULLS } from './pulls.ts';
import { stepThreads, type ThreadKind, type ThreadsCursor, type ThreadSettings } from './threads.ts';

/** One kind of thing that a feature reads of every repository, in this order. */
export type StageName = 'files' | 'issues' | 'pulls';

/** Where a stage goes on. */
export type StageCursor =
  | { stage: 'files'; files: FilesCursor | undefined }
  | { stage: 'issues' | 'pulls'; threads: ThreadsCursor | undefined }
  /** What the settings do not ask for any more is taken out of the index. */
  | { stage: StageName; purge: true };

const STAGES: Record<FeatureName, readonly [StageName, ...StageName[]]> = {
  repository_indexing: ['files', 'issues', 'pulls'],
  issue_tracking: ['issues'],
  pull_requests: ['pulls'],
};

/** Where a feature begins with a repository. */
export function firstStage(call: Call, feature: FeatureName): StageCursor {
  return openStage(call, feature, STAGES[feature][0]);
}

/** The stage after this one; undefined after the last. */
export function nextStage(call: Call, feature: FeatureName, stage: StageName): StageCursor | undefined {
  const next = STAGES[feature][STAGES[feature].indexOf(stage) + 1];
  return next === undefined ? undefined : openStage(call, feature, next);
}

/** How a feature wants issues or pull requests to be read; undefined when it does not. */
export function threadSettingsOf(call: Call, feature: FeatureName, stage: 'issues' | 'pulls'): ThreadSettings | undefined {
  const { repository_indexing: repository, issue_tracking: issues, pull_requests: pulls } = call.connection.features;
  if (feature === 'issue_tracking') {
    const { include_comments: comments, include_closed: closed, max_age_days: maxAgeDays } = issues.settings;
    return { comments, reviews: false, closed, maxAgeDays };
  }
  if (feature === 'pull_requests') {
    const { include_reviews: reviews, include_closed: closed, max_age_days: maxAgeDays } = pulls.settings;
    return { comments: true, reviews, closed, maxAgeDays };
  }
  // Titles and descriptions only, and only where no feature of their own reads them: nothing is there twice.
  const own = stage === 'issues' ? issues : pulls;
  const asked = repository.settings.content_types.includes(stage === 'issues' ? 'issues' : 'pull_requests');
  return asked && !own.enabled ? { comments: false, reviews: false, closed: true, maxAgeDays: 0 } : undefined;
}

/** One step of a stage: where it goes on, or undefined once it is done. Notes in the job's record how far it came. */
export function stepStage(job: Job, cursor: StageCursor): StageCursor | undefined {
  const { stage } = cursor;
  if ('purge' in cursor) {
    if (!purgeStage(job.call, job.feature, { id: job.record.id, stage })) return cursor;
    job.record[stage] = undefined;
    return undefined;
  }
  if (cursor.stage === 'files') {
    const files = stepFiles(job, cursor.files);
    return files === undefined ? undefined : { stage: 'files', files };
  }
  return cursor.stage === 'issues' ? stepKind(job, ISSUES, cursor) : stepKind(job, PULLS, cursor);
}

/** Takes what a stage read of a repository out of the index, some in each step; true when nothing is left. */
export function purgeStage(call: Call, feature: FeatureName, { id, stage }: { id: number; stage: StageName }): boolean {
  if (stage === 'files') return purgeFiles({ call, record: { id } });
  return purgeThreads(call, stage === 'issues' ? ISSUES : PULLS, { feature, repository: id });
}

/** The stages of a feature. */
export function stagesOf(feature: FeatureName): readonly StageName[] {
  return STAGES[feature];
}

function openStage(call: Call, feature: FeatureName, stage: StageName): StageCursor {
  if (stage === 'files') return { stage, files: undefined };
  return threadSettingsOf(call, feature, stage) === undefined ? { stage, purge: true } : { stage, threads: undefined };
}

function stepKind<T extends Thread>(
  job: Job,
  kind: ThreadKind<T>,
  cursor: { stage: 'issues' | 'pulls'; threads: ThreadsCursor | undefined },
): StageCursor | undefined {
  const { stage } = cursor;
  const settings = threadSettingsOf(job.call, job.feature, stage);
  if (settings === undefined) return { stage, purge: true };
  const step = stepThreads({ job, kind, settings, read: job.record[stage] }, cursor.threads);
  if (step === 'no-list') return { stage, purge: true };
  if ('cursor' in step) return { stage, threads: step.cursor };
  job.record[stage] = step.read;
  return undefined;
}
