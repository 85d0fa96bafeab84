import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { command } from '../helpers/command.ts';
import { install, openApi, type Api } from '../helpers/api.ts';
import { inspectFile } from '../unit/store/fixture.ts';
import { hashedWords, startModelServer, type ModelServer } from '../helpers/model-server.ts';

const KEY = 'sk-secret-of-the-embedder';

let server: ModelServer;
let api: Api;
let env: Record<string, string>;

beforeAll(async () => {
  server = await startModelServer(hashedWords([['aardvark', 'antbear']]));
  env = { LORELAI_EMBEDDINGS_URL: server.url, LORELAI_EMBEDDINGS_MODEL: 'words', LORELAI_EMBEDDINGS_KEY: KEY };
  api = await openApi(env);
  await install(api, 'probe');
  await index({ do: 'documents', count: 3, text: 'The aardvark number {number} sleeps.' });
});
afterAll(async () => {
  await api.close();
  await server.close();
});

async function index(step: Record<string, unknown>): Promise<void> {
  const { body } = await api.call('POST', '/api/v1/connections', { datasource: 'probe', config: { steps: [step] } });
  await api.call('POST', `/api/v1/connections/${body.id}/runs`);
  await api.work();
}

function json(text: string): unknown {
  return JSON.parse(text);
}

test('what a component read is found by its words, then by what it means, and it is shown how far that is', async () => {
  const before = await api.call('POST', '/api/v1/retrieve', { question: 'antbear' });
  expect(before.body).toMatchObject({ hits: [], missing: [{ part: 'vectors', code: 'not-ready' }] });
  const made = await command(['vectors', 'make', '--json'], { env: { ...env, DATA_DIR: api.dataDir } });
  expect(made.exitCode).toBe(0);
  expect(json(made.stdout)).toMatchObject({ sets: [{ state: 'current', vectors: 3, waiting: 0 }] });
  const after = await api.call('POST', '/api/v1/retrieve', { question: 'antbear', explain: true, timings: true });
  expect(after.body.hits).toHaveLength(3);
  expect(after.body.missing).toEqual([]);
  expect((await api.call('GET', '/api/v1/vectors')).body).toMatchObject({ embedder: { model: 'words' }, sets: [{ vectors: 3 }] });
  const ready = await api.call('GET', '/readyz');
  expect(ready.body.checks).toContainEqual(expect.objectContaining({ name: 'vectors', ok: true }));
});

test('a process that is killed while it waits for vectors leaves the work to others', async () => {
  await index({ do: 'documents', count: 5, from: 50, text: 'The walrus number {number} swims.' });
  const asked = new Promise<void>((resolve) => {
    server.answerInstead(({ texts }) => {
      // The first request of a process is for the fixed text alone.
      if (texts.length === 1) return false;
      resolve();
      return true;
    });
  });
  const cli = join(import.meta.dirname, '../../bin/datasources.js');
  const child = spawn(process.execPath, [cli, 'vectors', 'make'], { env: { PATH: process.env.PATH, ...env, DATA_DIR: api.dataDir } });
  await asked;
  child.kill('SIGKILL');
  await once(child, 'exit');
  server.answerInstead(undefined);
  const { signal } = new AbortController();
  expect((await api.services.vectors.make(signal)).sets).toMatchObject([{ vectors: 3, waiting: 5 }]);
  // Ten minutes later.
  inspectFile(join(api.dataDir, 'lorelai.db'), (file) => file.exec('UPDATE vector_queue SET lease_until_ms = 1'));
  expect((await api.services.vectors.make(signal)).sets).toMatchObject([{ vectors: 8, waiting: 0 }]);
});

test('to make vectors with an embedder that is away ends with 1, and says what to look at', async () => {
  const away = await openApi();
  try {
    const made = await command(['vectors', 'make'], {
      env: { ...env, LORELAI_EMBEDDINGS_URL: 'http://127.0.0.1:9/v1', DATA_DIR: away.dataDir },
    });
    expect(made).toMatchObject({
      exitCode: 1,
      stdout: expect.stringMatching(/\nremedy: See that the embedder is up, and LORELAI_EMBEDDINGS_URL/),
    });
  } finally {
    await away.close();
  }
});

test('a host without an embedder answers, and says everywhere what is lost', async () => {
  const plain = await openApi();
  try {
    const { body } = await plain.call('POST', '/api/v1/retrieve', { question: 'anything' });
    expect(body.missing).toMatchObject([{ part: 'vectors', code: 'not-configured' }]);
    expect((await plain.call('GET', '/readyz')).body.checks).toContainEqual({
      name: 'vectors',
      ok: true,
      detail: expect.stringContaining('by their words alone'),
    });
    expect((await plain.call('GET', '/api/v1/vectors')).body).toMatchObject({ sets: [], lost: expect.stringContaining('No embedder') });
    const refused = await plain.call('POST', '/api/v1/vectors/reembed');
    expect(refused).toMatchObject({ status: 409, body: { code: 'EMBEDDER_MISSING' } });
    const said = await command(['vectors', 'status'], { env: { DATA_DIR: plain.dataDir } });
    expect(said.stdout).toContain('No embedder is set up');
  } finally {
    await plain.close();
  }
});

test('making all anew is on record, and an endpoint that is of no use is told of without its key', async () => {
  const begun = await api.call('POST', '/api/v1/vectors/reembed');
  expect(begun.body.sets).toMatchObject([{ state: 'current' }, { state: 'building' }]);
  const changes = await api.call('GET', '/api/v1/changes');
  expect(JSON.stringify(changes.body)).toContain('vectors.reembed');
  server.answerInstead((_, response) => {
    response.writeHead(401, { 'content-type': 'application/json' }).end(`{"error": "bad key ${KEY}"}`);
    return true;
  });
  const refused = await api.call('POST', '/api/v1/vectors/reembed');
  expect(refused).toMatchObject({ status: 502, body: { code: 'UPSTREAM_FAULT' } });
  expect(JSON.stringify(refused.body) + api.logged()).not.toContain(KEY);
});
