import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { openSandbox, type GithubSandbox, type GithubUnderTest } from './host.ts';
import { find, readScenario, replay, toAnswer, type Recording } from './replay.ts';
import { startEdgeServer, type EdgeServer } from './server.ts';

// Answers of api.github.com itself, as @octokit/fixtures recorded them. Where a test needs an endpoint that no scenario
// has, it is put together from objects that were recorded, and the test says so.

let sandbox: GithubSandbox;
let server: EdgeServer;
let github: GithubUnderTest;

/** An hour after the recordings were made. */
const NOW = Date.parse('2022-07-19T06:00:00Z');

beforeAll(async () => {
  sandbox = await openSandbox();
});
afterAll(() => sandbox.close());

beforeEach(async () => {
  server = await startEdgeServer();
});
afterEach(async () => {
  await github.close();
  await server.close();
});

interface RecordedRepository {
  id: number;
  full_name: string;
}

/** Serves what was recorded, and the repository as GitHub gave it when the scenario made it. */
async function play(scenario: string): Promise<{ recordings: Recording[]; repository: RecordedRepository }> {
  const recordings = await readScenario(scenario);
  const made = find(recordings, 'post', /^\/orgs\/[^/]+\/repos$/);
  const repository = made.response as RecordedRepository;
  server.on(`/repos/${repository.full_name}`, toAnswer(server, { ...made, status: 200 }));
  replay(server, recordings);
  connect(repository.full_name);
  return { recordings, repository };
}

function connect(name: string, includePrivate = false): void {
  github = sandbox.connect({
    baseUrl: server.url,
    config: { repositories: [name] },
    nowMs: () => NOW,
    features: { repository_indexing: { config: { include_private: includePrivate } } },
  });
}

test('thirteen issues are read through the five pages that were recorded', async () => {
  const { repository } = await play('paginate-issues');
  const run = await github.run('issue_tracking');
  expect(run.skipped).toEqual([]);
  expect(run.upserts).toEqual(Array.from({ length: 13 }, (_, index) => `issue/${repository.id}/${13 - index}`));
  expect(github.index('issue_tracking').get(`issue/${repository.id}/13`)).toMatchObject({
    title: 'Test issue 13 (#13)',
    link: `https://github.com/${repository.full_name}/issues/13`,
    author: 'octokit-fixture-user-a',
    createdAtMs: Date.parse('2022-07-19T04:39:16Z'),
    access: { kind: 'everyone' },
  });
  const pages = server.seen.filter(({ path }) => path.endsWith('/issues'));
  expect(pages.map(({ path, query }) => [path, query.get('page')])).toEqual([
    [`/repos/${repository.full_name}/issues`, null],
    ...['2', '3', '4', '5'].map((page) => [`/repositories/${repository.id}/issues`, page]),
  ]);
  expect(github.metrics.get('api_rate_limit_remaining')).toBe(4_918);
});

test('a repository that was renamed is found through the redirect that was recorded', async () => {
  const recordings = await readScenario('rename-repository');
  const { path } = find(recordings, 'get', /^\/repos\//);
  replay(server, recordings);
  const renamed = find(recordings, 'get', /^\/repositories\/\d+$/).response as RecordedRepository;
  server.on(`/repos/${renamed.full_name}/issues`, { json: [] });
  connect(path.replace('/repos/', ''));
  expect((await github.run('issue_tracking')).skipped).toEqual([]);
  expect(server.seen.map((seen) => seen.path)).toEqual([path, `/repositories/${renamed.id}`, `/repos/${renamed.full_name}/issues`]);
});

test('a file arrives byte for byte as it was recorded', async () => {
  const [[repository], contents] = await Promise.all([readScenario('get-repository'), readScenario('get-content')]);
  const listing = find(contents, 'get', /\/contents\/$/);
  const [entry] = listing.response as { path: string; sha: string; size: number }[];
  const raw = find(contents, 'get', /README\.md$/);
  const at = '/repos/octokit-fixture-org/hello-world';
  server.on(at, toAnswer(server, repository));
  // The recorded listing in the form of a tree, and the recorded file under its sha; the commit is made up.
  server.on(`${at}/git/ref/heads/master`, { json: { object: { sha: 'c'.repeat(40) } } });
  server.on(`${at}/git/ref/heads/main`, { json: { object: { sha: 'c'.repeat(40) } } });
  server.on(`${at}/git/trees/${'c'.repeat(40)}`, {
    json: { sha: 'd'.repeat(40), tree: [{ ...entry, type: 'blob', mode: '100644' }], truncated: false },
  });
  server.on(`${at}/git/blobs/${entry?.sha}`, toAnswer(server, raw));
  connect('octokit-fixture-org/hello-world');
  await github.run('repository_indexing');
  const [document] = [...github.index('repository_indexing').values()];
  expect(document).toMatchObject({
    title: 'hello-world (README.md)',
    mediaType: 'text/markdown',
    version: '93a078d1c3f76aa1ca11def8f882a06df1d4a01b',
  });
  expect(Buffer.from(document?.content ?? []).toString('utf8')).toBe('# hello-world');
});

test('two commits of files are read as the git endpoints gave them', async () => {
  const { recordings, repository } = await play('git-refs');
  const refs = find(recordings, 'get', /\/git\/refs\/$/).response as { ref: string; object: { sha: string } }[];
  const written = recordings
    .filter(({ method }) => method === 'put')
    .map(({ response, body }) => ({ ...(response as Written), sent: body as { content: string } }));
  const at = `/repos/${repository.full_name}`;
  // The one recorded ref, and what the recorded commits wrote, in the form of a ref, a tree and blobs.
  server.on(`${at}/git/ref/heads/main`, { json: refs[0] });
  const tree = written.map(({ content: { path, sha, size } }) => ({ path, sha, size, type: 'blob', mode: '100644' }));
  server.on(`${at}/git/trees/${refs[0]?.object.sha}`, { json: { sha: written.at(-1)?.commit.tree.sha, tree, truncated: false } });
  for (const { content, sent } of written) {
    server.on(`${at}/git/blobs/${content.sha}`, {
      json: { sha: content.sha, encoding: 'base64', content: sent.content.replace(/.{4}/g, '$&\n') },
    });
  }
  await github.run('repository_indexing');
  expect([...github.index('repository_indexing').values()].map(({ id, version }) => [id, version])).toEqual(
    written.map(({ content }) => [`file/${repository.id}/${content.path}`, content.sha]),
  );
  for (const { content, sent } of written) {
    const { content: bytes = new Uint8Array() } = github.index('repository_indexing').get(`file/${repository.id}/${content.path}`) ?? {};
    expect(Buffer.from(bytes).toString('base64')).toBe(sent.content);
  }
});

interface Written {
  content: { path: string; sha: string; size: number };
  commit: { sha: string; tree: { sha: string } };
}

test('what people wrote, emoji included, is what is indexed', async () => {
  const { recordings, repository } = await play('search-issues');
  const found = find(recordings, 'get', /^\/search\/issues/).response as { items: Record<string, unknown>[] };
  // The found issues in the form of the issues list.
  server.on(`/repos/${repository.full_name}/issues`, { json: found.items });
  await github.run('issue_tracking');
  const texts = [...github.index('issue_tracking').values()].map(
    ({ title, content }) => `${title}: ${Buffer.from(content).toString('utf8')}`,
  );
  expect(texts.toSorted().join('\n')).toMatch(/Sesame seeds are missing|The doors don’t open/);
  expect(texts.join('\n')).toContain('😭');
});

test('who may see a private repository is who GitHub listed as collaborators', async () => {
  const { recordings, repository } = await play('add-and-remove-repository-collaborator');
  await github.close();
  const made = find(recordings, 'post', /^\/orgs\/[^/]+\/repos$/);
  server.on(
    `/repos/${repository.full_name}`,
    toAnswer(server, { ...made, status: 200, response: { ...(made.response as object), private: true, visibility: 'private' } }),
  );
  connect(repository.full_name, true);
  expect(await github.listGroups()).toEqual([
    {
      id: `repository/${repository.id}`,
      name: repository.full_name,
      members: ['account:octokit-fixture-user-a', 'account:octokit-fixture-user-b'],
    },
  ]);
});

test('check is content with the scopes that were recorded', async () => {
  const { recordings } = await play('paginate-issues');
  const issue = find(recordings, 'post', /\/issues$/);
  // The author of a recorded issue in the form of the signed-in user, with the headers of that answer.
  server.on('/user', toAnswer(server, { ...issue, status: 200, response: (issue.response as { user: unknown }).user }));
  const report = await github.check();
  expect(report).toEqual({ account: 'octokit-fixture-user-a', problems: [] });
});
