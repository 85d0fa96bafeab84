import type { Migration } from './migration.ts';

/** Embeddings, the sets they are in, and what waits to be embedded. A file of before has none, and nothing waits in it. */
export const VECTORS: Migration = {
  version: 8,
  name: 'vectors',
  sql: `
-- Vectors are compared within a set alone. Of the whole host one set is current, which questions are answered with, and one
-- may be building, which takes its place at once when it is complete. fingerprint: of model-settings.ts. probe: what the
-- model made of one fixed text when the set was begun, by which another model under the same name is recognised. backlog: passages
-- there were at the beginning. filled_to: passages up to this id are queued, NULL when all are. trust: the share of
-- sampled passages that were found by their own words; trust_of: how many vectors there were at the time.
CREATE TABLE vector_sets (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  fingerprint TEXT NOT NULL,
  model TEXT NOT NULL,
  dimensions INTEGER NOT NULL,
  asked_dimensions INTEGER,
  document_prefix TEXT NOT NULL,
  query_prefix TEXT NOT NULL,
  probe BLOB NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('building', 'current', 'retired')),
  filled_to INTEGER,
  backlog INTEGER NOT NULL DEFAULT 0,
  made INTEGER NOT NULL DEFAULT 0,
  tokens INTEGER NOT NULL DEFAULT 0,
  trust REAL,
  trust_of INTEGER NOT NULL DEFAULT 0,
  wait_until_ms INTEGER,
  attempts INTEGER NOT NULL DEFAULT 0,
  fault TEXT,
  created_at_ms INTEGER NOT NULL,
  ready_at_ms INTEGER
) STRICT;
CREATE UNIQUE INDEX vector_sets_current ON vector_sets (state) WHERE state = 'current';
CREATE UNIQUE INDEX vector_sets_building ON vector_sets (state) WHERE state = 'building';

-- hash: of the text that was embedded. value: a byte a number (vector8). Who deletes a passage deletes its vectors with it.
CREATE TABLE vectors (
  id INTEGER PRIMARY KEY,
  set_id INTEGER NOT NULL REFERENCES vector_sets (id),
  organisation_id TEXT NOT NULL,
  passage_id INTEGER NOT NULL REFERENCES passages (id) ON DELETE CASCADE,
  hash BLOB NOT NULL,
  value BLOB NOT NULL,
  UNIQUE (passage_id, set_id)
) STRICT;
CREATE INDEX vectors_by_hash ON vectors (set_id, organisation_id, hash);

-- The signs alone, a bit a number (vector1bit), side by side by organisation: what a question looks through.
CREATE TABLE vector_signs (
  set_id INTEGER NOT NULL REFERENCES vector_sets (id),
  organisation_id TEXT NOT NULL,
  passage_id INTEGER NOT NULL REFERENCES passages (id) ON DELETE CASCADE,
  signs BLOB NOT NULL,
  PRIMARY KEY (set_id, organisation_id, passage_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX vector_signs_by_passage ON vector_signs (passage_id);

-- Passages that have no vector in a set yet. backlog: there already when the set was begun; it is complete without the others. fault: why this one
-- cannot be embedded.
CREATE TABLE vector_queue (
  set_id INTEGER NOT NULL REFERENCES vector_sets (id) ON DELETE CASCADE,
  passage_id INTEGER NOT NULL REFERENCES passages (id) ON DELETE CASCADE,
  backlog INTEGER NOT NULL,
  lease_owner TEXT,
  lease_until_ms INTEGER,
  fault TEXT,
  PRIMARY KEY (set_id, passage_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX vector_queue_by_passage ON vector_queue (passage_id);
`,
};
