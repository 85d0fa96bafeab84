import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { migrate } from '../../../host/store/migrate.ts';
import { CONTENT_TABLES, KEPT_WITHOUT_CREDENTIAL } from '../../../host/store/removals.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'removals-'));
});

afterEach(() => rm(folder, { recursive: true }));

it('says of every table of a connection whether it stays when the access of the connection is revoked', () => {
  const database = new Libsql(join(folder, 'lorelai.db'));
  migrate(database);
  const rows = database
    .prepare(
      `SELECT DISTINCT m.name AS name FROM sqlite_master m, pragma_foreign_key_list(m.name) k WHERE m.type = 'table' AND k."table" = 'connections'`,
    )
    .all([]) as { name: string }[];
  database.close();
  const known: string[] = [...CONTENT_TABLES, ...KEPT_WITHOUT_CREDENTIAL];
  expect(rows.map(({ name }) => name).toSorted()).toEqual(known.toSorted());
});
