import type { Migration } from './migration.ts';

/** The record: what connections asked of the network and the host, and what operators granted. */
export const AUDIT: Migration = {
  version: 2,
  name: 'audit',
  sql: `
-- subject is a connection's id, or 'datasource/' and a name for what concerns all of its connections. No
-- foreign key: the record of a connection outlives it, until its days are over.
CREATE TABLE audit_events (
  id TEXT NOT NULL,
  subject TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('request', 'denial', 'breach', 'kill', 'discard', 'grant', 'gap')),
  organisation_id TEXT,
  connection_id TEXT,
  datasource_name TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  method TEXT,
  origin TEXT,
  path TEXT,
  outcome TEXT,
  bytes_out INTEGER,
  bytes_in INTEGER,
  duration_ms INTEGER,
  cause TEXT,
  reason TEXT,
  granted TEXT,
  withdrawn TEXT,
  missing INTEGER
) STRICT;
CREATE UNIQUE INDEX audit_events_by_subject ON audit_events (subject, id);
CREATE INDEX audit_events_by_kind ON audit_events (subject, kind, id);
CREATE INDEX audit_events_by_time ON audit_events (at_ms);
`,
};
