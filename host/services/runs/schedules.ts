import type { Actor } from '../../domain/caller.ts';
import { RequestError, type Problem } from '../../domain/errors.ts';
import type { Manifest } from '../../domain/manifest.ts';
import { isBoundName, isBoundValue, RUN_BOUNDS, type RunBounds } from '../../domain/run-bounds.ts';
import { SCHEDULED_KINDS, type ScheduledKind } from '../../domain/run-kind.ts';
import { DEFAULT_SCHEDULES, scheduleFault } from '../../domain/schedule.ts';
import { recording } from '../../store/changes.ts';
import { connectionWork, ownBoundsOf, pauseConnection, resumeConnection, setBounds } from '../../store/connection-work.ts';
import type { Database } from '../../store/database.ts';
import { overrideSchedule, schedulesOf, type StoredSchedule } from '../../store/schedules.ts';
import type { ConnectionService } from '../connections/connection-service.ts';
import type { KindSchedule, ScheduleChange, ScheduleService } from './schedule-service.ts';
import type { RegistryService } from '../registry/registry-service.ts';

export interface ScheduleOptions {
  database: Database;
  connections: Pick<ConnectionService, 'get'>;
  registry: Pick<RegistryService, 'get'>;
  /** Something may be due now. */
  wake(): void;
  /** Ends the calls of a connection that this host has under way, so that its runs see the pause at once. */
  interrupt(connection: string): void;
}

export function createSchedules({ database, connections, registry, wake, interrupt }: ScheduleOptions): ScheduleService {
  const changing = (
    action: 'connection.schedule' | 'connection.pause' | 'connection.resume',
    organisation: string,
    id: string,
    actor: Actor,
    after: object,
  ): Database => recording(database, { actor, organisation, action, target: `connection/${id}`, after });
  const service: ScheduleService = {
    async get(organisation, id) {
      const { datasource } = await connections.get(organisation, id);
      const { manifest, digest } = await registry.get(datasource);
      const [stored, work] = await Promise.all([schedulesOf(database, id), connectionWork(database, id)]);
      const of = (kind: ScheduledKind): KindSchedule => toKindSchedule(manifest, digest, kind, stored);
      return {
        connection: id,
        content: of('content'),
        prune: of('prune'),
        access: of('access'),
        paused: work.pause,
        failedRuns: work.failedRuns,
        bounds: work.bounds,
      };
    },

    async change(organisation, id, input, actor) {
      await connections.get(organisation, id);
      checkChange(input);
      const overrides = SCHEDULED_KINDS.flatMap((kind) => {
        const given = input[kind];
        return given === undefined ? [] : [overrideSchedule(id, kind, given ?? undefined)];
      });
      const bounds = input.bounds === undefined ? [] : [setBounds(id, changedBounds(await ownBoundsOf(database, id), input.bounds))];
      const operations = [...overrides, ...bounds];
      if (operations.length > 0) await changing('connection.schedule', organisation, id, actor, input).write(operations);
      return service.get(organisation, id);
    },

    async pause(organisation, id, reason, actor) {
      await connections.get(organisation, id);
      const pause = { by: 'operator', cause: 'operator', reason: reason ?? 'an operator paused it', atMs: Date.now() } as const;
      await changing('connection.pause', organisation, id, actor, { reason: pause.reason }).write([pauseConnection(id, pause)]);
      interrupt(id);
      return service.get(organisation, id);
    },

    async resume(organisation, id, actor) {
      await connections.get(organisation, id);
      await changing('connection.resume', organisation, id, actor, {}).write([resumeConnection(id)]);
      wake();
      return service.get(organisation, id);
    },
  };
  return service;
}

/** What holds for one kind: the operator's, else the datasource's, else the host's. */
export function effectiveSchedule(
  manifest: Pick<Manifest, 'schedule'>,
  kind: ScheduledKind,
  override: string | undefined,
): Pick<KindSchedule, 'cron' | 'from'> {
  if (override !== undefined) return { cron: override, from: 'connection' };
  const own = manifest.schedule?.[kind];
  return own === undefined ? { cron: DEFAULT_SCHEDULES[kind], from: 'host' } : { cron: own, from: 'datasource' };
}

function toKindSchedule(manifest: Manifest, digest: string, kind: ScheduledKind, stored: readonly StoredSchedule[]): KindSchedule {
  const found = stored.find((schedule) => schedule.kind === kind);
  return {
    ...effectiveSchedule(manifest, kind, found?.override),
    dueAtMs: found?.digest === digest ? found.dueAtMs : undefined,
    unsupported: found?.unsupportedDigest === digest,
  };
}

function changedBounds(before: Partial<RunBounds>, change: NonNullable<ScheduleChange['bounds']>): Partial<RunBounds> {
  const after = { ...before };
  for (const [name, value] of Object.entries(change)) {
    if (!isBoundName(name)) continue;
    if (value === null) delete after[name];
    else after[name] = value;
  }
  return after;
}

/** INVALID_SCHEDULE with a problem for each that cannot be used. */
function checkChange({ bounds = {}, ...schedules }: ScheduleChange): void {
  const problems: Problem[] = SCHEDULED_KINDS.flatMap((kind) => {
    const given = schedules[kind];
    const reason = given === undefined || given === null ? undefined : scheduleFault(given);
    return reason === undefined
      ? []
      : [{ path: `/${kind}`, reason, remedy: 'Write five fields of cron in UTC, such as "*/15 * * * *", or "off".' }];
  });
  for (const [name, value] of Object.entries(bounds)) {
    if (isBoundName(name) && (value === null || isBoundValue(name, value))) continue;
    const rule = isBoundName(name) ? RUN_BOUNDS[name] : undefined;
    const range = rule === undefined ? '' : `Give a ${rule.whole ? 'whole ' : ''}number from ${rule.least} to ${rule.most}.`;
    const known = `Use one of: ${Object.keys(RUN_BOUNDS).join(', ')}.`;
    problems.push({
      path: `/bounds/${name}`,
      reason: rule === undefined ? 'There is no such bound.' : 'It is out of range.',
      remedy: range || known,
    });
  }
  const [first] = problems;
  if (first === undefined) return;
  throw new RequestError('INVALID_SCHEDULE', `The schedule cannot be used: ${first.path}: ${first.reason}`, {
    remedy: first.remedy,
    problems,
  });
}
