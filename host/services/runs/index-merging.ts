import type { Log } from '../../log.ts';
import type { Database } from '../../store/database.ts';
import { mergeIndex } from '../../store/index-merges.ts';
import { listOrganisations } from '../../store/organisations.ts';

/** Keeps search indexes in few parts, in the time that no run needs. */
export interface IndexMerging {
  /** An organisation's index was written to. */
  written(organisation: string): void;
  /** Any index may have been, before this host started. Never rejects. */
  begin(): Promise<void>;
  /** Merges a little of one index, not of those that are `busy`; gives whether there was anything to do. Never rejects. */
  step(busy: ReadonlySet<string>): Promise<boolean>;
}

/**
 * While a run writes, FTS5 merges as little as it can (`AUTOMERGE` in search-index.ts), which is a fifth of what a document
 * costs. The rest is done here, by the host that wrote, or by one that begins.
 */
export function createIndexMerging({ database, log }: { database: Database; log: Log }): IndexMerging {
  const unmerged = new Set<string>();
  return {
    written: (organisation) => void unmerged.add(organisation),
    async begin() {
      try {
        for (const { id } of await listOrganisations(database)) unmerged.add(id);
      } catch (error) {
        log.error('the organisations whose indexes may be merged could not be read', { error });
      }
    },
    async step(busy) {
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
