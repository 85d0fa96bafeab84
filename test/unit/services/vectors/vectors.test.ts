import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { openDatabase, type Database } from '../../../../host/store/database.ts';
import type { Visibility } from '../../../../host/store/visibility.ts';
import { removeConnection } from '../../../../host/store/removals.ts';
import { claimQueued } from '../../../../host/store/vector-queue.ts';
import { listVectorSets } from '../../../../host/store/vector-sets.ts';
import { COMMAND_LINE } from '../../../../host/domain/caller.ts';
import { hashedWords, startModelServer, type ModelServer } from '../../../helpers/model-server.ts';
import { openVectorHost, type VectorHostOptions } from '../../../helpers/vectors.ts';
import { addConnection, indexMore, inspectFile, temporaryFolder, upsert, type Home } from '../../store/fixture.ts';

const MEANINGS = [
  ['lorry', 'juggernaut'],
  ['doctor', 'medic'],
  ['boat', 'freighter'],
];

let server: ModelServer;
let file: string;
let database: Database;
let home: Home;

beforeEach(async () => {
  server = await startModelServer(hashedWords(MEANINGS));
  onTestFinished(() => server.close());
  file = join(await temporaryFolder(), 'test.db');
  database = await openDatabase({ file });
  onTestFinished(() => database.close());
  home = await addConnection(database);
});

function host(more: Partial<VectorHostOptions> = {}, on = database): ReturnType<typeof openVectorHost> {
  return openVectorHost(on, { url: server.url, ...more });
}

/** Rows of the tables of vectors. */
function rows(): Record<'vectors' | 'vector_signs' | 'vector_queue', number> {
  return inspectFile(file, (look) => {
    const count = (table: string): number => {
      const [row] = look.prepare(`SELECT count(*) AS rows FROM ${table}`).all([]);
      return typeof row === 'object' && row !== null && 'rows' in row ? Number(row.rows) : Number.NaN;
    };
    return { vectors: count('vectors'), vector_signs: count('vector_signs'), vector_queue: count('vector_queue') };
  });
}

/** Texts that passages were embedded from: without the fixed one that models are known by. */
function embedded(): string[] {
  return server.texts().filter((text) => !text.startsWith('What these words are embedded to'));
}

describe('making vectors', () => {
  test('passages are found by their words at once, and by what they mean as soon as their vectors are made', async () => {
    const { ask, make } = host();
    await indexMore(database, home, [upsert('a', ['the lorry stands in the yard']), upsert('b', ['the doctor is on leave'])]);
    const before = await ask('lorry');
    expect(before.hits.map(({ title }) => title)).toEqual(['Title of a']);
    expect(before.missing).toMatchObject([{ part: 'vectors', code: 'not-ready' }]);
    expect((await ask('juggernaut')).hits).toEqual([]);
    await make();
    const after = await ask('juggernaut', { explain: true });
    expect(after.hits[0]).toMatchObject({ title: 'Title of a', explanation: { arms: [{ arm: 'vector' }] } });
    expect(after.missing).toEqual([]);
    expect((await ask('juggernaut', { vectors: false })).hits).toEqual([]);
  });

  test('the same text is never embedded twice: not of unchanged passages, not of copies, not after a reading of everything', async () => {
    const { make } = host();
    const documents = [upsert('a', ['one text', 'another text'], { title: 'T' }), upsert('b', ['one text'], { title: 'T' })];
    await indexMore(database, home, documents);
    await make();
    expect(embedded().toSorted()).toEqual(['T\nanother text', 'T\none text']);
    await indexMore(database, home, [...documents, upsert('c', ['another text', 'new text'], { title: 'T' })]);
    const status = await make();
    expect(embedded()).toHaveLength(3);
    expect(status.sets).toMatchObject([{ vectors: 5, waiting: 0 }]);
    expect(rows()).toEqual({ vectors: 5, vector_signs: 5, vector_queue: 0 });
  });

  test('vectors of another organisation are never taken over, even for the same text', async () => {
    const other = await addConnection(database, { organisation: 'other' });
    const { make } = host();
    await indexMore(database, home, [upsert('a', ['shared text'])]);
    await make();
    await indexMore(database, other, [upsert('a', ['shared text'])]);
    await make();
    expect(embedded()).toHaveLength(2);
  });

  test('vectors go with their passages, in the same transaction, whoever deletes them', async () => {
    const { make } = host();
    await indexMore(database, home, [upsert('a', ['stays']), upsert('b', ['goes']), upsert('c', ['is edited'])]);
    await make();
    await indexMore(database, home, [{ kind: 'delete', id: 'b' }, upsert('c', ['was edited'])]);
    expect(rows()).toEqual({ vectors: 1, vector_signs: 1, vector_queue: 1 });
    await removeConnection(database, home.organisation, home.connection, 9);
    expect(rows()).toEqual({ vectors: 0, vector_signs: 0, vector_queue: 0 });
  });

  test('a text that the model refuses costs no other one its vector, and is shown', async () => {
    server.answerInstead(({ texts }, response) => {
      if (!texts.some((text) => text.includes('poison'))) return false;
      response.writeHead(400).end('{}');
      return true;
    });
    await indexMore(database, home, [upsert('a', ['good one', 'poison '.repeat(20), 'good two', 'good three'])]);
    const status = await host().make();
    expect(status.sets).toMatchObject([{ state: 'current', vectors: 3, waiting: 0, failed: 1, fault: 'it answered 400' }]);
  });

  test('a text that is too long for the model is embedded by its beginning', async () => {
    server.answerInstead(({ texts }, response) => {
      if (!texts.some((text) => text.length > 600)) return false;
      response.writeHead(413).end('{}');
      return true;
    });
    await indexMore(database, home, [upsert('a', [`lorry ${'x '.repeat(400)}`])]);
    const { make, ask } = host();
    expect((await make()).sets).toMatchObject([{ vectors: 1, failed: 0 }]);
    expect((await ask('juggernaut')).hits).toHaveLength(1);
  });

  test.each([
    ['numbers that are none', [Number.NaN, 1]],
    ['zeros', [0, 0]],
    ['nothing', []],
    ['words', 'vector'],
  ])('a vector of %s is not stored', async (_, embedding) => {
    server.answerInstead(({ texts }, response) => {
      const data = texts.map((text, at) => ({ index: at, embedding: text.includes('odd') ? embedding : hashedWords()(text, 'words') }));
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ data }));
      return true;
    });
    await indexMore(database, home, [upsert('a', ['odd '.repeat(20), 'even'])]);
    expect((await host().make()).sets).toMatchObject([{ vectors: 1, failed: 1 }]);
  });

  test('an endpoint that asks to come later is left alone until then, by every host', async () => {
    await indexMore(database, home, [upsert('a', ['text'])]);
    const { make } = host();
    server.answerInstead(({ texts }, response) => {
      if (texts.length === 1) return false;
      response.writeHead(429, { 'retry-after': '3600' }).end();
      return true;
    });
    const before = Date.now();
    const [set] = (await make()).sets;
    expect(set).toMatchObject({ state: 'building', vectors: 0, waiting: 1, fault: 'it answered 429' });
    expect(set?.waitUntilMs).toBeGreaterThanOrEqual(before + 3_600_000);
    const asked = server.requests.length;
    await make();
    await host().make();
    expect(server.requests).toHaveLength(asked);
  });

  test('what is counted is in the status and in the metrics, and the key is nowhere', async () => {
    await indexMore(database, home, [upsert('a', ['five words are in here'], { title: '' })]);
    const key = 'sk-very-secret';
    const made = host({ embeddings: { key } });
    const status = await made.make();
    await made.ask('two words');
    server.answerInstead((_, response) => {
      response.writeHead(401).end(`{"error":"${key}"}`);
      return true;
    });
    const answer = await made.ask('again');
    expect(answer.missing).toMatchObject([{ code: 'failed' }]);
    expect(new Set(server.requests.map(({ authorization }) => authorization))).toEqual(new Set([`Bearer ${key}`]));
    expect(status.sets[0]?.tokens).toBeGreaterThan(4);
    const metrics = await made.metrics.text();
    expect(metrics).toMatch(/lorelai_embedding_tokens_total\{use="documents"\} \d+/);
    expect(metrics).toMatch(/lorelai_embedding_tokens_total\{use="queries"\} 2\n/);
    expect(metrics).toContain('lorelai_model_requests_total{use="queries",outcome="misconfigured"} 1');
    expect(metrics).toContain('lorelai_vectors_total{outcome="made"} 1');
    expect(made.logged()).not.toContain(key);
    expect(JSON.stringify([status, answer]) + metrics).not.toContain(key);
  });
});

describe('several hosts', () => {
  test('two hosts share the work, and nothing is embedded twice', async () => {
    const second = await openDatabase({ file });
    onTestFinished(() => second.close());
    await indexMore(
      database,
      home,
      Array.from({ length: 40 }, (_, at) => upsert(`d${at}`, [`text number ${at}`])),
    );
    await host({ embeddings: { batch: 4 } }).make();
    await indexMore(
      database,
      home,
      Array.from({ length: 40 }, (_, at) => upsert(`e${at}`, [`more text ${at}`])),
    );
    const hosts = [host({ embeddings: { batch: 4 } }), host({ embeddings: { batch: 4 } }, second)];
    await Promise.all(hosts.map(({ make }) => make()));
    await hosts[0]?.make();
    expect(embedded().filter((text) => /text (number )?\d+$/.test(text))).toHaveLength(80);
    expect(rows()).toEqual({ vectors: 80, vector_signs: 80, vector_queue: 0 });
  });

  test('what a host had in hand when it was killed another one does', async () => {
    await indexMore(database, home, [upsert('a', ['text'])]);
    const { make, parts } = host();
    await parts.vectors.reembed(COMMAND_LINE);
    // Queues what there is, then dies: its lease is all that it leaves.
    server.answerInstead(({ texts }, response) => {
      if (texts.length === 1) return false;
      response.writeHead(503, { 'retry-after': '0' }).end();
      return true;
    });
    await make();
    server.answerInstead(undefined);
    const [set] = await listVectorSets(database);
    const dead = { set: set?.id ?? 0, owner: 'killed' };
    expect(await claimQueued(database, dead, { nowMs: Date.now() - 1_000, leaseMs: 900_000, limit: 10 })).toHaveLength(1);
    expect((await make()).sets).toMatchObject([{ state: 'building', waiting: 1 }]);
    inspectFile(file, (look) => look.exec('UPDATE vector_queue SET lease_until_ms = 1'));
    expect((await make()).sets).toMatchObject([{ state: 'current', vectors: 1, waiting: 0 }]);
  });
});

describe('another model', () => {
  test('is embedded for in the background, the old one answers until the new one is complete, and takes its place at once', async () => {
    await indexMore(
      database,
      home,
      Array.from({ length: 10 }, (_, at) => upsert(`d${at}`, [`lorry number ${at}`])),
    );
    await host().make();
    const next = host({ embeddings: { model: 'better', batch: 4 } });
    server.answerInstead(({ model, texts }, response) => {
      if (model !== 'better' || texts.length === 1 || texts[0]?.startsWith('What') === true) return false;
      response.writeHead(503, { 'retry-after': '0' }).end();
      return true;
    });
    const between = await next.make();
    expect(between.sets).toMatchObject([
      { state: 'current', model: 'words', vectors: 10 },
      { state: 'building', model: 'better' },
    ]);
    expect(between.lost).toContain('those of words are used');
    // The old model is asked, for the old vectors.
    const asked = await next.ask('juggernaut');
    expect(asked.missing).toEqual([]);
    expect(asked.hits).toHaveLength(10);
    expect(server.requests.at(-1)).toMatchObject({ model: 'words' });
    server.answerInstead(undefined);
    const after = await next.make();
    expect(after.sets).toMatchObject([{ state: 'current', model: 'better', vectors: 10, waiting: 0 }]);
    expect(after.lost).toBeUndefined();
    expect(rows()).toMatchObject({ vectors: 10, vector_signs: 10 });
    await next.ask('juggernaut');
    expect(server.requests.at(-1)).toMatchObject({ model: 'better' });
  });

  test('vectors of one model are never compared with a question of another, even under the same name', async () => {
    await indexMore(database, home, [upsert('a', ['the lorry']), upsert('b', ['the boat'])]);
    await host().make();
    server.embedWith((text) => hashedWords(MEANINGS)(text, 'another one altogether'));
    const { ask, make, parts } = host();
    const answer = await ask('the freighter');
    expect(answer.missing).toMatchObject([{ part: 'vectors', code: 'other-fingerprint' }]);
    expect(answer.hits.every(({ explanation }) => explanation === undefined)).toBe(true);
    // Nor are passages embedded into the old set.
    await indexMore(database, home, [upsert('c', ['the doctor'])]);
    expect((await make()).sets).toMatchObject([{ vectors: 2, waiting: 1 }]);
    await parts.vectors.reembed(COMMAND_LINE);
    expect((await make()).sets).toMatchObject([{ state: 'current', vectors: 3, waiting: 0 }]);
    expect((await ask('the freighter')).hits[0]?.title).toBe('Title of b');
  });

  test('another prefix or another size is another fingerprint', async () => {
    await indexMore(database, home, [upsert('a', ['text'])]);
    const first = (await host().make()).sets[0]?.fingerprint;
    const second = (await host({ embeddings: { documentPrefix: 'passage: ', queryPrefix: 'query: ' } }).make()).sets[0]?.fingerprint;
    expect(second).not.toBe(first);
    expect(embedded().at(-1)).toBe('passage: Title of a\ntext');
    const answer = await host({ embeddings: { documentPrefix: 'passage: ', queryPrefix: 'query: ' } }).ask('something');
    expect(answer.missing).toEqual([]);
    expect(embedded().at(-1)).toBe('query: something');
  });
});

describe('asking', () => {
  const nobody: Visibility = { kind: 'lists', lists: [] };

  test('who may not see a passage does not find it by its meaning either', async () => {
    await indexMore(database, home, [
      upsert('open', ['the lorry']),
      upsert('closed', ['the lorry and the boat'], { access: { kind: 'admins-only' } }),
    ]);
    await host().make();
    expect((await host().ask('juggernaut')).hits).toHaveLength(2);
    expect((await host({ visibility: nobody }).ask('juggernaut')).hits).toEqual([]);
    const lists = inspectFile(file, (look) => look.prepare(`SELECT id, key FROM access_lists WHERE kind = 'everyone'`).all([]));
    const everyone: Visibility = { kind: 'lists', lists: lists.map(toList) };
    expect((await host({ visibility: everyone }).ask('juggernaut')).hits.map(({ title }) => title)).toEqual(['Title of open']);
  });

  test('what somebody may see is found however much that they may not see is nearer', async () => {
    const closed = Array.from({ length: 600 }, (_, at) =>
      upsert(`closed${at}`, [`lorry ${at}`], { title: '', access: { kind: 'admins-only' } }),
    );
    await indexMore(database, home, [
      ...closed,
      upsert('open', ['once a lorry stood here, beside much else that has nothing to do with it']),
    ]);
    await host({ embeddings: { batch: 512 } }).make();
    const lists = inspectFile(file, (look) => look.prepare(`SELECT id, key FROM access_lists WHERE kind = 'everyone'`).all([]));
    const everyone: Visibility = { kind: 'lists', lists: lists.map(toList) };
    expect((await host({ visibility: everyone }).ask('juggernaut')).hits.map(({ title }) => title)).toEqual(['Title of open']);
  });

  test('filters hold for what is found by its meaning', async () => {
    const other = await addConnection(database, { connection: 'acme-c2', datasource: 'slack' });
    await indexMore(database, home, [
      upsert('a', ['the lorry'], { mediaType: 'text/markdown', updatedAtMs: 10, attributes: { state: 'open' } }),
    ]);
    await indexMore(database, other, [upsert('b', ['the lorry'])], 'messages');
    const { make, ask } = host();
    await make();
    const titles = async (more: object): Promise<string[]> =>
      (await ask('juggernaut', { fold: false, ...more })).hits.map(({ title }) => title);
    expect(await titles({})).toHaveLength(2);
    expect(await titles({ datasources: ['slack'] })).toEqual(['Title of b']);
    expect(await titles({ features: ['issues'] })).toEqual(['Title of a']);
    expect(await titles({ connections: ['acme-c2'] })).toEqual(['Title of b']);
    expect(await titles({ mediaTypes: ['text/markdown'] })).toEqual(['Title of a']);
    expect(await titles({ updatedFromMs: 5 })).toEqual(['Title of a']);
    expect(await titles({ attributes: { state: ['open'] } })).toEqual(['Title of a']);
  });

  test('an organisation finds nothing of another one by its meaning', async () => {
    const other = await addConnection(database, { organisation: 'other' });
    await indexMore(database, other, [upsert('a', ['the lorry'])]);
    await indexMore(database, home, [upsert('b', ['the boat'])]);
    const { make, ask } = host();
    await make();
    expect((await ask('juggernaut')).hits.map(({ title }) => title)).toEqual(['Title of b']);
  });

  test('an embedder that is late or gone costs its part of the answer alone', async () => {
    await indexMore(database, home, [upsert('a', ['the lorry'])]);
    await host().make();
    // It never answers.
    server.answerInstead(() => true);
    const { ask } = host({ embeddings: { queryTimeoutMs: 100 } });
    const late = await ask('lorry');
    expect(late.hits).toHaveLength(1);
    expect(late.missing).toMatchObject([{ part: 'vectors', code: 'timed-out' }]);
    await ask('lorry');
    await ask('lorry');
    const asked = server.requests.length;
    expect((await ask('lorry')).missing).toMatchObject([{ code: 'failed', message: expect.stringContaining('left alone') }]);
    expect(server.requests).toHaveLength(asked);
    const gone = await host({ url: 'http://127.0.0.1:9/v1' }).ask('lorry');
    expect(gone.hits).toHaveLength(1);
    expect(gone.missing).toMatchObject([{ code: 'failed', message: 'The embedder was not of use: it cannot be reached.' }]);
  });

  test('a reranker has the last word on the best, and costs nothing when it fails', async () => {
    await indexMore(database, home, [
      upsert('a', ['boat boat boat and a lorry of many other words that stand around it here']),
      upsert('b', ['a boat']),
    ]);
    const { ask } = host({ rerank: { model: 'ranks' } });
    const plain = await ask('boat', { rerank: false, vectors: false });
    const reranked = await ask('boat', { vectors: false, explain: true, timings: true });
    expect(plain.hits).toHaveLength(2);
    expect(reranked.hits[0]).toMatchObject({ title: 'Title of b', explanation: { reranked: reranked.hits[0]?.score } });
    expect(reranked.timings?.map(({ stage }) => stage)).toContain('rerank');
    expect(server.requests.at(-1)).toMatchObject({ path: '/v1/rerank', model: 'ranks' });
    server.answerInstead((_, response) => {
      response.writeHead(500).end();
      return true;
    });
    const failed = await ask('boat', { vectors: false });
    expect(failed.hits.map(({ title, score }) => [title, score])).toEqual(plain.hits.map(({ title, score }) => [title, score]));
    expect(failed.missing).toMatchObject([{ part: 'reranker', code: 'failed' }]);
  });

  test('a reranker in the style of Text Embeddings Inference with logits is understood', async () => {
    await indexMore(database, home, [upsert('a', ['a boat']), upsert('b', ['the boat'])]);
    server.answerInstead(({ texts }, response) => {
      response.end(JSON.stringify(texts.map((text, at) => ({ index: at, score: text.includes('the') ? 4 : -4 })).toReversed()));
      return true;
    });
    const { hits } = await host({ rerank: { style: 'tei' } }).ask('boat', { vectors: false });
    expect(hits.map(({ title }) => title)).toEqual(['Title of b', 'Title of a']);
    expect(hits[0]?.score).toBeCloseTo(0.982, 3);
  });
});

function toList(row: unknown): { id: number; key: string } {
  if (typeof row === 'object' && row !== null && 'id' in row && 'key' in row) return { id: Number(row.id), key: String(row.key) };
  throw new TypeError('no list');
}
