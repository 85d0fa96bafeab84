import type { Migration } from './migration.ts';

/** What becomes of the documents of a feature that is switched off, and the work of purging them. */
export const FEATURES: Migration = {
  version: 13,
  name: 'features',
  sql: `
-- Counts only while the feature is off. The settings of a connection have the same word for it.
ALTER TABLE datasource_feature_flags ADD COLUMN documents TEXT NOT NULL DEFAULT 'keep' CHECK (documents IN ('keep', 'hide', 'purge'));

-- Whoever holds the lease deletes; the row goes with the last document, and the checkpoint with it.
CREATE TABLE feature_purges (
  connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  feature TEXT NOT NULL,
  lease_owner TEXT,
  lease_until_ms INTEGER NOT NULL DEFAULT 0,
  requested_at_ms INTEGER NOT NULL,
  PRIMARY KEY (connection_id, feature)
) STRICT, WITHOUT ROWID;

-- Looked at all the time, and nearly always empty.
CREATE INDEX datasource_versions_upgrading ON datasource_versions (lease_until_ms) WHERE state = 'upgrading';

-- The history of one thing.
CREATE INDEX changes_by_target ON changes (chain, json_extract(entry, '$.target'), sequence);
`,
};
