import type { Migration } from './migration.ts';

/** Who calls the API: keys, answers to repeated requests, and the state that a change was meant for. */
export const CALLERS: Migration = {
  version: 6,
  name: 'callers',
  sql: `
-- organisation_id NULL: a key of the whole host. digest is SHA-256 of the key, which is 256 random bits: it cannot be guessed
-- from it, so no slow hash is needed. scopes is a JSON array. A key is never deleted, so that the log of changes can be read.
CREATE TABLE api_keys (
  id TEXT NOT NULL PRIMARY KEY,
  organisation_id TEXT REFERENCES organisations (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  hint TEXT NOT NULL,
  digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
  scopes TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER,
  revoked_at_ms INTEGER,
  last_used_at_ms INTEGER,
  replaces TEXT
) STRICT;
CREATE INDEX api_keys_by_organisation ON api_keys (organisation_id, id);

-- id is a hash of the caller and the Idempotency-Key, which itself is not kept: fingerprint and answer are made with it.
-- answer NULL: the first request has not ended; it may no longer be under way after busy_until_ms.
CREATE TABLE idempotent_requests (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 32),
  fingerprint BLOB NOT NULL,
  busy_until_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  answer BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotent_requests_by_end ON idempotent_requests (expires_at_ms);

-- Counts the changes of the settings, for If-Match.
ALTER TABLE connections ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
`,
};
