import type { Migration } from './migration.ts';

/** Sealed secrets, OAuth clients and tokens. */
export const AUTHORISATIONS: Migration = {
  version: 7,
  name: 'authorisations',
  sql: `SELECT 1`,
};
