import type { GuestValue } from '../../capabilities/capability.ts';
import type { EgressRecord } from '../../capabilities/egress.ts';
import type { Connection } from '../../domain/connection.ts';
import type { Grant } from '../../domain/grant.ts';
import { describeBreach, type Spend } from '../../domain/meter.ts';
import type { CallOutcome } from '../../sandbox/sandbox-call.ts';
import type { AuditEntry, AuditRecorder } from '../record/audit-recorder.ts';

/**
 * What goes on record of one connection. What was allowed may wait for a moment in memory; what was not, and how a
 * call was ended, is in the store before the datasource or the run hears of it.
 */
export class ConnectionRecord {
  readonly #recorder: AuditRecorder;
  readonly #whose: Pick<AuditEntry, 'home' | 'datasource'>;
  readonly #grant: Grant;

  constructor(
    recorder: AuditRecorder,
    { organisation, id }: Pick<Connection, 'organisation' | 'id'>,
    datasource: { name: string; grant: Grant },
  ) {
    this.#recorder = recorder;
    this.#grant = datasource.grant;
    this.#whose = { home: { organisation, connection: id }, datasource: datasource.name };
  }

  addRequest({ reason, ...request }: EgressRecord): Promise<void> | undefined {
    const entry = { ...this.#whose, request, reason };
    if (request.outcome === 'denied') return this.#recorder.recordNow({ ...entry, kind: 'denial' });
    this.#recorder.record({ ...entry, kind: 'request' });
    return undefined;
  }

  /** The broker tells of requests itself, with more to say. What was merely wrong or over a limit is no denial. */
  addRefusal(power: string, error: GuestValue): Promise<void> | undefined {
    const reason = power === 'http-client' ? undefined : denialOf(this.#grant, error);
    return reason === undefined ? undefined : this.#recorder.recordNow({ ...this.#whose, kind: 'denial', cause: power, reason });
  }

  /** The limits that a call met, and why it was ended if it was. */
  addCall(outcome: CallOutcome, { breaches }: Pick<Spend, 'breaches'>): Promise<void> {
    return recordEnd(this.#recorder, this.#whose, { outcome, breaches });
  }
}

/** The limits that a call met, and why it was ended if it was. Resolves when they are in the store. */
export async function recordEnd(
  recorder: Pick<AuditRecorder, 'recordNow'>,
  whose: Pick<AuditEntry, 'home' | 'datasource'>,
  { outcome, breaches }: { outcome: CallOutcome } & Pick<Spend, 'breaches'>,
): Promise<void> {
  const entries: Pick<AuditEntry, 'kind' | 'cause' | 'reason'>[] = breaches.map((breach) => ({
    kind: 'breach',
    cause: breach.limit,
    reason: `over ${describeBreach(breach)}`,
  }));
  if (outcome.kind === 'killed') {
    const { cause, reason } = outcome;
    entries.push({ kind: cause === 'neighbour' || cause === 'cancelled' ? 'discard' : 'kill', cause, reason });
  }
  await Promise.all(entries.map((entry) => recorder.recordNow({ ...whose, ...entry })));
}

/** Why manifest or grant do not allow it; undefined for an error of another kind. */
function denialOf({ storage }: Grant, error: GuestValue): string | undefined {
  if (typeof error !== 'object' || error === null || !('tag' in error) || !('val' in error)) return undefined;
  const { tag, val } = error;
  if (typeof val !== 'string') return undefined;
  const denied = tag === 'denied' || tag === 'unknown-collection' || (tag === 'quota-exceeded' && !storage);
  return denied ? val : undefined;
}
