import type { Migration } from './migration.ts';

/** Embeddings and the fingerprints they were made under. */
export const VECTORS: Migration = {
  version: 8,
  name: 'vectors',
  sql: `SELECT 1`,
};
