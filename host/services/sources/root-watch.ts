import { endedAuthorities } from '../../domain/sigstore.ts';
import type { Log } from '../../log.ts';
import type { Database } from '../../store/database.ts';
import { listRoots } from '../../store/sigstore-roots.ts';

/** Says in the log which sigstore roots need renewing: nobody looks at a list when all goes well. */
export interface RootWatch {
  /** Never rejects. */
  warnWhenDue(): Promise<void>;
}

const EVERY_MS = 86_400_000;
/** So long before they end they are named. */
const AHEAD_MS = 30 * 86_400_000;

export function createRootWatch({ database, log }: { database: Database; log: Log }): RootWatch {
  let warnedAtMs = Number.NEGATIVE_INFINITY;
  return {
    async warnWhenDue() {
      if (performance.now() - warnedAtMs < EVERY_MS) return;
      try {
        for (const { name, authorities } of await listRoots(database)) {
          const kinds = endedAuthorities(authorities, Date.now() + AHEAD_MS);
          if (kinds.length === 0) continue;
          const endsAt = new Date(Math.min(...kinds.map((kind) => authorities[kind].endsAtMs ?? Number.POSITIVE_INFINITY))).toISOString();
          log.warn('authorities of a sigstore root end or have ended; add its newest root', { root: name, kinds, endsAt });
        }
        warnedAtMs = performance.now();
      } catch (error) {
        log.error('sigstore roots could not be looked at', { error });
      }
    },
  };
}
