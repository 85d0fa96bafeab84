import type { Migration } from './migration.ts';

/** People, their principals, groups and who may see what. */
export const PEOPLE: Migration = {
  version: 5,
  name: 'people',
  sql: `SELECT 1`,
};
