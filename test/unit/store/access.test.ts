import { expect, test } from 'vitest';
import type { Principal } from '../../../host/domain/document.ts';
import { LOCAL_CALLER } from '../../../host/domain/caller.ts';
import { createRetrieval } from '../../../host/services/retrieval/retrieval.ts';
import { createVisibility } from '../../../host/services/retrieval/visibility.ts';
import { healAccess } from '../../../host/store/access-heal.ts';
import type { Database } from '../../../host/store/database.ts';
import { MAX_GROUPS, replaceGroups, stageGroups, unstageGroups, countStagedGroups } from '../../../host/store/groups.ts';
import { insertPerson } from '../../../host/store/people.ts';
import { removeConnection } from '../../../host/store/removals.ts';
import {
  addConnection,
  dumpRebuiltIndex,
  dumpSearchIndex,
  indexMore,
  inspectFile,
  temporaryDatabase,
  upsert,
  type Home,
} from './fixture.ts';

const ADA: Principal = { kind: 'email', id: 'ada@acme.example' };

async function addAda(database: Database, organisation = 'acme'): Promise<void> {
  const ada = { email: ADA.id, name: 'Ada', aliases: [], accounts: [] };
  await insertPerson(database, { organisation, id: `ada-of-${organisation}` }, ada, 1);
}

async function titlesFor(
  database: Database,
  person: string | undefined,
  { k = 100, maxAgeMs = 3_600_000, organisation = 'acme' } = {},
): Promise<string[]> {
  const retrieval = createRetrieval({ database, visibility: createVisibility({ database, maxAgeMs }) });
  const asker = { caller: LOCAL_CALLER, requestId: undefined, ...(person === undefined ? {} : { person }) };
  const { hits } = await retrieval.retrieve({ organisation, question: 'walrus', k, asker });
  return hits.map(({ title }) => title);
}

/** One group a document, of which Ada is in some. */
async function indexGroups(database: Database, home: Home, count: number, isIn: (group: number) => boolean): Promise<void> {
  const numbers = Array.from({ length: count }, (_, number) => number);
  const run = await indexMore(
    database,
    home,
    numbers.map((number) =>
      upsert(`${number}`, ['walrus'], { title: `${number}`, access: { kind: 'all-of', allOf: [[{ kind: 'group', id: `g${number}` }]] } }),
    ),
  );
  const groups = numbers.map((number) => ({ id: `g${number}`, name: '', members: isIn(number) ? [ADA] : [] }));
  await database.write([...stageGroups({ ...home, run }, groups), ...replaceGroups({ ...home, run }, Date.now())]);
}

test.each([1, 20, 63, 64, 65, 150, 300])(
  'somebody in %i groups of 300 finds all of their documents and no others, few or many',
  async (memberships) => {
    const database = await temporaryDatabase();
    const home = await addConnection(database);
    await addAda(database);
    await indexGroups(database, home, 300, (group) => (group * memberships) % 300 < memberships);
    const expected = Array.from({ length: 300 }, (_, number) => number).filter((number) => (number * memberships) % 300 < memberships);
    const found = await titlesFor(database, ADA.id);
    expect(found).toHaveLength(Math.min(100, expected.length));
    expect(expected.map(String)).toEqual(expect.arrayContaining(found));
  },
);

test('nothing is seen by groups of which only some pages have been read, nor by those of a run that was given up', async () => {
  const database = await temporaryDatabase();
  const home = await addConnection(database);
  await addAda(database);
  await indexGroups(database, home, 2, () => false);
  const run = await indexMore(database, home, []);
  const at = { ...home, run };
  await database.write(stageGroups(at, [{ id: 'g0', name: '', members: [ADA] }]));
  expect(await countStagedGroups(database, run)).toEqual({ groups: 1, memberships: 1 });
  expect(MAX_GROUPS).toBeGreaterThan(1);
  expect(await titlesFor(database, ADA.id)).toEqual([]);
  await database.write(unstageGroups(run));
  await database.write(replaceGroups(at, Date.now()));
  expect(await titlesFor(database, ADA.id)).toEqual([]);
  await database.write([
    ...stageGroups(at, [{ id: 'g1', name: '', members: [{ kind: 'email', id: 'ADA@ACME.example' }] }]),
    ...replaceGroups(at, Date.now()),
  ]);
  expect(await titlesFor(database, ADA.id)).toEqual(['1']);
});

test('access that nobody has confirmed for long is not known: not of groups, not of what is public', async () => {
  const database = await temporaryDatabase();
  const home = await addConnection(database);
  await addAda(database);
  await indexGroups(database, home, 1, () => true);
  await indexMore(database, home, [upsert('public', ['walrus'], { title: 'public' })]);
  expect((await titlesFor(database, ADA.id)).toSorted()).toEqual(['0', 'public']);
  expect(await titlesFor(database, ADA.id, { maxAgeMs: 0 })).toEqual([]);
  expect((await titlesFor(database, undefined, { maxAgeMs: 0 })).toSorted()).toEqual(['0', 'public']);
});

test('documents of an older database are found by admins only, until they have their access lists', async () => {
  const database = await temporaryDatabase();
  const home = await addConnection(database);
  await addAda(database);
  const access = { kind: 'all-of' as const, allOf: [[ADA]] };
  await indexMore(
    database,
    home,
    Array.from({ length: 450 }, (_, number) =>
      upsert(`${number}`, ['walrus', 'otter'], { title: `${number}`, access: number % 2 === 0 ? access : { kind: 'admins-only' } }),
    ),
  );
  const healed = inspectFile(database.file, (raw) => dumpSearchIndex(raw, 'passages_fts_acme'));
  // As it was before: no lists, and index entries without their words.
  inspectFile(database.file, (raw) => {
    const columns = 'title, headings, text, identifiers, scope';
    raw.exec(`INSERT INTO passages_fts_acme (passages_fts_acme, rowid, ${columns}) SELECT 'delete', id, ${columns} FROM passages;
      UPDATE documents SET access_id = NULL; UPDATE passages SET access_id = NULL, scope = substr(scope, 1, length(scope) - 18);
      DELETE FROM access_lists;
      INSERT INTO passages_fts_acme (rowid, ${columns}) SELECT id, ${columns} FROM passages`);
  });
  expect(await titlesFor(database, ADA.id)).toEqual([]);
  expect(await titlesFor(database, undefined)).toHaveLength(100);
  await healAccess(database, AbortSignal.abort());
  expect(await titlesFor(database, ADA.id)).toEqual([]);
  await healAccess(database, new AbortController().signal);
  expect(await titlesFor(database, ADA.id)).toHaveLength(100);
  inspectFile(database.file, (raw) => {
    expect(dumpSearchIndex(raw, 'passages_fts_acme')).toEqual(healed);
    expect(dumpSearchIndex(raw, 'passages_fts_acme')).toEqual(dumpRebuiltIndex(raw, 'acme'));
  });
});

test('groups, accounts and access lists go with their connection, and leave those of others', async () => {
  const database = await temporaryDatabase();
  const home = await addConnection(database);
  const other = await addConnection(database, { connection: 'other' });
  await addAda(database);
  for (const each of [home, other]) await indexGroups(database, each, 3, () => true);
  await removeConnection(database, 'acme', home.connection, 1);
  expect(await titlesFor(database, ADA.id)).toHaveLength(3);
  inspectFile(database.file, (raw) => {
    for (const table of ['source_groups', 'access_lists', 'connection_access'])
      expect(raw.prepare(`SELECT DISTINCT connection_id FROM ${table}`).all([]), table).toEqual([{ connection_id: 'other' }]);
    expect(raw.prepare('SELECT count(*) AS members FROM group_members').all([])).toEqual([{ members: 3 }]);
    expect(raw.prepare('PRAGMA foreign_key_check').all([])).toEqual([]);
  });
});

test('a group that a source claims of another connection opens nothing there', async () => {
  const database = await temporaryDatabase();
  const honest = await addConnection(database);
  const hostile = await addConnection(database, { connection: 'hostile' });
  await addAda(database);
  await indexGroups(database, honest, 2, () => false);
  await indexGroups(database, hostile, 2, () => true);
  expect((await titlesFor(database, ADA.id)).toSorted()).toEqual(['0', '1']);
  await removeConnection(database, 'acme', hostile.connection, 1);
  expect(await titlesFor(database, ADA.id)).toEqual([]);
});
