import { beforeEach, expect, test } from 'vitest';
import { createRetrieval } from '../../../host/services/retrieval/retrieval.ts';
import { createVisibility } from '../../../host/services/retrieval/visibility.ts';
import type { RetrievalService } from '../../../host/services/retrieval/retrieval-service.ts';
import { commitBatch } from '../../../host/store/batch.ts';
import type { DocumentChange } from '../../../host/store/written-changes.ts';
import type { Database } from '../../../host/store/database.ts';
import { createRun, finishRun } from '../../../host/store/runs.ts';
import { seededRandom } from '../../helpers/random.ts';
import { addConnection, batchOf, claimDue, temporaryDatabase, upsert, type Home } from '../store/fixture.ts';

let database: Database;
let retrieval: RetrievalService;
let runs = 0;

beforeEach(async () => {
  database = await temporaryDatabase();
  retrieval = createRetrieval({ database, visibility: createVisibility({ database, maxAgeMs: 3_600_000 }) });
});

async function index(home: Home, changes: DocumentChange[], feature = 'issues'): Promise<void> {
  runs += 1;
  await createRun(database, {
    id: `r${runs}`,
    organisation: home.organisation,
    connection: home.connection,
    features: [feature],
    nowMs: 1,
  });
  const lease = await claimDue(database, 2);
  await commitBatch(database, batchOf(home, lease, { changes, feature }));
  await finishRun(database, lease, { state: 'succeeded', reason: undefined, nowMs: 3 });
}

/** The score of the first hit. */
async function scoreOf(question: string): Promise<number> {
  const { hits } = await retrieval.retrieve({ organisation: 'acme', question, k: 1 });
  return hits[0]?.score ?? 0;
}

/** Where the hits come from. */
async function sourcesOf(filter: { datasources?: string[]; features?: string[] }): Promise<string[]> {
  const { hits } = await retrieval.retrieve({ organisation: 'acme', question: 'walrus', k: 10, ...filter });
  return hits.map((hit) => `${hit.datasource}/${hit.feature}`).sort();
}

test('a hit has the best passage with its document, where it comes from and why', async () => {
  const home = await addConnection(database);
  const document = upsert('42', ['An introduction.', 'Rate limits are read from the `x-ratelimit-remaining` header.'], {
    title: 'How the client waits',
    link: 'https://example.com/42',
    mediaType: 'text/markdown',
    author: 'Ada',
    updatedAtMs: 77,
  });
  await index(home, [document, upsert('43', ['Something else.']), upsert('44', ['And more.'])]);
  const { hits, tookMs } = await retrieval.retrieve({ organisation: 'acme', question: 'Which header tells the rate limit?', k: 5 });
  expect(hits).toEqual([
    {
      score: expect.any(Number),
      title: 'How the client waits',
      link: 'https://example.com/42',
      datasource: 'github',
      feature: 'issues',
      connection: home.connection,
      documentId: expect.stringMatching(/^[0-9A-Z]{26}$/),
      headings: [],
      text: 'Rate limits are read from the `x-ratelimit-remaining` header.',
      snippet: 'Rate limits are read from the x-ratelimit-remaining header.',
      highlights: [
        [0, 4],
        [5, 11],
        [52, 58],
      ],
      mediaType: 'text/markdown',
      location: [],
      author: 'Ada',
      createdAtMs: undefined,
      updatedAtMs: 77,
      attributes: {},
      positions: [1],
      duplicates: [],
      explanation: undefined,
    },
  ]);
  expect(tookMs).toBeGreaterThan(0);
});

test('the title counts, and so do headings, location and the parts of names', async () => {
  const home = await addConnection(database);
  await index(home, [
    upsert('1', ['walrus in the text, among many other words that it has'], { title: 'Other' }),
    upsert('2', ['of it'], { title: 'Walrus' }),
    upsert('3', ['call openWalrusGate() twice'], { title: 'Code' }),
    upsert('4', ['placed'], { title: 'Place', location: ['octo-org/walrus'] }),
    ...Array.from({ length: 20 }, (_, id) => upsert(`x${id}`, ['nothing'])),
  ]);
  const { hits } = await retrieval.retrieve({ organisation: 'acme', question: 'walrus', k: 10 });
  expect(hits[0]?.title).toBe('Walrus');
  expect(new Set(hits.map((hit) => hit.title))).toEqual(new Set(['Walrus', 'Other', 'Code', 'Place']));
});

test('each document is one hit, even where one long document fills the first places', async () => {
  const home = await addConnection(database);
  const long = upsert(
    'long',
    Array.from({ length: 300 }, () => 'walrus walrus walrus'),
  );
  await index(home, [long, upsert('a', ['one walrus among other words']), upsert('b', ['another walrus among other words'])]);
  const { hits } = await retrieval.retrieve({ organisation: 'acme', question: 'walrus', k: 3 });
  expect(hits.map((hit) => hit.title)).toEqual(['Title of long', 'Title of a', 'Title of b']);
  expect((await retrieval.retrieve({ organisation: 'acme', question: 'walrus', k: 1 })).hits).toHaveLength(1);
});

test('scores lie between 0 and 1, fall with the rank, and equal ones come in the same order every time', async () => {
  const home = await addConnection(database);
  const random = seededRandom(9);
  const words = ['alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta', 'eta', 'theta'];
  const text = () => Array.from({ length: 1 + random.below(40) }, () => words[random.below(words.length)]).join(' ');
  await index(
    home,
    Array.from({ length: 200 }, (_, id) => upsert(`${id}`, [text(), 'alpha beta'], { title: text() })),
  );
  for (let round = 0; round < 30; round += 1) {
    const input = { organisation: 'acme', question: `${text()} unheardof`, k: 1 + random.below(100) };
    const { hits } = await retrieval.retrieve(input);
    expect(hits.length).toBeGreaterThan(0);
    for (const [place, hit] of hits.entries()) {
      expect(hit.score).toBeGreaterThan(0);
      expect(hit.score).toBeLessThanOrEqual(1);
      expect(hit.score).toBeLessThanOrEqual(hits[place - 1]?.score ?? 1);
    }
    expect((await retrieval.retrieve(input)).hits).toEqual(hits);
  }
});

test('a question whose words are mostly unknown scores low', async () => {
  const home = await addConnection(database);
  await index(home, [upsert('1', ['the walrus sleeps']), ...Array.from({ length: 30 }, (_, id) => upsert(`x${id}`, ['nothing']))]);
  const known = await scoreOf('walrus sleeps');
  const unknown = await scoreOf('walrus quantum chromodynamics lattice');
  expect(known).toBeGreaterThan(0.3);
  expect(unknown).toBeGreaterThan(0);
  expect(unknown).toBeLessThan(known / 2);
});

test('filters leave only their datasources and features', async () => {
  const github = await addConnection(database);
  const slack = await addConnection(database, { connection: 'slack-1', datasource: 'slack' });
  await index(github, [upsert('1', ['walrus'])], 'issues');
  await index(github, [upsert('1', ['walrus'])], 'pull_requests');
  await index(slack, [upsert('1', ['walrus'])], 'issues');
  expect(await sourcesOf({})).toEqual(['github/issues', 'github/pull_requests', 'slack/issues']);
  expect(await sourcesOf({ datasources: ['github'] })).toEqual(['github/issues', 'github/pull_requests']);
  expect(await sourcesOf({ datasources: ['github', 'slack'], features: ['issues'] })).toEqual(['github/issues', 'slack/issues']);
  expect(await sourcesOf({ features: ['pull_requests'] })).toEqual(['github/pull_requests']);
  expect(await sourcesOf({ datasources: ['slack'], features: ['pull_requests'] })).toEqual([]);
});

test("nothing of one organisation is found by another, and its words do not move the other's scores", async () => {
  const acme = await addConnection(database, { organisation: 'acme' });
  const rival = await addConnection(database, { organisation: 'rival' });
  await index(acme, [upsert('1', ['walrus plan']), upsert('2', ['plan b']), upsert('3', ['else'])]);
  const input = { organisation: 'acme', question: 'walrus plan', k: 10 };
  const before = (await retrieval.retrieve(input)).hits;
  await index(
    rival,
    Array.from({ length: 50 }, (_, id) => upsert(`${id}`, ['walrus plan of the rival'])),
  );
  expect((await retrieval.retrieve(input)).hits).toEqual(before);
  const theirs = (await retrieval.retrieve({ ...input, organisation: 'rival' })).hits;
  expect(new Set(theirs.map((hit) => hit.text))).toEqual(new Set(['walrus plan of the rival']));
});

test('unknown organisations and datasources are refused by code, and so are a k and a length out of range', async () => {
  await addConnection(database);
  const input = { organisation: 'acme', question: 'x', k: 3 };
  await expect(retrieval.retrieve({ ...input, organisation: 'nobody' })).rejects.toMatchObject({ code: 'UNKNOWN_ORGANISATION' });
  await expect(retrieval.retrieve({ ...input, organisation: 'x" OR 1' })).rejects.toMatchObject({ code: 'UNKNOWN_ORGANISATION' });
  await expect(retrieval.retrieve({ ...input, datasources: ['github', 'slack'] })).rejects.toMatchObject({ code: 'UNKNOWN_DATASOURCE' });
  for (const k of [0, 101, 1.5]) await expect(retrieval.retrieve({ ...input, k })).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
  for (const question of ['', 'x'.repeat(8_193)])
    await expect(retrieval.retrieve({ ...input, question })).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
});

test('any text is a question, be it answered with nothing', async () => {
  const home = await addConnection(database);
  expect(await retrieval.retrieve({ organisation: 'acme', question: 'before anything is indexed', k: 3 })).toMatchObject({ hits: [] });
  await index(home, [upsert('1', ['walrus'])]);
  for (const question of [' ', '\0', '"', 'AND', 'NEAR(', '👋', '\ud800', '東京', 'walrus '.repeat(1_170)]) {
    const { hits } = await retrieval.retrieve({ organisation: 'acme', question, k: 3 });
    expect(hits.length).toBe(question.includes('walrus') ? 1 : 0);
  }
});
