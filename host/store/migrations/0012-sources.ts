import type { Migration } from './migration.ts';

/** Whom the operator believes, which bytes a version has, and where datasources come from. */
export const SOURCES: Migration = {
  version: 12,
  name: 'sources',
  sql: `
-- names: a JSON list of exact names, beginnings with a * behind them, or *.
CREATE TABLE trusted_keys (
  id TEXT PRIMARY KEY,
  publisher TEXT NOT NULL,
  public_key TEXT NOT NULL,
  names TEXT NOT NULL,
  added_at_ms INTEGER NOT NULL
) STRICT;

-- The lock: outlives the version, so that it comes again with these bytes or not at all.
CREATE TABLE version_pins (
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  digest TEXT NOT NULL,
  origin TEXT NOT NULL,
  pinned_at_ms INTEGER NOT NULL,
  PRIMARY KEY (name, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE folder_sources (
  folder TEXT PRIMARY KEY,
  next_scan_at_ms INTEGER NOT NULL,
  scanned_at_ms INTEGER,
  problem TEXT
) STRICT;
CREATE TABLE folder_files (
  folder TEXT NOT NULL REFERENCES folder_sources (folder) ON DELETE CASCADE,
  file TEXT NOT NULL,
  digest TEXT NOT NULL,
  name TEXT,
  version TEXT,
  -- Why it was not taken.
  problem TEXT,
  seen_at_ms INTEGER NOT NULL,
  PRIMARY KEY (folder, file)
) STRICT, WITHOUT ROWID;

-- body: the payload of the newest index that was believed; index_version 0 before the first.
CREATE TABLE markets (
  name TEXT PRIMARY KEY,
  url TEXT NOT NULL,
  public_key TEXT NOT NULL,
  index_version INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  digest TEXT NOT NULL,
  body TEXT NOT NULL,
  refreshed_at_ms INTEGER
) STRICT;
`,
};
