import type { ApiSchemas } from '../../generated/api.ts';
import type { ConnectionSchedule, KindSchedule } from '../../services/runs/schedule-service.ts';
import { present, toOptionalTimestamp, toTimestamp } from './present.ts';

export function toScheduleBody(schedule: ConnectionSchedule): ApiSchemas['ConnectionSchedule'] {
  const { paused } = schedule;
  return present({
    connection: schedule.connection,
    content: toKindBody(schedule.content),
    prune: toKindBody(schedule.prune),
    access: toKindBody(schedule.access),
    paused: paused && { at: toTimestamp(paused.atMs), by: paused.by, cause: paused.cause, reason: paused.reason },
    failedRuns: schedule.failedRuns,
    bounds: schedule.bounds,
  });
}

function toKindBody({ cron, from, dueAtMs, unsupported }: KindSchedule): ApiSchemas['KindSchedule'] {
  return present({ cron, from, dueAt: toOptionalTimestamp(dueAtMs), unsupported });
}
