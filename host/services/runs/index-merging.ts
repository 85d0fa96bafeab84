import type { Log } from '../../log.ts';
import type { Database } from '../../store/database.ts';
import { mergeIndex } from '../../store/index-merges.ts';
import { listOrganisations } from '../../store/organisations.ts';

/** Keeps search indexes in few parts, in the time that no run needs. */
export interface IndexMerging {
  /** An organisation's index was written to. */
  written(organisation: string): void;
  /** Merges a little of one index, not of those that are `busy`; gives whether there was anything to do. Never rejects. */
  step(busy: ReadonlySet<string>): Promise<boolean>;
}

/**
 * While a run writes, FTS5 merges as little as it can (`AUTOMERGE` in search-index.ts), which is a fifth of what a document
 * costs. The rest is done here. What another host wrote is merged by the host that wrote it, or when a host starts next.
 */
export function createIndexMerging({ database, log }: { database: Database; log: Log }): IndexMerging {
  /** Those that may have something to merge; undefined until the first step, which looks at all of them. */
  let unmerged: Set<string> | undefined;
  const sinceStart = new Set<string>();
  return {
    written(organisation) {
      (unmerged ?? sinceStart).add(organisation);
    },
    async step(busy) {
      try {
        unmerged ??= new Set([...(await listOrganisations(database)).map(({ id }) => id), ...sinceStart]);
      } catch (error) {
        log.error('the organisations whose indexes may be merged could not be read', { error });
        return false;
      }
      const organisation = [...unmerged].find((candidate) => !busy.has(candidate));
      if (organisation === undefined) return false;
      const more = await mergeIndex(database, organisation).catch((error: unknown) => {
        log.error('a search index could not be merged', { organisation, error });
        return false;
      });
      if (!more) unmerged.delete(organisation);
      return true;
    },
  };
}
