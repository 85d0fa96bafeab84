import { HOST_ITSELF } from '../../domain/caller.ts';
import type { Log } from '../../log.ts';
import { ExpectationError, type Database } from '../../store/database.ts';
import { listDigests, listLeftBehind, moveVersion } from '../../store/versions.ts';
import type { Components } from './components.ts';

/** What a host that was killed has left behind, put in order by any other. */
export interface VersionUpkeep {
  /** Never rejects. */
  workWhenDue(): Promise<void>;
}

/** How often files that no version needs are looked for: at the start, and then. */
const SWEEP_EVERY_MS = 3_600_000;
/** Nobody takes as long from writing a file to its version. */
const SWEEP_AGE_MS = 3_600_000;

export function createVersionUpkeep(options: { database: Database; components: Components; log: Log }): VersionUpkeep {
  const { database, components, log } = options;
  let sweptAtMs = Number.NEGATIVE_INFINITY;
  return {
    async workWhenDue() {
      try {
        await releaseLeftBehind(database);
        if (performance.now() - sweptAtMs < SWEEP_EVERY_MS) return;
        sweptAtMs = performance.now();
        const files = await components.sweep(new Set(await listDigests(database)), Date.now() - SWEEP_AGE_MS);
        if (files > 0) log.info('component files that no version needs were deleted', { files });
      } catch (error) {
        log.error('versions could not be put in order', { error });
      }
    },
  };
}

/** Versions that a host was upgrading to when it died are as they were before. */
export async function releaseLeftBehind(database: Database): Promise<void> {
  const nowMs = Date.now();
  for (const { name, version, before } of await listLeftBehind(database, nowMs)) {
    const reason = 'the host that was upgrading to it is gone';
    try {
      await database.write(moveVersion({ name, version, from: 'upgrading', to: before, actor: HOST_ITSELF, reason, nowMs }));
    } catch (error) {
      // Another host was first.
      if (!(error instanceof ExpectationError)) throw error;
    }
  }
}
