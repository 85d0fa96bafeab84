import type { Migration } from './migration.ts';

/** Sealed secrets, OAuth clients and tokens. */
export const AUTHORISATIONS: Migration = {
  version: 7,
  name: 'authorisations',
  sql: `
-- Values that an operator set for env_vars of a manifest. organisation_id is '' for all of the host.
CREATE TABLE datasource_variables (
  organisation_id TEXT NOT NULL,
  datasource_name TEXT NOT NULL,
  name TEXT NOT NULL,
  sealed BLOB NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  PRIMARY KEY (organisation_id, datasource_name, name)
) STRICT;

-- Tokens that a source gave for a connection. generation grows whenever they change: whoever writes names the one
-- that it read. refresh_began_ms is set before a source is asked and cleared with its answer.
CREATE TABLE authorisations (
  connection_id TEXT PRIMARY KEY NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  organisation_id TEXT NOT NULL,
  flow TEXT NOT NULL CHECK (flow IN ('code', 'device', 'client_credentials', 'assertion', 'installation')),
  state TEXT NOT NULL CHECK (state IN ('active', 'paused')),
  reason TEXT,
  account TEXT,
  scopes TEXT NOT NULL,
  sealed BLOB NOT NULL,
  generation INTEGER NOT NULL,
  authorised_at_ms INTEGER NOT NULL,
  authorised_by TEXT NOT NULL,
  issued_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER,
  refresh_due_ms INTEGER,
  refresh_began_ms INTEGER,
  failures INTEGER NOT NULL DEFAULT 0,
  lease_owner TEXT,
  lease_until_ms INTEGER
) STRICT;
CREATE INDEX authorisations_due ON authorisations (refresh_due_ms) WHERE state = 'active' AND refresh_due_ms IS NOT NULL;

-- What has been begun and waits for a person. state_hash is the SHA-256 of the state parameter; due_ms of a device flow is
-- when the source may be asked next.
CREATE TABLE authorisation_attempts (
  id TEXT PRIMARY KEY NOT NULL,
  connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  organisation_id TEXT NOT NULL,
  flow TEXT NOT NULL CHECK (flow IN ('code', 'device')),
  state TEXT NOT NULL CHECK (state IN ('waiting', 'exchanging', 'choosing', 'done', 'failed')),
  reason TEXT,
  begun_by TEXT NOT NULL,
  state_hash BLOB UNIQUE,
  sealed BLOB,
  choices TEXT,
  created_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  due_ms INTEGER,
  interval_ms INTEGER
) STRICT;
CREATE INDEX authorisation_attempts_by_connection ON authorisation_attempts (connection_id, id);
CREATE INDEX authorisation_attempts_due ON authorisation_attempts (due_ms) WHERE due_ms IS NOT NULL;

-- Of a removed connection: it comes back when its contents are purged, because only its access was revoked.
ALTER TABLE connections ADD COLUMN returns INTEGER NOT NULL DEFAULT 0;

-- One row: when secrets under old master keys are looked for next, and how the last look ended.
CREATE TABLE vault_rotation (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  due_ms INTEGER NOT NULL,
  finished_ms INTEGER,
  failed INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO vault_rotation (id, due_ms) VALUES (1, 0);
`,
};
