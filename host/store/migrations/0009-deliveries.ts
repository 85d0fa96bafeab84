import type { Migration } from './migration.ts';

/** Webhooks in, and the chained log of changes. */
export const DELIVERIES: Migration = {
  version: 9,
  name: 'deliveries',
  sql: `SELECT 1`,
};
