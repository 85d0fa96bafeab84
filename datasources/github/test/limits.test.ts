import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Failure } from '../../../host/domain/document.ts';
import { CallFailed, openSandbox, type GithubSandbox, type GithubUnderTest } from './host.ts';
import { repositoryJson, serveRepository, startEdgeServer, type Answer, type EdgeRepository, type EdgeServer } from './server.ts';

let sandbox: GithubSandbox;
let server: EdgeServer;
let repository: EdgeRepository;
let github: GithubUnderTest;

const REPOSITORY = 'octo-org/handbook';

beforeAll(async () => {
  sandbox = await openSandbox();
});
afterAll(() => sandbox.close());

beforeEach(async () => {
  server = await startEdgeServer();
  repository = { id: 7, fullName: REPOSITORY, files: { 'a.md': 'A', 'b.md': 'B', 'c.md': 'C' } };
  serveRepository(server, repository);
  github = sandbox.connect({ baseUrl: server.url, config: { repositories: [REPOSITORY] } });
});
afterEach(async () => {
  await github.close();
  await server.close();
});

/** Answers like this until it is lifted. */
function answerAll(path: string, answer: Answer): void {
  server.on(path, answer);
}

async function failureOf(call: Promise<unknown>): Promise<Failure> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof CallFailed) return error.failure;
  throw new Error(`It did not fail as a datasource does: ${String(error)}`);
}

test('a spent hour is throttled until its reset', async () => {
  const resetS = Math.ceil(Date.now() / 1_000) + 600;
  answerAll(`/repos/${REPOSITORY}`, {
    status: 403,
    json: { message: 'API rate limit exceeded' },
    headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(resetS) },
  });
  const failure = await failureOf(github.read('repository_indexing'));
  expect(failure.kind).toBe('throttled');
  if (failure.kind === 'throttled') {
    expect(failure.retryAfterMs).toBeGreaterThan(590_000);
    expect(failure.retryAfterMs).toBeLessThanOrEqual(601_000);
  }
});

test.each([
  [
    'by Retry-After',
    { status: 403, json: { message: 'You have exceeded a secondary rate limit.' }, headers: { 'retry-after': '17' } },
    17_000,
  ],
  ['by its words alone', { status: 403, json: { message: 'You have exceeded a secondary rate limit. Please wait.' } }, 60_000],
  ['as 429', { status: 429, json: { message: 'Too many requests' }, headers: { 'retry-after': '5' } }, 5_000],
])('the secondary limit, told %s, is throttled', async (_name, answer, retryAfterMs) => {
  answerAll(`/repos/${REPOSITORY}`, answer);
  expect(await failureOf(github.read('repository_indexing'))).toMatchObject({ kind: 'throttled', retryAfterMs });
});

test('what was read before the limit was met is kept, and the next call goes on there', async () => {
  let blobs = 0;
  const limited: Answer = { status: 429, json: { message: 'Slow down' }, headers: { 'retry-after': '30' } };
  for (const name of ['a', 'b', 'c']) {
    const path = [...(await shasOf())].find(([file]) => file === `${name}.md`)?.[1] ?? '';
    server.on(path, () => {
      blobs += 1;
      return blobs === 2 || blobs === 3 ? limited : { bytes: Buffer.from(name) };
    });
  }
  // The server must keep these routes when the head is asked for.
  server.on(`/repos/${REPOSITORY}/git/ref/heads/main`, { json: { object: { sha: 'main' } } });
  const first = await github.read('repository_indexing');
  expect(first.changes).toHaveLength(1);
  expect(first.done).toBe(false);
  expect(await failureOf(github.read('repository_indexing'))).toMatchObject({ kind: 'throttled', retryAfterMs: 30_000 });
  const rest = await github.run('repository_indexing');
  expect(rest.upserts).toEqual(['file/7/b.md', 'file/7/c.md']);
  expect(github.index('repository_indexing').size).toBe(3);
});

async function shasOf(): Promise<Map<string, string>> {
  const response = await fetch(`${server.url}/repos/${REPOSITORY}/git/trees/main?recursive=1`);
  const { tree } = (await response.json()) as { tree: { path: string; sha: string }[] };
  return new Map(tree.map(({ path, sha }) => [path, `/repos/${REPOSITORY}/git/blobs/${sha}`]));
}

test.each([500, 502, 503])('a %i is unavailable', async (status) => {
  answerAll(`/repos/${REPOSITORY}`, { status, json: { message: 'Server Error' } });
  expect(await failureOf(github.read('repository_indexing'))).toMatchObject({ kind: 'unavailable' });
});

test('a server that does not answer is unavailable', async () => {
  const { url } = server;
  await server.close();
  const alone = sandbox.connect({ baseUrl: url, config: { repositories: [REPOSITORY] } });
  expect(await failureOf(alone.read('issue_tracking'))).toMatchObject({ kind: 'unavailable' });
  await alone.close();
  server = await startEdgeServer();
});

test('a refused credential is unauthorized', async () => {
  answerAll(`/repos/${REPOSITORY}`, { status: 401, json: { message: 'Bad credentials' } });
  expect(await failureOf(github.read('repository_indexing'))).toMatchObject({
    kind: 'unauthorized',
    message: expect.stringContaining('Bad credentials'),
  });
});

test('an answer that is no JSON fails and says where', async () => {
  answerAll(`/repos/${REPOSITORY}`, { bytes: Buffer.from('<html>proxy</html>') });
  expect(await failureOf(github.read('repository_indexing'))).toMatchObject({
    kind: 'failed',
    message: expect.stringContaining(REPOSITORY),
  });
});

test('an answer that lacks what GitHub promises fails and names it', async () => {
  answerAll(`/repos/${REPOSITORY}`, { json: { id: 7 } });
  expect(await failureOf(github.read('repository_indexing'))).toMatchObject({
    kind: 'failed',
    message: expect.stringContaining('the name of a repository'),
  });
});

test('single sign-on is named with the address that mends it, and the documents stay', async () => {
  await github.run('repository_indexing');
  const refused: Answer = {
    status: 403,
    json: { message: 'Resource protected by organization SAML enforcement.' },
    headers: { 'x-github-sso': 'required; url=https://github.com/orgs/octo-org/sso?authorization_request=AAA' },
  };
  answerAll(`/repos/${REPOSITORY}`, refused);
  answerAll('/repositories/7', refused);
  for (let run = 0; run < 3; run += 1) {
    const { skipped, deletes } = await github.run('repository_indexing');
    expect(skipped[0]).toMatchObject({
      path: REPOSITORY,
      remedy: 'Authorise the credential for the organisation at https://github.com/orgs/octo-org/sso?authorization_request=AAA.',
    });
    expect(deletes).toEqual([]);
  }
  expect(github.index('repository_indexing').size).toBe(3);
  expect(await failureOf(github.listIds('repository_indexing'))).toMatchObject({ kind: 'failed' });
});

test('a part of a repository that the credential may not read is named, and stays as it was', async () => {
  await github.run('repository_indexing');
  answerAll(`/repos/${REPOSITORY}/git/ref/heads/main`, {
    status: 403,
    json: { message: 'Resource not accessible by personal access token' },
  });
  const { skipped, deletes } = await github.run('repository_indexing');
  expect(skipped).toEqual([
    expect.objectContaining({ path: `${REPOSITORY}/files`, reason: expect.stringContaining('Resource not accessible') }),
  ]);
  expect(deletes).toEqual([]);
});

test('what was taken down for legal reasons (451) is deleted and named', async () => {
  await github.run('repository_indexing');
  answerAll(`/repos/${REPOSITORY}`, { status: 451, json: { message: 'Repository access blocked' } });
  answerAll('/repositories/7', { status: 451, json: { message: 'Repository access blocked' } });
  const { skipped, deletes } = await github.run('repository_indexing');
  expect(skipped).toEqual([expect.objectContaining({ path: REPOSITORY, reason: expect.stringContaining('legal reasons') })]);
  expect(deletes.toSorted()).toEqual(['file/7/a.md', 'file/7/b.md', 'file/7/c.md']);
});

test('a redirect within the API is followed, one to another server is not', async () => {
  answerAll(`/repos/${REPOSITORY}`, {
    status: 301,
    headers: { location: `${server.url}/repositories/7` },
    json: { message: 'Moved Permanently' },
  });
  answerAll('/repositories/7', { json: repositoryJson({ id: 7, fullName: 'octo-org/manual' }) });
  serveRepository(server, { ...repository, fullName: 'octo-org/manual' });
  await github.run('repository_indexing');
  expect(github.index('repository_indexing').get('file/7/a.md')).toMatchObject({
    location: ['octo-org/manual'],
    link: 'https://github.com/octo-org/manual/blob/main/a.md',
  });
  expect(github.lines).toContain('info: octo-org/handbook is called octo-org/manual now.');

  const elsewhere = await startEdgeServer();
  answerAll(`/repos/${REPOSITORY}`, { status: 301, headers: { location: `${elsewhere.url}/repositories/7` } });
  const { skipped } = await github.run('repository_indexing');
  expect(skipped[0]).toMatchObject({ path: REPOSITORY, reason: expect.stringContaining('another server') });
  expect(elsewhere.seen).toEqual([]);
  await elsewhere.close();
});

test('a batch ends early when the source is slow, long before the host would end the call', async () => {
  repository.files = Object.fromEntries(Array.from({ length: 15 }, (_, index) => [`${index}.md`, `Page ${index}`]));
  server.delayMs = 10_000;
  const batch = await github.read('repository_indexing');
  expect(batch.done).toBe(false);
  expect(server.seen.length).toBeLessThan(10);
  expect((await github.run('repository_indexing')).batches.length).toBeGreaterThan(1);
  expect(github.index('repository_indexing').size).toBe(15);
});
