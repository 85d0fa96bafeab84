import { ulid } from 'ulid';
import { DELIVERIES_STREAM } from '../../domain/run-kind.ts';
import type { Log } from '../../log.ts';
import { isUniqueViolation, type Database } from '../../store/database.ts';
import { readsTaken, waitingConnections, type WaitingConnection } from '../../store/deliveries.ts';
import { newRun } from '../../store/runs.ts';

/**
 * Queues a run for each connection to which something was delivered and on which nobody works: first what is to be given to
 * the datasource, then the features that it wants to read for it. Of many hosts one does it.
 * Gives how many it queued.
 */
export async function queueDeliveryRuns({ database, log }: { database: Database; log: Log }, nowMs: number): Promise<number> {
  let queued = 0;
  for (const waiting of await waitingConnections(database)) {
    try {
      await database.write(runFor(waiting, nowMs));
      queued += 1;
    } catch (error) {
      // Another host, or a run that began meanwhile, was first.
      if (!isUniqueViolation(error))
        log.error('a run for what was delivered could not be queued', { connection: waiting.connection, error });
    }
  }
  return queued;
}

function runFor({ organisation, connection, deliveries, features }: WaitingConnection, nowMs: number): Parameters<Database['write']>[0] {
  const run = { id: ulid(), organisation, connection, startedBy: 'delivery', nowMs } as const;
  if (deliveries) return newRun({ ...run, kind: 'receive', features: [DELIVERIES_STREAM] });
  return [...newRun({ ...run, kind: 'content', features }), readsTaken(connection, features)];
}
