import type { Migration } from './migration.ts';

/** Webhooks in, and the chained log of changes. */
export const DELIVERIES: Migration = {
  version: 9,
  name: 'deliveries',
  sql: `
-- chain is the id of an organisation, or '' for what concerns the host. hash is SHA-256 over previous, sequence and entry
-- (see chain.ts). No foreign key: the log outlives what it tells of.
CREATE TABLE changes (
  chain TEXT NOT NULL,
  sequence INTEGER NOT NULL CHECK (sequence > 0),
  entry TEXT NOT NULL,
  previous BLOB NOT NULL CHECK (length(previous) = 32),
  hash BLOB NOT NULL CHECK (length(hash) = 32),
  PRIMARY KEY (chain, sequence)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER changes_stay BEFORE UPDATE ON changes BEGIN SELECT RAISE(ABORT, 'the log of changes is append-only'); END;
CREATE TRIGGER changes_are_kept BEFORE DELETE ON changes BEGIN SELECT RAISE(ABORT, 'the log of changes is append-only'); END;
-- REPLACE would get around the trigger before DELETE.
CREATE TRIGGER changes_follow BEFORE INSERT ON changes
WHEN NEW.sequence <> coalesce((SELECT max(sequence) FROM changes WHERE chain = NEW.chain), 0) + 1
BEGIN SELECT RAISE(ABORT, 'the log of changes is append-only'); END;
`,
};
