import type { Migration } from './migration.ts';

/** What extraction and splitting keep of a document. */
export const PASSAGES: Migration = {
  version: 4,
  name: 'passages',
  sql: `SELECT 1`,
};
