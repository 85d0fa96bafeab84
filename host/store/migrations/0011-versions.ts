import type { Migration } from './migration.ts';

/** Versions of datasources side by side, and the life of each. */
export const VERSIONS: Migration = {
  version: 11,
  name: 'versions',
  sql: `
-- The row of a datasource is about the version that runs; the one before it can be gone back to in one step.
ALTER TABLE datasource_registry ADD COLUMN enabled INTEGER NOT NULL DEFAULT 1;
ALTER TABLE datasource_registry ADD COLUMN previous_version TEXT;

-- origin: where its file came from, in words. trust: who vouches for it, as JSON. lease_until_ms: of the host that is upgrading to it.
CREATE TABLE datasource_versions (
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  digest TEXT NOT NULL,
  manifest TEXT NOT NULL,
  inspection TEXT NOT NULL,
  origin TEXT NOT NULL,
  trust TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('discovered', 'inspected', 'awaiting-approval', 'upgrading', 'installed', 'enabled', 'disabled', 'removed')),
  reason TEXT,
  lease_until_ms INTEGER,
  added_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  PRIMARY KEY (name, version)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX datasource_versions_running ON datasource_versions (name) WHERE state IN ('enabled', 'disabled');
INSERT INTO datasource_versions (name, version, digest, manifest, inspection, origin, trust, state, added_at_ms, updated_at_ms)
  SELECT name, version, digest, manifest, inspection, 'file', '{"kind":"local"}', 'enabled', installed_at_ms, updated_at_ms
  FROM datasource_registry;

CREATE TABLE datasource_transitions (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  from_state TEXT,
  to_state TEXT NOT NULL,
  actor TEXT NOT NULL,
  reason TEXT NOT NULL,
  at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX datasource_transitions_by_name ON datasource_transitions (name, id);

-- Checkpoints and collections as they were when the version before was left, for the way back.
CREATE TABLE kept_checkpoints (
  connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  feature TEXT NOT NULL,
  checkpoint BLOB NOT NULL,
  run_id TEXT NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  PRIMARY KEY (connection_id, feature)
) STRICT;
CREATE TABLE kept_collections (
  connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  collection TEXT NOT NULL,
  key TEXT NOT NULL,
  value BLOB NOT NULL,
  PRIMARY KEY (connection_id, collection, key)
) STRICT, WITHOUT ROWID;
`,
};
