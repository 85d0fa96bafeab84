import type { Migration } from './migration.ts';

/** Versions of datasources side by side, and the life of each. */
export const VERSIONS: Migration = {
  version: 10,
  name: 'versions',
  sql: `SELECT 1`,
};
