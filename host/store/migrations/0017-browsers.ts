import type { Migration } from './migration.ts';

/** Browsers that authorise, links that take them there, and states that are read from the log of changes. */
export const BROWSERS: Migration = {
  version: 17,
  name: 'browsers',
  sql: `
-- The state of a thing is the number of its newest entry in the log of changes.
ALTER TABLE connections DROP COLUMN revision;

-- start_hash: SHA-256 of the secret of the link that begins the attempt in a browser, until that has been done. browser_hash:
-- SHA-256 of what the cookie of that browser holds; only there can the attempt be finished.
ALTER TABLE authorisation_attempts ADD COLUMN start_hash BLOB;
ALTER TABLE authorisation_attempts ADD COLUMN browser_hash BLOB;
CREATE UNIQUE INDEX authorisation_attempts_by_start ON authorisation_attempts (start_hash) WHERE start_hash IS NOT NULL;

-- When the source ended it; the link that brings it back is good for some days from then on.
ALTER TABLE authorisations ADD COLUMN ended_at_ms INTEGER;

-- That an authorisation has been ended by its source, as it is to be told. Like notifications, which tell of runs.
CREATE TABLE authorisation_notices (
  connection_id TEXT NOT NULL REFERENCES authorisations (connection_id) ON DELETE CASCADE,
  generation INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL,
  due_ms INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (connection_id, generation)
) STRICT, WITHOUT ROWID;
CREATE INDEX authorisation_notices_due ON authorisation_notices (due_ms);
`,
};
