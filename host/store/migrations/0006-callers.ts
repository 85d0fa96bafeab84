import type { Migration } from './migration.ts';

/** Who calls the API: keys and what they may do. */
export const CALLERS: Migration = {
  version: 6,
  name: 'callers',
  sql: `SELECT 1`,
};
