import type { Migration } from './migration.ts';

/** The entries through which sources tell of changes, and what came through them. */
export const WEBHOOKS: Migration = {
  version: 10,
  name: 'webhooks',
  sql: `
CREATE TABLE webhooks (
  connection_id TEXT PRIMARY KEY NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  sealed_secret BLOB NOT NULL,
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL
) STRICT;

-- A delivery is kept until the datasource has been given it, and its row, without its body, for as long as a copy of it is
-- to be known. identity is a hash of what the source signed, or the source's own id, or nothing that comes twice.
CREATE TABLE webhook_deliveries (
  id TEXT PRIMARY KEY NOT NULL,
  connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  identity TEXT NOT NULL,
  source_id TEXT NOT NULL,
  headers TEXT NOT NULL,
  body BLOB NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'done', 'failed')),
  reason TEXT,
  received_at_ms INTEGER NOT NULL,
  ended_at_ms INTEGER,
  UNIQUE (connection_id, identity)
) STRICT;
CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (connection_id, id) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_ended ON webhook_deliveries (ended_at_ms) WHERE state <> 'pending';

-- Features that a delivery says are to be read now.
CREATE TABLE webhook_reads (
  connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  feature TEXT NOT NULL,
  asked_at_ms INTEGER NOT NULL,
  PRIMARY KEY (connection_id, feature)
) STRICT, WITHOUT ROWID;
`,
};
