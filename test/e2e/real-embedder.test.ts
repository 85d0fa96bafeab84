import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RetrievalInput } from '../../host/services/retrieval/retrieval-service.ts';
import { type Database, openDatabase } from '../../host/store/database.ts';
import { type RealEmbedder, startRealEmbedder } from '../helpers/real-embedder.ts';
import { openVectorHost, type VectorHost } from '../helpers/vectors.ts';
import { addConnection, index, upsert } from '../unit/store/fixture.ts';

/** What a firm writes down, in its own words. */
const NOTES: Readonly<Record<string, string>> = {
  parental: 'Parental leave: whoever becomes a mother or a father may stay at home for six months and is paid throughout.',
  sickness: 'When you fall ill, ring your supervisor before nine o’clock. From the third day on a doctor’s certificate is needed.',
  expenses: 'Receipts for travel are handed in by the fifth of the following month; the money is wired back within two weeks.',
  lorry: 'The lorry is serviced every 20,000 kilometres at the garage in Mill Street. The key hangs behind the reception desk.',
  passwords: 'Credentials are rotated every ninety days. Never send one by e-mail; use the vault.',
  outage: 'If the website is down, open an incident, wake whoever is on call and write to customers within half an hour.',
  canteen: 'The canteen serves lunch from half past eleven to two. Vegetarian dishes are on the left.',
  visitors: 'Guests sign the book at the reception and wear a badge. They are never left alone in the laboratory.',
  fire: 'When the alarm sounds, leave by the nearest staircase and gather on the car park. Lifts must not be used.',
  hiring: 'Applicants are invited to two interviews. Whoever is turned down gets a personal letter within a week.',
  backup: 'Databases are copied to another building every night, and each quarter a copy is restored to see that it works.',
  bicycle: 'Bicycles may be leased through the firm; the monthly rate is deducted from the salary.',
  printer: 'Error QX-7130 of the printer on the second floor means that the fuser is too hot. Wait ten minutes.',
  coldroom: 'Error QX-7131 of the cold room means that its door is ajar. Close it and press the green button.',
  contract: 'Agreements above fifty thousand euros are signed by two directors after the lawyers have read them.',
  garden: 'The roses behind the house are watered by the caretaker; nobody else needs to do anything.',
};

/** In other words than the note has. */
const BY_MEANING: readonly (readonly [question: string, note: string])[] = [
  ['time off for a new baby', 'parental'],
  ['truck repair', 'lorry'],
  ['how do I get reimbursed for a train ticket', 'expenses'],
  ['what happens during a server failure', 'outage'],
  ['where can I eat at noon', 'canteen'],
  ['job candidates', 'hiring'],
  ['disaster recovery of our data', 'backup'],
  ['legal review of a big deal', 'contract'],
];

/** By words that stand in the note and hardly anywhere else. */
const BY_WORDS: readonly (readonly [question: string, note: string])[] = [
  ['QX-7131', 'coldroom'],
  ['what does QX-7130 mean', 'printer'],
  ['Mill Street', 'lorry'],
  ['vault', 'passwords'],
  ['fuser', 'printer'],
  ['badge for the laboratory', 'visitors'],
];

let folder: string;
let database: Database;
let embedder: RealEmbedder;
let host: VectorHost;

beforeAll(async () => {
  embedder = await startRealEmbedder();
  folder = await mkdtemp(join(tmpdir(), 'real-embedder-'));
  database = await openDatabase({ file: join(folder, 'lorelai.db') });
  const home = await addConnection(database);
  const documents = Object.entries(NOTES).map(([id, text]) => upsert(id, [text], { title: 'Note' }));
  await index(database, home, documents);
  // This server cannot be told which text is a question: its model then wants all of them as such.
  host = openVectorHost(database, { url: embedder.url, embeddings: { model: 'e5-query' } });
  expect(await host.make()).toMatchObject({ sets: [{ state: 'current', dimensions: 384, vectors: documents.length, waiting: 0 }] });
}, 240_000);

afterAll(async () => {
  await embedder.close();
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

async function found(question: string, more: Partial<RetrievalInput> = {}): Promise<string[]> {
  const { hits } = await host.ask(question, { k: 3, ...more });
  return hits.map(({ link }) => link.slice(link.lastIndexOf('/') + 1));
}

it.each(BY_MEANING)('%s is found by what it means, where its words do not find it', async (question, note) => {
  expect((await found(question, { vectors: false }))[0]).not.toBe(note);
  expect(await found(question)).toContain(note);
});

it('most of what is asked in other words comes first', async () => {
  const first = await Promise.all(BY_MEANING.map(async ([question, note]) => (await found(question))[0] === note));
  expect(first.filter(Boolean).length).toBeGreaterThanOrEqual(BY_MEANING.length - 2);
});

it.each(BY_WORDS)('what words find first stays first: %s', async (question, note) => {
  expect((await found(question, { vectors: false }))[0]).toBe(note);
  expect((await found(question))[0]).toBe(note);
});

it('an answer says nothing is missing, and why each hit is where it is', async () => {
  const { hits, missing } = await host.ask('time off for a new baby', { explain: true });
  expect(missing).toEqual([]);
  expect(hits[0]?.explanation?.arms.map(({ arm }) => arm)).toContain('vector');
});
