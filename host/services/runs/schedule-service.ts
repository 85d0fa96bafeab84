import type { Actor } from '../../domain/caller.ts';
import type { Pause, RunBounds } from '../../domain/run-bounds.ts';
import type { ScheduledKind } from '../../domain/run-kind.ts';

/** When the runs of one kind come by themselves. */
export interface KindSchedule {
  /** Five fields of cron, in UTC, or `off`. */
  cron: string;
  /** Who says so: an operator for this connection, the datasource's manifest, or the host. */
  from: 'connection' | 'datasource' | 'host';
  /** None while it is off, and until a host has looked at it. */
  dueAtMs: number | undefined;
  /** Whether the datasource has said that it lacks the function. */
  unsupported: boolean;
}

/** When a connection is worked on, within which bounds, and whether at all. */
export interface ConnectionSchedule extends Record<ScheduledKind, KindSchedule> {
  connection: string;
  paused: Pause | undefined;
  /** Runs in a row that failed. */
  failedRuns: number;
  bounds: RunBounds;
}

/** What is left out stays as it is; null goes back to what the datasource or the host says. */
export type ScheduleChange = { [K in ScheduledKind]?: string | null } & { bounds?: { [K in keyof RunBounds]?: number | null } };

export interface ScheduleService {
  /** UNKNOWN_CONNECTION. */
  get(organisation: string, connection: string): Promise<ConnectionSchedule>;
  /** UNKNOWN_CONNECTION, INVALID_SCHEDULE. */
  change(organisation: string, connection: string, input: ScheduleChange, actor: Actor): Promise<ConnectionSchedule>;
  /** No run begins or goes on until `resume`; one that is under way waits within its current call. UNKNOWN_CONNECTION. */
  pause(organisation: string, connection: string, reason: string | undefined, actor: Actor): Promise<ConnectionSchedule>;
  /** UNKNOWN_CONNECTION. */
  resume(organisation: string, connection: string, actor: Actor): Promise<ConnectionSchedule>;
}
