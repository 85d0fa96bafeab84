import type { Migration } from './migration.ts';

/** What Lorelai is to be told of runs. */
export const NOTIFICATIONS: Migration = {
  version: 14,
  name: 'notifications',
  sql: `
-- When a host last said that it delivers notifications: without one nothing is put into the table.
CREATE TABLE notification_sinks (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  seen_at_ms INTEGER NOT NULL
) STRICT;

-- Written in the transaction that ends the run, deleted when it has been taken. due_ms is also the lease of a host that delivers it.
CREATE TABLE notifications (
  run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  state TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  due_ms INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (run_id, state)
) STRICT, WITHOUT ROWID;
CREATE INDEX notifications_due ON notifications (due_ms);
`,
};
