import { expect, test } from 'vitest';
import { commitBatch } from '../../../host/store/batch.ts';
import type { DocumentChange } from '../../../host/store/written-changes.ts';
import { getCheckpoint, forgetCheckpoint } from '../../../host/store/checkpoints.ts';
import { type CollectionWrite, collectionsSize, getCollectionValue, scanCollection } from '../../../host/store/collections.ts';
import { viewConnection } from '../../../host/store/connections.ts';
import type { Database } from '../../../host/store/database.ts';
import { knownVersions } from '../../../host/store/documents.ts';
import { listMetrics } from '../../../host/store/metrics.ts';
import { finishRun, getRun } from '../../../host/store/runs.ts';
import { searchPassages } from '../../../host/store/search.ts';
import { EVERYTHING } from '../../../host/store/visibility.ts';
import { seededRandom } from '../../helpers/random.ts';
import {
  addConnection,
  batchOf,
  claimDue,
  claimRun,
  dumpRebuiltIndex,
  dumpSearchIndex,
  facts,
  inspectFile,
  temporaryDatabase,
  upsert,
} from './fixture.ts';

const WEIGHTS = { title: 1, headings: 1, text: 1, identifiers: 1 };

async function titlesOf(database: Database, organisation: string, word: string): Promise<string[]> {
  const found = await searchPassages(database, {
    organisation,
    match: `"${word}"`,
    visibility: EVERYTHING,
    filter: {},
    weights: WEIGHTS,
    share: 1,
    perDocument: 1,
    candidates: 100,
    limit: 100,
  });
  return found.map((passage) => passage.title).sort();
}

function put(key: string, value: number[]): CollectionWrite {
  return { collection: 'issues', key, value: new Uint8Array(value) };
}

/** Everything but the run's own row, which a lease may change. */
function dump(file: string): unknown {
  const tables = ['documents', 'passages', 'checkpoints', 'run_features', 'run_problems', 'datasource_collections', 'datasource_metrics'];
  return inspectFile(file, (raw) => [
    ...tables.map((table) => raw.prepare(`SELECT * FROM ${table}`).all([])),
    dumpSearchIndex(raw, 'passages_fts_acme'),
  ]);
}

test('a batch adds, replaces, refreshes and deletes documents, and counts what it did', async () => {
  const database = await temporaryDatabase();
  const home = await addConnection(database);
  const lease = await claimRun(database, home);
  const first = await commitBatch(
    database,
    batchOf(home, lease, { changes: [upsert('a', ['old words']), upsert('b', ['stays']), upsert('c', ['goes'])] }),
  );
  expect(first).toEqual({ upserted: 3, unchanged: 0, deleted: 0, cancelRequested: false });
  const second = await commitBatch(
    database,
    batchOf(home, lease, {
      changes: [
        upsert('a', ['new words', 'and more of them']),
        { kind: 'touch', document: facts('b', { link: 'https://example.com/moved', version: '2' }) },
        { kind: 'delete', id: 'c' },
        { kind: 'delete', id: 'never-there' },
      ],
      progress: { seen: 4, expected: 9 },
      done: true,
    }),
  );
  expect(second).toEqual({ upserted: 1, unchanged: 1, deleted: 1, cancelRequested: false });
  expect(await titlesOf(database, 'acme', 'old')).toEqual([]);
  expect(await titlesOf(database, 'acme', 'new')).toEqual(['Title of a']);
  expect(await titlesOf(database, 'acme', 'goes')).toEqual([]);
  const [kept] = await searchPassages(database, {
    organisation: 'acme',
    match: '"stays"',
    visibility: EVERYTHING,
    filter: {},
    weights: WEIGHTS,
    share: 1,
    perDocument: 1,
    candidates: 9,
    limit: 9,
  });
  expect(kept?.link).toBe('https://example.com/moved');
  expect(await viewConnection(database, 'acme', home.connection)).toMatchObject({ documents: 2, passages: 3 });
  const run = await getRun(database, 'acme', lease.run);
  expect(run?.features).toEqual([
    {
      feature: 'issues',
      state: 'done',
      reason: undefined,
      batches: 2,
      seen: 4,
      expected: 9,
      upserted: 4,
      unchanged: 1,
      deleted: 1,
      skipped: 0,
      failed: 0,
    },
  ]);
});

test('a document keeps its public id when it is replaced', async () => {
  const database = await temporaryDatabase();
  const home = await addConnection(database);
  const lease = await claimRun(database, home);
  const ids: string[] = [];
  for (const text of ['fox one', 'fox two']) {
    await commitBatch(database, batchOf(home, lease, { changes: [upsert('a', [text])] }));
    const [found] = await searchPassages(database, {
      organisation: 'acme',
      match: '"fox"',
      visibility: EVERYTHING,
      filter: {},
      weights: WEIGHTS,
      share: 1,
      perDocument: 1,
      candidates: 9,
      limit: 9,
    });
    ids.push(found?.documentId ?? '');
  }
  expect(ids[0]).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
  expect(ids[1]).toBe(ids[0]);
});

test('where an id comes twice in a batch, the last word counts', async () => {
  const database = await temporaryDatabase();
  const home = await addConnection(database);
  const lease = await claimRun(database, home);
  const changes: DocumentChange[] = [
    upsert('a', ['first']),
    upsert('b', ['kept']),
    upsert('a', ['second']),
    { kind: 'delete', id: 'b' },
    upsert('b', ['again']),
  ];
  await commitBatch(database, batchOf(home, lease, { changes }));
  expect(await titlesOf(database, 'acme', 'first')).toEqual([]);
  expect(await titlesOf(database, 'acme', 'second')).toEqual(['Title of a']);
  expect(await titlesOf(database, 'acme', 'again')).toEqual(['Title of b']);
});

test('knownVersions tells what is indexed of one feature of one connection, and nothing else', async () => {
  const database = await temporaryDatabase();
  const home = await addConnection(database);
  const other = await addConnection(database, { connection: 'acme-c2' });
  const change = upsert('a', ['text'], { version: 'v1' });
  await commitBatch(database, batchOf(home, await claimRun(database, home), { changes: [change] }));
  await commitBatch(database, batchOf(other, await claimRun(database, other), { changes: [upsert('b', ['text'])] }));
  const known = await knownVersions(database, home.connection, 'issues', ['a', 'b', 'c']);
  expect([...known]).toEqual([['a', { version: 'v1', contentHash: change.kind === 'upsert' ? change.contentHash : undefined }]]);
  expect(await knownVersions(database, home.connection, 'pull_requests', ['a'])).toEqual(new Map());
});

test('checkpoint, storage and metrics are written with the batch', async () => {
  const database = await temporaryDatabase();
  const home = await addConnection(database);
  const lease = await claimRun(database, home);
  await commitBatch(
    database,
    batchOf(home, lease, {
      checkpoint: new Uint8Array([7]),
      storage: [put('b', [1]), put('ä', [2, 2]), put('a', [3]), put('gone', [4])],
      metrics: [
        { name: 'count', kind: 'add', value: 2 },
        { name: 'level', kind: 'set', value: 0.5 },
      ],
    }),
  );
  await commitBatch(
    database,
    batchOf(home, lease, {
      checkpoint: new Uint8Array([]),
      storage: [put('b', [9]), { collection: 'issues', key: 'gone', value: undefined }],
      metrics: [
        { name: 'count', kind: 'add', value: 3 },
        { name: 'level', kind: 'set', value: 1e300 },
      ],
    }),
  );
  expect(await getCheckpoint(database, home.connection, 'issues')).toEqual(new Uint8Array([]));
  expect(await listMetrics(database, home.connection)).toEqual({ count: 5, level: 1e300 });
  expect((await viewConnection(database, 'acme', home.connection))?.metrics).toEqual({ count: 5, level: 1e300 });
  expect(await getCollectionValue(database, home.connection, 'issues', 'b')).toEqual(new Uint8Array([9]));
  expect(await getCollectionValue(database, home.connection, 'issues', 'gone')).toBeUndefined();
  const keys = async (after: string | undefined, limit: number) =>
    (await scanCollection(database, home.connection, 'issues', { after, limit, maxBytes: 1_000 }))?.map(({ key }) => key);
  expect(await keys(undefined, 10)).toEqual(['a', 'b', 'ä']);
  expect(await keys('a', 1)).toEqual(['b']);
  // Keys a, b, ä (two bytes), values of one, one and two bytes.
  expect(await collectionsSize(database, home.connection)).toEqual({ keys: 3, bytes: 8 });
  await forgetCheckpoint(database, lease, home.connection, 'issues');
  expect(await getCheckpoint(database, home.connection, 'issues')).toBeUndefined();
});

test('a batch after the lease was lost changes nothing and says LEASE_LOST', async () => {
  const database = await temporaryDatabase();
  const home = await addConnection(database);
  const lost = await claimRun(database, home);
  await commitBatch(database, batchOf(home, lost, { changes: [upsert('a', ['one'])], leaseUntilMs: 1_000 }));
  const taken = await claimDue(database, 5_000);
  const before = dump(database.file);
  const late = batchOf(home, lost, {
    changes: [upsert('a', ['two']), upsert('b', ['three'])],
    checkpoint: new Uint8Array([9]),
    storage: [{ collection: 'c', key: 'k', value: new Uint8Array(1) }],
    metrics: [{ name: 'm', kind: 'add', value: 1 }],
    problems: [{ path: 'p', reason: 'r', remedy: 'm' }],
  });
  await expect(commitBatch(database, late)).rejects.toMatchObject({ code: 'LEASE_LOST' });
  expect(dump(database.file)).toEqual(before);
  await commitBatch(database, { ...late, lease: taken });
  expect(await titlesOf(database, 'acme', 'three')).toEqual(['Title of b']);
});

test('a batch after the run has ended changes nothing', async () => {
  const database = await temporaryDatabase();
  const home = await addConnection(database);
  const lease = await claimRun(database, home);
  await finishRun(database, lease, { state: 'succeeded', reason: undefined, nowMs: 5 });
  const before = dump(database.file);
  await expect(commitBatch(database, batchOf(home, lease, { changes: [upsert('a', ['x'])] }))).rejects.toMatchObject({
    code: 'LEASE_LOST',
  });
  expect(dump(database.file)).toEqual(before);
});

test('NUL in the text of a source is replaced, and the rest of it is still found', async () => {
  const database = await temporaryDatabase();
  const home = await addConnection(database);
  const lease = await claimRun(database, home);
  const change = upsert('a', ['before\0behind'], {
    title: 'Ti\0tle',
    author: 'A\0',
    location: ['x\0'],
    version: '\0',
    attributes: { note: '\0' },
  });
  await commitBatch(database, batchOf(home, lease, { changes: [change] }));
  const [found] = await searchPassages(database, {
    organisation: 'acme',
    match: '"behind"',
    visibility: EVERYTHING,
    filter: {},
    weights: WEIGHTS,
    share: 1,
    perDocument: 1,
    candidates: 9,
    limit: 9,
  });
  expect(found).toMatchObject({ title: 'Ti\u{fffd}tle', text: 'before\u{fffd}behind', author: 'A\u{fffd}' });
});

test('the search index stays what a new one would be, whatever is added, replaced and deleted', async () => {
  const database = await temporaryDatabase();
  const home = await addConnection(database);
  const lease = await claimRun(database, home);
  const random = seededRandom(7);
  const words = ['alpha', 'beta', 'readFile', 'write_file', 'running', 'ran', 'Übung', '東京都', 'x'.repeat(90)];
  const text = () => Array.from({ length: 1 + random.below(30) }, () => words[random.below(words.length)]).join(' ');
  for (let round = 0; round < 25; round += 1) {
    const changes = Array.from({ length: 20 }, (): DocumentChange => {
      const id = `d${random.below(40)}`;
      const kind = random.below(4);
      if (kind === 0) return { kind: 'delete', id };
      if (kind === 1) return { kind: 'touch', document: facts(id, { link: `https://example.com/${random.below(9)}` }) };
      return upsert(id, Array.from({ length: random.below(4) }, text), { title: text(), location: [text()] });
    });
    await commitBatch(database, batchOf(home, lease, { changes }));
  }
  inspectFile(database.file, (raw) => {
    expect(raw.prepare('SELECT count(*) > 10 AS many FROM passages').all([])).toEqual([{ many: 1 }]);
    expect(dumpSearchIndex(raw, 'passages_fts_acme')).toEqual(dumpRebuiltIndex(raw, 'acme'));
    expect(raw.prepare('PRAGMA foreign_key_check').all([])).toEqual([]);
    expect(
      raw
        .prepare(
          'SELECT count(*) AS n FROM documents WHERE passage_count <> (SELECT count(*) FROM passages WHERE document_id = documents.id)',
        )
        .all([]),
    ).toEqual([{ n: 0 }]);
  });
});

test('organisations with the same words do not see each other, not even in scores', async () => {
  const database = await temporaryDatabase();
  const relevance = async () =>
    (
      await searchPassages(database, {
        organisation: 'acme',
        match: '"secret" OR "plan"',
        visibility: EVERYTHING,
        filter: {},
        weights: WEIGHTS,
        share: 1,
        perDocument: 1,
        candidates: 9,
        limit: 9,
      })
    ).map((passage) => [passage.title, passage.relevance]);
  const acme = await addConnection(database, { organisation: 'acme' });
  const lease = await claimRun(database, acme);
  await commitBatch(
    database,
    batchOf(acme, lease, { changes: [upsert('1', ['secret plan of acme']), upsert('2', ['other']), upsert('3', ['things'])] }),
  );
  const alone = await relevance();
  expect(alone).toHaveLength(1);
  for (const organisation of ['rival', 'acme-2', 'a']) {
    const rival = await addConnection(database, { organisation });
    const changes = Array.from({ length: 30 }, (_, id) =>
      upsert(`${id}`, ['secret plan '.repeat(id + 1)], { title: `of ${organisation}` }),
    );
    await commitBatch(database, batchOf(rival, await claimRun(database, rival), { changes }));
  }
  expect(await relevance()).toEqual(alone);
  const rivals = await searchPassages(database, {
    organisation: 'rival',
    match: '"secret"',
    visibility: EVERYTHING,
    filter: {},
    weights: WEIGHTS,
    share: 1,
    perDocument: 1,
    candidates: 99,
    limit: 99,
  });
  expect(new Set(rivals.map((passage) => passage.title))).toEqual(new Set(['of rival']));
  await expect(
    searchPassages(database, {
      organisation: 'acme" --',
      match: '"secret"',
      visibility: EVERYTHING,
      filter: {},
      weights: WEIGHTS,
      share: 1,
      perDocument: 1,
      candidates: 9,
      limit: 9,
    }),
  ).rejects.toThrow(TypeError);
});
