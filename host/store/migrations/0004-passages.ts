import type { Migration } from './migration.ts';

/**
 * What extraction and splitting keep of a document. `hash` is that of `domain/passage-hash.ts`; NULL in passages that were
 * written before. Their documents are cut anew when their source gives them again, because content hashes cover how.
 */
export const PASSAGES: Migration = {
  version: 4,
  name: 'passages',
  sql: `ALTER TABLE passages ADD COLUMN hash BLOB`,
};
