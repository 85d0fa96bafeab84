import { expect, test } from 'vitest';
import { createLog } from '../../../host/log.ts';
import { createIndexMerging } from '../../../host/services/runs/index-merging.ts';
import { mergeIndex } from '../../../host/store/index-merges.ts';
import { migrate, MIGRATIONS } from '../../../host/store/migrate.ts';
import { addConnection, indexMore, inspectFile, temporaryDatabase, temporaryFolder, upsert, type Home } from './fixture.ts';
import type { Database } from '../../../host/store/database.ts';
import { join } from 'node:path';

const COMMITS = 12;
const LOG = createLog({ level: 'error', pretty: false, write: (line) => process.stderr.write(line) });

/** Parts that an organisation's index is in. */
function partsOf(file: string, organisation: string): number {
  return inspectFile(file, (database) => database.prepare(`SELECT DISTINCT segid FROM "passages_fts_${organisation}_idx"`).all([]).length);
}

function found(file: string, organisation: string, word: string): unknown[] {
  return inspectFile(file, (database) =>
    database
      .prepare(`SELECT rowid FROM "passages_fts_${organisation}" WHERE "passages_fts_${organisation}" MATCH ? ORDER BY rowid`)
      .pluck()
      .all([word]),
  );
}

async function written(database: Database, organisation: string): Promise<Home> {
  const home = await addConnection(database, { organisation });
  for (let index = 0; index < COMMITS; index += 1) await indexMore(database, home, [upsert(`d${index}`, [`the words of ${index}`])]);
  return home;
}

async function mergeAll(database: Database, organisation: string): Promise<void> {
  while (await mergeIndex(database, organisation));
}

test('what is written is not merged at each fourth commit, but when it is asked for, and says the same then', async () => {
  const database = await temporaryDatabase();
  await written(database, 'acme');
  expect(partsOf(database.file, 'acme')).toBe(COMMITS);
  const before = found(database.file, 'acme', 'words');
  await mergeAll(database, 'acme');
  expect(partsOf(database.file, 'acme')).toBeLessThan(4);
  expect(found(database.file, 'acme', 'words')).toEqual(before);
  expect(before).toHaveLength(COMMITS);
});

test('indexes are merged one after another, those written before the start when a host begins, and none while it is written', async () => {
  const database = await temporaryDatabase();
  const home = await written(database, 'acme');
  await written(database, 'other');
  const merging = createIndexMerging({ database, log: LOG });
  expect(await merging.step(new Set())).toBe(false);
  await merging.begin();
  while (await merging.step(new Set(['other'])));
  expect(partsOf(database.file, 'acme')).toBeLessThan(4);
  expect(partsOf(database.file, 'other')).toBe(COMMITS);
  while (await merging.step(new Set()));
  expect(partsOf(database.file, 'other')).toBeLessThan(4);
  for (let index = 0; index < COMMITS; index += 1) await indexMore(database, home, [upsert(`e${index}`, ['more words'])]);
  expect(await merging.step(new Set())).toBe(false);
  merging.written('acme');
  while (await merging.step(new Set()));
  expect(partsOf(database.file, 'acme')).toBeLessThan(4);
});

test('an index that an earlier version made is written as a new one', async () => {
  const file = join(await temporaryFolder(), 'old.db');
  inspectFile(file, (old) => {
    migrate(old, MIGRATIONS.slice(0, 17));
    old.exec(`INSERT INTO organisations (id, name, created_at_ms) VALUES ('acme', 'acme', 1);
      CREATE VIRTUAL TABLE "passages_fts_acme" USING fts5 (title, headings, text, identifiers, scope, content = '')`);
    migrate(old);
    const settings = old.prepare(`SELECT k, v FROM "passages_fts_acme_config" WHERE k LIKE '%merge' ORDER BY k`).raw(true).all([]);
    expect(settings).toEqual([
      ['automerge', 16],
      ['crisismerge', 64],
    ]);
  });
});
