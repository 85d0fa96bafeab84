import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readCollection, type Collection, type CollectionDocument } from '../../bench/retrieval/collection.ts';

// What is measured must be the collection and not what was made of it.

async function collectionOf(files: Record<string, string>): Promise<Collection> {
  const folder = await mkdtemp(join(tmpdir(), 'collection-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'qrels'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return readCollection(folder);
}

async function documentsOf(collection: Collection): Promise<CollectionDocument[]> {
  const documents: CollectionDocument[] = [];
  for await (const document of collection.documents()) documents.push(document);
  return documents;
}

test('a line ends where the file says, whatever its texts hold, and the last may have no end', async () => {
  const texts = ['one\u2028line', 'and\u2029another', 'and \u0085 a third'];
  const collection = await collectionOf({
    'corpus.jsonl': texts.map((text, index) => `{"_id":"${index}","text":"${text}"}`).join('\r\n'),
    'queries.jsonl': '{"_id":"q","text":"which?"}\n\n{"_id":"not judged","text":"what?"}\n',
    'qrels/test.tsv': 'query-id\tcorpus-id\tscore\nq\t1\t2\n',
  });
  expect((await documentsOf(collection)).map(({ text }) => text)).toEqual(texts);
  expect(collection.queries).toEqual([{ id: 'q', text: 'which?' }]);
  expect(collection.judgements.get('q')).toEqual(new Map([['1', 2]]));
});

test('access is of groups, addresses and accounts, through groups of any depth', async () => {
  const collection = await collectionOf({
    'corpus.jsonl': '{"_id":"1","text":"a","acl":["staff"]}\n{"_id":"2","text":"b","acl":[]}\n{"_id":"3","text":"c"}\n',
    'queries.jsonl': '',
    'groups.jsonl': '{"_id":"team","members":["ada@acme.example"]}\n{"_id":"staff","members":["team","bob"]}\n',
    'qrels.tsv': 'query-id\tcorpus-id\tscore\n',
  });
  const seenBy = async (person: string): Promise<string[]> =>
    (await documentsOf(collection)).filter(({ access }) => collection.maySee(person, access)).map(({ id }) => id);
  expect(await seenBy('ada@acme.example')).toEqual(['1', '3']);
  expect(await seenBy('bob')).toEqual(['1', '3']);
  expect(await seenBy('eve')).toEqual(['3']);
});
