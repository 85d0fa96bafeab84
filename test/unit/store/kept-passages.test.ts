import { expect, test } from 'vitest';
import type { Database } from '../../../host/store/database.ts';
import { commitBatch } from '../../../host/store/batch.ts';
import type { DocumentChange } from '../../../host/store/written-changes.ts';
import { seededRandom } from '../../helpers/random.ts';
import { addConnection, batchOf, claimRun, inspectFile, temporaryDatabase, upsert } from './fixture.ts';

interface Row {
  id: number;
  source_id: string;
  position: number;
  text: string;
}

function passagesIn({ file }: Database): Row[] {
  return inspectFile(file, (raw) => {
    const sql = `SELECT passages.id, documents.source_id, passages.position, passages.text
      FROM passages JOIN documents ON documents.id = passages.document_id ORDER BY documents.source_id, passages.position`;
    return raw.prepare(sql).all([]) as Row[];
  });
}

/** Ids of passages by their text. */
function idsIn(database: Database): Record<string, number> {
  return Object.fromEntries(passagesIn(database).map(({ id, text }) => [text, id]));
}

/** Whether every word of every passage is found, in its passage and nowhere else, by its scope too. */
function expectExactIndex({ file }: Database): void {
  inspectFile(file, (raw) => {
    raw.exec(`CREATE VIRTUAL TABLE temp.anew USING fts5 (title, headings, text, identifiers, scope, content = '', tokenize = 'porter unicode61 remove_diacritics 2');
      CREATE VIRTUAL TABLE temp.anew_words USING fts5vocab (temp, anew, instance);
      CREATE VIRTUAL TABLE temp.kept_words USING fts5vocab (main, passages_fts_acme, instance);
      INSERT INTO temp.anew (rowid, title, headings, text, identifiers, scope) SELECT id, title, headings, text, identifiers, scope FROM passages`);
    const wordsOf = (table: string): unknown[] =>
      raw.prepare(`SELECT term, doc, col, offset FROM temp.${table} ORDER BY 1, 2, 3, 4`).all([]);
    expect(wordsOf('kept_words')).toEqual(wordsOf('anew_words'));
    expect(
      raw
        .prepare(
          'SELECT count(*) AS n FROM passages JOIN documents ON documents.id = document_id WHERE passages.access_id IS NOT documents.access_id',
        )
        .all([]),
    ).toEqual([{ n: 0 }]);
    raw.exec('DROP TABLE temp.kept_words; DROP TABLE temp.anew_words; DROP TABLE temp.anew');
  });
}

test('a changed document keeps the passages that have not changed, wherever they are now', async () => {
  const database = await temporaryDatabase();
  const home = await addConnection(database);
  const lease = await claimRun(database, home);
  const write = (texts: string[], more = {}) => commitBatch(database, batchOf(home, lease, { changes: [upsert('a', texts, more)] }));
  await write(['one', 'two', 'three', 'four']);
  const before = idsIn(database);
  await write(['new', 'four', 'two', 'one', 'last']);
  const after = idsIn(database);
  expect({ one: after.one, two: after.two, four: after.four }).toEqual({ one: before.one, two: before.two, four: before.four });
  expect(passagesIn(database).map(({ position, text }) => `${position} ${text}`)).toEqual(['0 new', '1 four', '2 two', '3 one', '4 last']);
  expectExactIndex(database);
});

test('passages under another title or place are other passages', async () => {
  const database = await temporaryDatabase();
  const home = await addConnection(database);
  const lease = await claimRun(database, home);
  await commitBatch(database, batchOf(home, lease, { changes: [upsert('a', ['one']), upsert('b', ['two'])] }));
  await commitBatch(
    database,
    batchOf(home, lease, { changes: [upsert('a', ['one'], { title: 'Other' }), upsert('b', ['two'], { location: ['there'] })] }),
  );
  expect(passagesIn(database)).toHaveLength(2);
  expectExactIndex(database);
});

test('passages that stay have the access that their document has now', async () => {
  const database = await temporaryDatabase();
  const home = await addConnection(database);
  const lease = await claimRun(database, home);
  const only = { kind: 'all-of' as const, allOf: [[{ kind: 'email' as const, id: 'ann@example.com' }]] };
  await commitBatch(database, batchOf(home, lease, { changes: [upsert('a', ['one', 'two'])] }));
  const before = idsIn(database);
  await commitBatch(database, batchOf(home, lease, { changes: [upsert('a', ['one', 'three'], { access: only })] }));
  expect(idsIn(database).one).toBe(before.one);
  expectExactIndex(database);
  const scopes = inspectFile(database.file, (raw) =>
    raw.prepare('SELECT DISTINCT substr(scope, instr(scope, " access")) AS word FROM passages'.replaceAll('"', "'")).all([]),
  );
  expect(scopes).toHaveLength(1);
});

test('whatever is edited, the index is that of the documents as they are', async () => {
  const database = await temporaryDatabase();
  const home = await addConnection(database);
  const lease = await claimRun(database, home);
  const random = seededRandom(11);
  const expected = new Map<string, string[]>();
  for (let round = 0; round < 40; round += 1) {
    const changes = Array.from({ length: 6 }, (): DocumentChange => {
      const id = `d${random.below(8)}`;
      if (random.below(6) === 0) {
        expected.delete(id);
        return { kind: 'delete', id };
      }
      // Few texts, so that many are the same, some twice in one document.
      const texts = Array.from({ length: 1 + random.below(8) }, () => `text number ${random.below(10)}`);
      expected.set(id, texts);
      const access = random.below(3) === 0 ? ({ kind: 'admins-only' } as const) : ({ kind: 'everyone' } as const);
      return upsert(id, texts, { access });
    });
    await commitBatch(database, batchOf(home, lease, { changes }));
  }
  const rows = passagesIn(database);
  for (const [id, texts] of expected) expect(rows.filter((row) => row.source_id === id).map(({ text }) => text)).toEqual(texts);
  expect(rows).toHaveLength([...expected.values()].flat().length);
  expectExactIndex(database);
});
