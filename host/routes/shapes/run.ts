import type { ApiSchemas } from '../../generated/api.ts';
import type { Run, RunFeature } from '../../services/services.ts';
import { present, toOptionalTimestamp, toTimestamp } from './present.ts';

export function toRunBody(run: Run): ApiSchemas['Run'] {
  return present({
    id: run.id,
    organisation: run.organisation,
    connection: run.connection,
    state: run.state,
    reason: run.reason,
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
