import type { ApiSchemas } from '../../generated/api.ts';
import { progressOf } from '../../domain/run-progress.ts';
import type { FailedItem, HeldDocument } from '../../services/runs/run-service.ts';
import type { RunFeature } from '../../domain/run-progress.ts';
import type { Run } from '../../services/runs/run-view.ts';
import { present, toOptionalTimestamp, toTimestamp } from './present.ts';

export function toRunBody(run: Run): ApiSchemas['Run'] {
  return present({
    id: run.id,
    organisation: run.organisation,
    connection: run.connection,
    kind: run.kind,
    startedBy: run.startedBy,
    state: run.state,
    reason: run.reason,
    progress: present({ ...progressOf(run, Date.now()) }),
    features: run.features.map(toRunFeatureBody),
    problems: run.problems.map(({ feature, path, reason, remedy }) => ({ feature, path, reason, remedy })),
    wakeAt: toOptionalTimestamp(run.wakeAtMs),
    createdAt: toTimestamp(run.createdAtMs),
    startedAt: toOptionalTimestamp(run.startedAtMs),
    finishedAt: toOptionalTimestamp(run.finishedAtMs),
  });
}

function toRunFeatureBody(feature: RunFeature): ApiSchemas['RunFeature'] {
  const { reason, expected, ...rest } = feature;
  return present({ ...rest, reason, expected });
}

export function toHeldDocumentBody({ feature, id, title, link }: HeldDocument): ApiSchemas['HeldDocument'] {
  return { feature, id, title, link };
}

export function toFailedItemBody({
  feature,
  path,
  reason,
  remedy,
  times,
  kept,
  firstAtMs,
  lastAtMs,
}: FailedItem): ApiSchemas['FailedItem'] {
  return { feature, item: path, reason, remedy, times, kept, firstAt: toTimestamp(firstAtMs), lastAt: toTimestamp(lastAtMs) };
}
