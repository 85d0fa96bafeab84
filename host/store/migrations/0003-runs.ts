import type { Migration } from './migration.ts';

/**
 * Schedules, retries, held prunes and items that failed. Tables whose checks change are made anew and renamed, children
 * before their parents, so that it does not matter whether foreign keys are enforced meanwhile.
 */
export const RUN_ENGINE: Migration = {
  version: 3,
  name: 'runs',
  sql: `
CREATE TABLE runs_next (
  id TEXT PRIMARY KEY NOT NULL,
  organisation_id TEXT NOT NULL REFERENCES organisations (id),
  connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('content', 'prune', 'access', 'retry', 'receive')),
  started_by TEXT NOT NULL CHECK (started_by IN ('request', 'schedule', 'delivery')),
  state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'parked', 'held', 'succeeded', 'partial', 'failed', 'cancelled')),
  reason TEXT,
  cancel_requested INTEGER NOT NULL DEFAULT 0,
  lease_owner TEXT,
  lease_until_ms INTEGER,
  wake_at_ms INTEGER,
  attempts INTEGER NOT NULL DEFAULT 0,
  problem_count INTEGER NOT NULL DEFAULT 0,
  worked_ms INTEGER NOT NULL DEFAULT 0,
  worked_since_ms INTEGER,
  created_at_ms INTEGER NOT NULL,
  started_at_ms INTEGER,
  finished_at_ms INTEGER
) STRICT;
INSERT INTO runs_next (id, organisation_id, connection_id, kind, started_by, state, reason, cancel_requested, lease_owner, lease_until_ms,
    wake_at_ms, attempts, problem_count, created_at_ms, started_at_ms, finished_at_ms)
  SELECT id, organisation_id, connection_id, 'content', 'request', state, reason, cancel_requested, lease_owner, lease_until_ms,
    wake_at_ms, attempts, problem_count, created_at_ms, started_at_ms, finished_at_ms FROM runs;

CREATE TABLE run_features_next (
  run_id TEXT NOT NULL REFERENCES runs_next (id) ON DELETE CASCADE,
  feature TEXT NOT NULL,
  position INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'running', 'held', 'done', 'failed', 'skipped')),
  reason TEXT,
  batches INTEGER NOT NULL DEFAULT 0,
  seen INTEGER NOT NULL DEFAULT 0,
  expected INTEGER,
  upserted INTEGER NOT NULL DEFAULT 0,
  unchanged INTEGER NOT NULL DEFAULT 0,
  deleted INTEGER NOT NULL DEFAULT 0,
  skipped INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (run_id, feature)
) STRICT, WITHOUT ROWID;
INSERT INTO run_features_next (run_id, feature, position, state, reason, batches, seen, expected, upserted, unchanged, deleted, skipped)
  SELECT run_id, feature, position, state, reason, batches, seen, expected, upserted, unchanged, deleted, skipped FROM run_features;

CREATE TABLE run_problems_next (
  run_id TEXT NOT NULL REFERENCES runs_next (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  feature TEXT NOT NULL,
  path TEXT NOT NULL,
  reason TEXT NOT NULL,
  remedy TEXT NOT NULL,
  PRIMARY KEY (run_id, position)
) STRICT, WITHOUT ROWID;
INSERT INTO run_problems_next SELECT run_id, position, feature, path, reason, remedy FROM run_problems;

DROP TABLE run_problems;
DROP TABLE run_features;
DROP TABLE runs;
ALTER TABLE runs_next RENAME TO runs;
ALTER TABLE run_features_next RENAME TO run_features;
ALTER TABLE run_problems_next RENAME TO run_problems;

-- Who may see what is refreshed beside a run that may take days; all else of a connection is done one at a time.
CREATE UNIQUE INDEX runs_one_active ON runs (connection_id, kind = 'access') WHERE state IN ('queued', 'running', 'parked');
-- When each active run may be claimed next.
CREATE INDEX runs_due ON runs (CASE state WHEN 'queued' THEN created_at_ms WHEN 'parked' THEN wake_at_ms ELSE lease_until_ms END)
  WHERE state IN ('queued', 'running', 'parked');
CREATE INDEX runs_by_organisation ON runs (organisation_id, id);
CREATE INDEX runs_by_connection ON runs (connection_id, id);
CREATE INDEX runs_held ON runs (organisation_id, id) WHERE state = 'held';

-- When the reading of a feature began that is not done: what its checkpoints keep of the time is this time.
CREATE TABLE passes (
  connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  feature TEXT NOT NULL,
  began_at_ms INTEGER NOT NULL,
  PRIMARY KEY (connection_id, feature)
) STRICT, WITHOUT ROWID;

-- override: what an operator set; cron, or 'off'. digest: of the component that due_ms was computed for, so that another
-- one is seen. unsupported_digest: of the component that said that it lacks the function.
CREATE TABLE schedules (
  connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('content', 'prune', 'access')),
  override TEXT,
  due_ms INTEGER,
  digest TEXT,
  unsupported_digest TEXT,
  PRIMARY KEY (connection_id, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX schedules_due ON schedules (due_ms) WHERE due_ms IS NOT NULL;

-- Whether a connection is worked on, and within which bounds.
CREATE TABLE connection_work (
  connection_id TEXT PRIMARY KEY NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  paused_at_ms INTEGER,
  paused_by TEXT CHECK (paused_by IN ('operator', 'host')),
  pause_cause TEXT,
  pause_reason TEXT,
  failed_runs INTEGER NOT NULL DEFAULT 0,
  bounds TEXT NOT NULL DEFAULT '{}'
) STRICT;

-- How far a prune or a listing of groups has come with a feature, and what is judged when it has seen the last page.
CREATE TABLE listings (
  run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  feature TEXT NOT NULL,
  phase TEXT NOT NULL CHECK (phase IN ('listing', 'deleting')),
  cursor BLOB,
  began_at_ms INTEGER NOT NULL,
  fault TEXT,
  approved INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (run_id, feature)
) STRICT;

-- What a prune found to exist.
CREATE TABLE listed_ids (
  run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  feature TEXT NOT NULL,
  source_id TEXT NOT NULL,
  PRIMARY KEY (run_id, feature, source_id)
) STRICT, WITHOUT ROWID;

-- What a prune is to remove: once it was judged, or when an operator has approved it.
CREATE TABLE held_ids (
  run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  feature TEXT NOT NULL,
  source_id TEXT NOT NULL,
  PRIMARY KEY (run_id, feature, source_id)
) STRICT, WITHOUT ROWID;

-- Items that are not, or not wholly, in the index. document and content: as they came, where the host could not use them.
CREATE TABLE failed_items (
  connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  feature TEXT NOT NULL,
  item TEXT NOT NULL,
  reason TEXT NOT NULL,
  remedy TEXT NOT NULL,
  run_id TEXT NOT NULL,
  times INTEGER NOT NULL,
  first_at_ms INTEGER NOT NULL,
  last_at_ms INTEGER NOT NULL,
  document TEXT,
  content BLOB,
  PRIMARY KEY (connection_id, feature, item)
) STRICT;

-- What a source said of its own limits to a credential, which only a keyed hash names.
CREATE TABLE upstream_budgets (
  credential TEXT NOT NULL,
  origin TEXT NOT NULL,
  blocked_until_ms INTEGER,
  reason TEXT,
  remaining INTEGER,
  updated_at_ms INTEGER NOT NULL,
  PRIMARY KEY (credential, origin)
) STRICT, WITHOUT ROWID;
`,
};
