import type { Migration } from './migration.ts';

/**
 * Organisations, datasources, connections, what was read through them, and the runs that read it.
 * Ids are ULIDs but for organisations (a slug) and the rowids that the search index is keyed by.
 */
export const FIRST_LIGHT: Migration = {
  version: 1,
  name: 'first-light',
  sql: `
CREATE TABLE organisations (
  id TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE datasource_registry (
  name TEXT PRIMARY KEY NOT NULL,
  version TEXT NOT NULL,
  digest TEXT NOT NULL,
  manifest TEXT NOT NULL,
  grant TEXT NOT NULL,
  inspection TEXT NOT NULL,
  installed_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE datasource_feature_flags (
  datasource_name TEXT NOT NULL REFERENCES datasource_registry (name) ON DELETE CASCADE,
  feature TEXT NOT NULL,
  enabled INTEGER NOT NULL,
  config TEXT NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  PRIMARY KEY (datasource_name, feature)
) STRICT, WITHOUT ROWID;

-- A removed connection keeps its row, unseen by everybody, until its documents are purged.
CREATE TABLE connections (
  id TEXT PRIMARY KEY NOT NULL,
  organisation_id TEXT NOT NULL REFERENCES organisations (id),
  datasource_name TEXT NOT NULL REFERENCES datasource_registry (name),
  name TEXT NOT NULL,
  config TEXT NOT NULL,
  features TEXT NOT NULL,
  credential BLOB,
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  removed_at_ms INTEGER
) STRICT;
CREATE INDEX connections_by_organisation ON connections (organisation_id, id);
CREATE INDEX connections_by_datasource ON connections (datasource_name);
CREATE INDEX connections_removed ON connections (removed_at_ms) WHERE removed_at_ms IS NOT NULL;

CREATE TABLE documents (
  id INTEGER PRIMARY KEY,
  public_id TEXT NOT NULL UNIQUE,
  organisation_id TEXT NOT NULL REFERENCES organisations (id),
  connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  feature TEXT NOT NULL,
  source_id TEXT NOT NULL,
  version TEXT,
  content_hash BLOB NOT NULL,
  title TEXT NOT NULL,
  link TEXT NOT NULL,
  media_type TEXT NOT NULL,
  location TEXT NOT NULL,
  author TEXT,
  created_at_ms INTEGER,
  updated_at_ms INTEGER,
  indexed_at_ms INTEGER NOT NULL,
  access TEXT NOT NULL,
  attributes TEXT NOT NULL,
  passage_count INTEGER NOT NULL,
  UNIQUE (connection_id, feature, source_id)
) STRICT;
CREATE INDEX documents_by_organisation ON documents (organisation_id);
-- Holds the count, so that a connection's totals are read from the index alone.
CREATE INDEX documents_passage_count ON documents (connection_id, passage_count);

-- title, identifiers and scope are there for the search index of the organisation (search-index.ts):
-- an entry can only be taken out of it by the very text that it was made of. Passages never change in
-- place. No cascade: deleting a document whose passages are still indexed has to fail.
CREATE TABLE passages (
  id INTEGER PRIMARY KEY,
  document_id INTEGER NOT NULL REFERENCES documents (id),
  position INTEGER NOT NULL,
  title TEXT NOT NULL,
  headings TEXT NOT NULL,
  text TEXT NOT NULL,
  identifiers TEXT NOT NULL,
  scope TEXT NOT NULL,
  UNIQUE (document_id, position)
) STRICT;

CREATE TABLE runs (
  id TEXT PRIMARY KEY NOT NULL,
  organisation_id TEXT NOT NULL REFERENCES organisations (id),
  connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'parked', 'succeeded', 'partial', 'failed', 'cancelled')),
  reason TEXT,
  cancel_requested INTEGER NOT NULL DEFAULT 0,
  lease_owner TEXT,
  lease_until_ms INTEGER,
  wake_at_ms INTEGER,
  attempts INTEGER NOT NULL DEFAULT 0,
  problem_count INTEGER NOT NULL DEFAULT 0,
  created_at_ms INTEGER NOT NULL,
  started_at_ms INTEGER,
  finished_at_ms INTEGER
) STRICT;
CREATE UNIQUE INDEX runs_one_active ON runs (connection_id) WHERE state IN ('queued', 'running', 'parked');
-- When each active run may be claimed next.
CREATE INDEX runs_due ON runs (CASE state WHEN 'queued' THEN created_at_ms WHEN 'parked' THEN wake_at_ms ELSE lease_until_ms END)
  WHERE state IN ('queued', 'running', 'parked');
CREATE INDEX runs_by_organisation ON runs (organisation_id, id);
CREATE INDEX runs_by_connection ON runs (connection_id, id);

CREATE TABLE run_features (
  run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  feature TEXT NOT NULL,
  position INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'running', 'done', 'failed', 'skipped')),
  reason TEXT,
  batches INTEGER NOT NULL DEFAULT 0,
  seen INTEGER NOT NULL DEFAULT 0,
  expected INTEGER,
  upserted INTEGER NOT NULL DEFAULT 0,
  unchanged INTEGER NOT NULL DEFAULT 0,
  deleted INTEGER NOT NULL DEFAULT 0,
  skipped INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (run_id, feature)
) STRICT, WITHOUT ROWID;

-- The first hundred of a run; runs.problem_count counts them all.
CREATE TABLE run_problems (
  run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  feature TEXT NOT NULL,
  path TEXT NOT NULL,
  reason TEXT NOT NULL,
  remedy TEXT NOT NULL,
  PRIMARY KEY (run_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoints (
  connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  feature TEXT NOT NULL,
  checkpoint BLOB NOT NULL,
  run_id TEXT NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  PRIMARY KEY (connection_id, feature)
) STRICT;

CREATE TABLE datasource_collections (
  connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  collection TEXT NOT NULL,
  key TEXT NOT NULL,
  value BLOB NOT NULL,
  PRIMARY KEY (connection_id, collection, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE datasource_metrics (
  connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  value REAL NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  PRIMARY KEY (connection_id, name)
) STRICT;
`,
};
