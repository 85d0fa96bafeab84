import { join } from 'node:path';
import Libsql from 'libsql';
import { expect, test } from 'vitest';
import { openDatabase } from '../../../host/store/database.ts';
import { migrate, MIGRATIONS } from '../../../host/store/migrate.ts';
import { claimNextRun, getRun } from '../../../host/store/runs.ts';
import { pendingSchedules } from '../../../host/store/schedules.ts';
import { temporaryFolder } from './fixture.ts';

/** What a host before kinds of runs left behind: one run that has ended with a problem, and one that waits. */
const BEFORE = `
INSERT INTO organisations VALUES ('acme', 'Acme', 1);
CREATE VIRTUAL TABLE passages_fts_acme USING fts5 (title, headings, text, identifiers, scope, content = '');
INSERT INTO datasource_registry VALUES ('hello', '1.0.0', 'sha256:1', '{}', '{}', '{}', 1, 1);
INSERT INTO connections (id, organisation_id, datasource_name, name, config, features, created_at_ms, updated_at_ms)
  VALUES ('c1', 'acme', 'hello', 'hello', '{}', '{}', 1, 1);
INSERT INTO runs (id, organisation_id, connection_id, state, reason, problem_count, created_at_ms, started_at_ms, finished_at_ms)
  VALUES ('r1', 'acme', 'c1', 'partial', 'one was left out', 1, 10, 11, 12);
INSERT INTO run_features (run_id, feature, position, state, batches, seen, upserted, skipped) VALUES ('r1', 'greetings', 0, 'done', 2, 5, 4, 1);
INSERT INTO run_problems VALUES ('r1', 0, 'greetings', 'item', 'broken', 'Mend it.');
INSERT INTO runs (id, organisation_id, connection_id, state, wake_at_ms, reason, attempts, created_at_ms, started_at_ms)
  VALUES ('r2', 'acme', 'c1', 'parked', 500, 'throttled', 3, 20, 21);
INSERT INTO run_features (run_id, feature, position, state) VALUES ('r2', 'greetings', 0, 'running');
`;

test.each(['ON', 'OFF'])('runs of an older host are kept whole and go on, with foreign keys %s', async (foreignKeys) => {
  const file = join(await temporaryFolder(), 'test.db');
  const old = new Libsql(file);
  old.pragma(`foreign_keys = ${foreignKeys}`);
  migrate(old, MIGRATIONS.slice(0, 2));
  old.exec(BEFORE);
  migrate(old, MIGRATIONS.slice(0, 3));
  expect(old.prepare('PRAGMA foreign_key_check').all([])).toEqual([]);
  old.close();
  const database = await openDatabase({ file });
  expect(await getRun(database, 'acme', 'r1')).toMatchObject({
    kind: 'content',
    startedBy: 'request',
    state: 'partial',
    reason: 'one was left out',
    features: [{ feature: 'greetings', state: 'done', batches: 2, seen: 5, upserted: 4, skipped: 1, failed: 0 }],
    problems: [{ feature: 'greetings', path: 'item', reason: 'broken', remedy: 'Mend it.' }],
    createdAtMs: 10,
    finishedAtMs: 12,
  });
  expect(await claimNextRun(database, { owner: 'test', nowMs: 499, leaseMs: 100 })).toBeUndefined();
  expect((await claimNextRun(database, { owner: 'test', nowMs: 500, leaseMs: 100 }))?.run).toMatchObject({ id: 'r2', attempts: 4 });
  // A connection that no host has ever looked at is looked at.
  expect((await pendingSchedules(database, 1, 10)).map(({ kind }) => kind).toSorted()).toEqual(['access', 'content', 'prune']);
  await database.close();
});
