import { beforeEach, expect, test } from 'vitest';
import type { RetrievalHit } from '../../../host/services/retrieval/retrieval-hit.ts';
import type { RetrievalInput, RetrievalService } from '../../../host/services/retrieval/retrieval-service.ts';
import { createRetrieval } from '../../../host/services/retrieval/retrieval.ts';
import { commitBatch } from '../../../host/store/batch.ts';
import type { DocumentChange } from '../../../host/store/written-changes.ts';
import type { Database } from '../../../host/store/database.ts';
import { createRun, finishRun } from '../../../host/store/runs.ts';
import { EVERYTHING } from '../../../host/store/visibility.ts';
import { addConnection, batchOf, claimDue, temporaryDatabase, upsert, type Home } from '../store/fixture.ts';

const DAY_MS = 86_400_000;

let database: Database;
let retrieval: RetrievalService;
let home: Home;
let runs = 0;

beforeEach(async () => {
  database = await temporaryDatabase();
  retrieval = createRetrieval({ database, visibility: { of: () => Promise.resolve({ visibility: EVERYTHING, person: undefined }) } });
  home = await addConnection(database);
});

async function index(at: Home, changes: DocumentChange[], feature = 'issues'): Promise<void> {
  runs += 1;
  const { organisation, connection } = at;
  await createRun(database, { id: `r${runs}`, organisation, connection, features: [feature], nowMs: 1 });
  const lease = await claimDue(database, 2);
  await commitBatch(database, batchOf(at, lease, { changes, feature }));
  await finishRun(database, lease, { state: 'succeeded', reason: undefined, nowMs: 3 });
}

async function ask(question: string, more: Partial<RetrievalInput> = {}): Promise<RetrievalHit[]> {
  return (await retrieval.retrieve({ organisation: 'acme', question, k: 20, ...more })).hits;
}

async function titlesOf(question: string, more: Partial<RetrievalInput> = {}): Promise<string[]> {
  return (await ask(question, more)).map(({ title }) => title).toSorted();
}

test('connections, media types, times and attributes filter inside the query, each alone and all together', async () => {
  const other = await addConnection(database, { connection: 'acme-c2', datasource: 'slack' });
  await index(home, [
    upsert('a', ['walrus'], {
      title: 'A',
      mediaType: 'text/Markdown; charset=utf-8',
      updatedAtMs: 10 * DAY_MS,
      attributes: { state: 'open', label: 'x' },
    }),
    upsert('b', ['walrus'], { title: 'B', mediaType: 'text/plain', createdAtMs: 20 * DAY_MS, attributes: { state: 'closed' } }),
    upsert('c', ['walrus'], { title: 'C', mediaType: 'application/pdf', attributes: {} }),
  ]);
  await index(other, [upsert('d', ['walrus'], { title: 'D', updatedAtMs: 30 * DAY_MS, attributes: { state: 'open' } })]);
  expect(await titlesOf('walrus', { connections: ['acme-c2'] })).toEqual(['D']);
  expect(await titlesOf('walrus', { connections: ['acme-c2', 'acme-c1'] })).toEqual(['A', 'B', 'C', 'D']);
  expect(await titlesOf('walrus', { connections: ['nobody'] })).toEqual([]);
  expect(await titlesOf('walrus', { mediaTypes: ['text/markdown'] })).toEqual(['A']);
  expect(await titlesOf('walrus', { mediaTypes: ['text/*'] })).toEqual(['A', 'B', 'D']);
  expect(await titlesOf('walrus', { mediaTypes: ['Application/PDF', 'text/markdown'] })).toEqual(['A', 'C']);
  expect(await titlesOf('walrus', { updatedFromMs: 20 * DAY_MS })).toEqual(['B', 'D']);
  expect(await titlesOf('walrus', { updatedFromMs: 10 * DAY_MS, updatedBeforeMs: 20 * DAY_MS })).toEqual(['A']);
  expect(await titlesOf('walrus', { attributes: { state: ['open'] } })).toEqual(['A', 'D']);
  expect(await titlesOf('walrus', { attributes: { state: ['open', 'closed'], label: ['x', 'y'] } })).toEqual(['A']);
  expect(await titlesOf('walrus', { attributes: { unheard_of: ['open'] } })).toEqual([]);
  const together = { connections: ['acme-c1'], mediaTypes: ['text/*'], updatedFromMs: 1, attributes: { state: ['closed'] } };
  expect(await titlesOf('walrus', together)).toEqual(['B']);
});

test('several passages of a document are hits when they are asked for, and neighbours that both answer are one', async () => {
  const filler = 'nothing that anybody would ever look for';
  await index(home, [
    upsert('a', ['the walrus eats', 'the walrus sleeps', filler, filler, 'the walrus swims']),
    ...Array.from({ length: 30 }, (_, id) => upsert(`x${id}`, [filler])),
  ]);
  const one = await ask('walrus');
  expect(one).toHaveLength(1);
  const hits = await ask('walrus', { perDocument: 3 });
  expect(hits.map(({ positions }) => positions).toSorted()).toEqual([[0, 1], [4]]);
  expect(hits.find(({ positions }) => positions.length === 2)?.text).toBe('the walrus eats\n\nthe walrus sleeps');
  await expect(ask('walrus', { perDocument: 11 })).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
});

test('what says the same is one hit that names the others, unless all are asked for', async () => {
  const text = 'To rotate the signing key open the settings of the host and choose a new key then wait until every host has read it';
  await index(home, [
    upsert('a', [text], { title: 'One' }),
    upsert('b', [text], { title: 'Two' }),
    upsert('c', ['no key'], { title: 'Other' }),
  ]);
  const [first, ...rest] = await ask('rotate signing key settings');
  expect(rest.map(({ title }) => title)).not.toContain(first?.duplicates[0]?.title);
  expect([first?.title, first?.duplicates[0]?.title].toSorted()).toEqual(['One', 'Two']);
  expect(first?.duplicates[0]).toMatchObject({ connection: 'acme-c1', link: expect.stringContaining('https://example.com/') });
  expect(await titlesOf('rotate signing key settings', { fold: false })).toEqual(['One', 'Other', 'Two']);
});

test('newer documents come first as far as they are asked to', async () => {
  await index(home, [
    upsert('old', ['the walrus sleeps on the ice'], { title: 'Old', updatedAtMs: 0 }),
    upsert('new', ['the walrus sleeps on the cold ice'], { title: 'New', updatedAtMs: Date.now() }),
    ...Array.from({ length: 30 }, (_, id) => upsert(`x${id}`, ['nothing'])),
  ]);
  expect((await ask('walrus'))[0]?.title).toBe('Old');
  const [first, second] = await ask('walrus', { recency: 1, explain: true });
  expect(first?.title).toBe('New');
  expect(second?.explanation?.recency).toBe(0.75);
});

test('an explanation adds up to the score', async () => {
  await index(home, [
    upsert('a', ['the walrus sleeps'], { title: 'Walrus' }),
    ...Array.from({ length: 30 }, (_, id) => upsert(`x${id}`, ['nothing'])),
  ]);
  const [hit] = await ask('does the walrus sleep?', { explain: true });
  const { bound, ...parts } = hit?.explanation?.keyword ?? { bound: 0 };
  const sum = Object.values(parts).reduce((total, part) => total + part, 0);
  expect(sum / bound).toBeCloseTo(hit?.score ?? 0, 10);
  expect(hit?.explanation?.arms).toEqual([{ arm: 'keyword', score: hit?.score, added: hit?.score }]);
  expect((await ask('walrus'))[0]?.explanation).toBeUndefined();
});

test('timings come when they are asked for, a stage each, in order', async () => {
  await index(home, [upsert('a', ['walrus tusks ivory'])]);
  const input = { organisation: 'acme', question: 'walrus', k: 3 };
  expect((await retrieval.retrieve(input)).timings).toBeUndefined();
  const { timings, tookMs } = await retrieval.retrieve({ ...input, feedback: true, timings: true });
  expect(timings?.map(({ stage }) => stage)).toEqual(['access', 'plan', 'keyword', 'feedback', 'shape']);
  expect(timings?.reduce((sum, { ms }) => sum + ms, 0)).toBeLessThanOrEqual(tookMs);
});

test('feedback finds what shares no word with the question but many with its answers', async () => {
  await index(home, [
    upsert('a', ['walrus tusks are made of ivory'], { title: 'A' }),
    upsert('b', ['a walrus grows tusks of ivory'], { title: 'B' }),
    upsert('c', ['ivory tusks are heavy'], { title: 'C' }),
    ...Array.from({ length: 30 }, (_, id) => upsert(`x${id}`, ['nothing'])),
  ]);
  expect(await titlesOf('walrus')).toEqual(['A', 'B']);
  const hits = await ask('walrus', { feedback: true, explain: true });
  expect(hits.map(({ title }) => title).toSorted()).toEqual(['A', 'B', 'C']);
  expect(hits.at(-1)).toMatchObject({ title: 'C', explanation: { arms: [{ arm: 'feedback' }] } });
});

test('a frequent word, too dear to look up, finds documents where the rarer ones find too few, and all that a filter leaves over', async () => {
  const oldest = 'the one walrus among the many other words of a long text that nobody would ever rank before the others';
  await index(home, [upsert('first', [oldest], { title: 'Oldest', attributes: { state: 'open' } })]);
  // More of them than a query may score, so that the frequent word is left out at first, and than are ever ranked.
  const many = Array.from({ length: 21_000 }, (_, id) => upsert(`x${id}`, ['walrus']));
  for (let from = 0; from < many.length; from += 1_000) await index(home, many.slice(from, from + 1_000));
  await index(home, [upsert('rare', ['an aardvark'], { title: 'Aardvark' })]);
  const hits = await ask('walrus aardvark', { k: 5 });
  expect(hits).toHaveLength(5);
  expect(hits[0]?.title).toBe('Aardvark');
  expect(await ask('walrus', { k: 5 })).toHaveLength(5);
  expect(await titlesOf('walrus', { k: 1, attributes: { state: ['open'] } })).toEqual(['Oldest']);
}, 120_000);
