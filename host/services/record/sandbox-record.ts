import type { Limits } from '../../domain/limits.ts';
import type { PoolKey } from '../../sandbox/pool.ts';
import type { KillCause } from '../../sandbox/sandbox-call.ts';
import type { CompilerOptions } from '../../sandbox/compile.ts';
import type { Log } from '../../log.ts';
import type { AuditRecorder } from './audit-recorder.ts';

type Recorder = Pick<AuditRecorder, 'record' | 'recordNow'>;

/** No organisation has it yet, so it runs in a process that serves none. */
const INSTALLING = '';

/** What tells the processes of an installation from all others, and whose they are. */
export function installingKey(datasource: { name: string; digest: string; folder: string; limits: Limits }): PoolKey {
  const { name, digest, folder, limits } = datasource;
  return { organisation: INSTALLING, digest, folder, limits, whose: { datasource: name, connection: undefined } };
}

/**
 * Puts on record that a process ended while no call was in it, with the connection that it served last: what was idle or gave
 * way is a discard, what died a kill.
 */
export function recordDiscard(recorder: Recorder, { organisation, whose }: PoolKey, end: { cause: KillCause; reason: string }): void {
  if (whose === undefined) return;
  const { datasource, connection } = whose;
  const home = connection === undefined ? undefined : { organisation, connection };
  recorder.record({ ...end, kind: end.cause === 'cancelled' ? 'discard' : 'kill', home, datasource });
}

/** Puts on record that a process broke, or was ended, over a file. One that never told its name is in the log alone. */
export function recordExamination(recorder: Recorder, log: Log): NonNullable<CompilerOptions['onKill']> {
  return ({ digest, datasource, reason }) => {
    log.warn('a component broke the process that examined it', { digest, reason });
    if (datasource !== undefined) recorder.record({ kind: 'kill', home: undefined, datasource, cause: 'examination', reason });
  };
}
