import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { openSandbox, type GithubSandbox, type GithubUnderTest } from './host.ts';
import { repositoryJson, serveRepository, startEdgeServer, type EdgeRepository, type EdgeServer, type Seen } from './server.ts';
import type { JsonObject } from '../../../host/domain/json.ts';

let sandbox: GithubSandbox;
let server: EdgeServer;
let github: GithubUnderTest;

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

function connect(config: JsonObject, includePrivate = false): void {
  github = sandbox.connect({
    baseUrl: server.url,
    config,
    features: { repository_indexing: { config: { include_private: includePrivate } } },
  });
}

function repository(id: number, fullName: string, fields: Partial<EdgeRepository> = {}): EdgeRepository {
  const made = { id, fullName, files: { 'README.md': `# ${fullName}` }, ...fields };
  serveRepository(server, made);
  return made;
}

/** A list of repositories in pages of two. */
function serveList(path: string, list: () => Record<string, unknown>[]): void {
  server.on(path, ({ query }: Seen) => {
    const page = Number(query.get('page') ?? '1');
    const items = list();
    const headers: Record<string, string> = page * 2 < items.length ? { link: `<${server.url}${path}?page=${page + 1}>; rel="next"` } : {};
    return { json: items.slice((page - 1) * 2, page * 2), headers };
  });
}

function indexed(): string[] {
  return [...github.index('repository_indexing').keys()].toSorted();
}

test('an empty list means all that the account reaches, page by page, without forks and private ones', async () => {
  const all = [
    repository(1, 'mona/a'),
    repository(2, 'octo-org/b'),
    repository(3, 'octo-org/c', { private: true }),
    repository(4, 'mona/d'),
  ];
  serveList('/user/repos', () => [...all.map(repositoryJson), { ...repositoryJson(repository(5, 'mona/e')), fork: true }]);
  connect({});
  expect((await github.run('repository_indexing')).skipped).toEqual([]);
  expect(indexed()).toEqual(['file/1/README.md', 'file/2/README.md', 'file/4/README.md']);
});

test('an installation of a GitHub App lists its own repositories', async () => {
  server.on('/user/repos', { status: 403, json: { message: 'Resource not accessible by integration' } });
  server.on('/installation/repositories', { json: { total_count: 1, repositories: [repositoryJson(repository(1, 'octo-org/a'))] } });
  connect({});
  await github.run('repository_indexing');
  expect(indexed()).toEqual(['file/1/README.md']);
});

test('owner/* means all of an organisation, or of a person, but what is excluded', async () => {
  const theirs = [repository(1, 'octo-org/a'), repository(2, 'octo-org/archive-2020')];
  serveList('/orgs/octo-org/repos', () => theirs.map(repositoryJson));
  serveList('/user/repos', () => [repository(3, 'mona/private', { private: true }), repository(4, 'somebody/else')].map(repositoryJson));
  serveList('/users/mona/repos', () => [repositoryJson(repository(5, 'mona/public'))]);
  connect({ repositories: ['octo-org/*', 'mona/*'], exclude_repositories: ['octo-org/archive-*'] }, true);
  await github.run('repository_indexing');
  expect(indexed()).toEqual(['file/1/README.md', 'file/3/README.md', 'file/5/README.md']);
});

test('a repository that is taken off the list loses its documents in the next run, in every feature', async () => {
  repository(1, 'octo-org/a');
  repository(2, 'octo-org/b');
  for (const name of ['a', 'b']) {
    server.on(`/repos/octo-org/${name}/issues`, {
      json: [
        {
          number: 1,
          title: name,
          html_url: 'https://github.com/x',
          created_at: '2026-10-01T00:00:00Z',
          updated_at: new Date().toISOString(),
        },
      ],
    });
  }
  connect({ repositories: ['octo-org/a', 'octo-org/b'] });
  await github.run('repository_indexing');
  await github.run('issue_tracking');
  github.configure({ config: { repositories: ['octo-org/b'] } });
  expect((await github.run('repository_indexing')).deletes).toEqual(['file/1/README.md']);
  expect((await github.run('issue_tracking')).deletes).toEqual(['issue/1/1']);
  expect(indexed()).toEqual(['file/2/README.md']);
  expect((await github.run('repository_indexing')).deletes).toEqual([]);
});

test('a repository that vanished is named and loses its documents', async () => {
  repository(1, 'octo-org/a');
  connect({ repositories: ['octo-org/a'] });
  await github.run('repository_indexing');
  for (const path of ['/repos/octo-org/a', '/repositories/1']) server.on(path, { status: 404, json: { message: 'Not Found' } });
  const run = await github.run('repository_indexing');
  expect(run.skipped).toEqual([
    expect.objectContaining({ path: 'octo-org/a', remedy: 'Correct the name, or give the credential access to it.' }),
  ]);
  expect(run.deletes).toEqual(['file/1/README.md']);
});

test('a repository that a list misses once is kept; missed twice it goes', async () => {
  const list = [repository(1, 'mona/a'), repository(2, 'mona/b')].map(repositoryJson);
  serveList('/user/repos', () => list);
  connect({});
  await github.run('repository_indexing');
  list.pop();
  expect((await github.run('repository_indexing')).deletes).toEqual([]);
  expect((await github.run('repository_indexing')).deletes).toEqual(['file/2/README.md']);
});

test('nothing is deleted for repositories that a list left out because of single sign-on', async () => {
  const list = [repository(1, 'mona/a'), repository(2, 'octo-org/b')].map(repositoryJson);
  server.on('/user/repos', () => ({
    json: list,
    ...(list.length === 1 ? { headers: { 'x-github-sso': 'partial-results; organizations=21955855' } } : {}),
  }));
  connect({});
  await github.run('repository_indexing');
  list.pop();
  server.on('/repositories/2', {
    status: 403,
    json: { message: 'Resource protected by organization SAML enforcement.' },
    headers: { 'x-github-sso': 'required; url=https://github.com/sso' },
  });
  for (let run = 0; run < 3; run += 1) {
    const { deletes, skipped } = await github.run('repository_indexing');
    expect(deletes).toEqual([]);
    expect(skipped[0]?.reason).toContain('organizations=21955855');
  }
});

test('a renamed repository keeps its documents, with new links and places', async () => {
  const before = repository(1, 'octo-org/old');
  connect({ repositories: ['octo-org/old'] });
  await github.run('repository_indexing');
  repository(1, 'octo-org/new', { files: before.files });
  server.on('/repos/octo-org/old', { status: 301, headers: { location: `${server.url}/repositories/1` } });
  const run = await github.run('repository_indexing');
  expect(run.deletes).toEqual([]);
  expect(github.index('repository_indexing').get('file/1/README.md')).toMatchObject({
    location: ['octo-org/new'],
    link: 'https://github.com/octo-org/new/blob/main/README.md',
  });
});

test('documents of a private repository are for its group, and the group has its collaborators', async () => {
  repository(1, 'octo-org/secret', { private: true });
  repository(2, 'octo-org/open');
  repository(3, 'octo-org/hidden', { private: true });
  server.on('/repos/octo-org/secret/collaborators', {
    json: [{ login: 'Mona', permissions: { pull: true } }, { login: 'hubot' }, { login: 'nobody', permissions: { pull: false } }],
  });
  server.on('/repos/octo-org/hidden/collaborators', {
    status: 403,
    json: { message: 'Must have push access to view repository collaborators.' },
  });
  connect({ repositories: ['octo-org/secret', 'octo-org/open', 'octo-org/hidden'] }, true);
  await github.run('repository_indexing');
  expect(github.index('repository_indexing').get('file/1/README.md')?.access).toEqual({
    kind: 'all-of',
    allOf: [[{ kind: 'group', id: 'repository/1' }]],
  });
  expect(github.index('repository_indexing').get('file/2/README.md')?.access).toEqual({ kind: 'everyone' });
  expect(await github.listGroups()).toEqual([
    { id: 'repository/1', name: 'octo-org/secret', members: ['account:mona', 'account:hubot'] },
    { id: 'repository/3', name: 'octo-org/hidden', members: [] },
  ]);
  expect(github.lines.join()).toContain('octo-org/hidden');
});

test('a repository that turns private is closed at once: its documents are read again with the new access', async () => {
  const made = repository(1, 'octo-org/a');
  connect({ repositories: ['octo-org/a'] }, true);
  await github.run('repository_indexing');
  made.private = true;
  const run = await github.run('repository_indexing');
  expect(run.upserts).toEqual(['file/1/README.md']);
  expect(github.index('repository_indexing').get('file/1/README.md')?.access).not.toEqual({ kind: 'everyone' });
});

test('without include_private a repository that turns private is named and loses its documents', async () => {
  const made = repository(1, 'octo-org/a');
  connect({ repositories: ['octo-org/a'] });
  await github.run('repository_indexing');
  made.private = true;
  const run = await github.run('repository_indexing');
  expect(run.deletes).toEqual(['file/1/README.md']);
  expect(run.skipped).toEqual([expect.objectContaining({ path: 'octo-org/a', remedy: expect.stringContaining('include_private') })]);
});

test('a private repository is private where GitHub does not say', async () => {
  repository(1, 'octo-org/a');
  const { private: _, ...json } = repositoryJson({ id: 1, fullName: 'octo-org/a' });
  server.on('/repos/octo-org/a', { json });
  connect({ repositories: ['octo-org/a'] });
  await github.run('repository_indexing');
  expect(indexed()).toEqual([]);
});

test('check names the account, and is content when all is there', async () => {
  server.on('/user', { json: { login: 'mona' }, headers: { 'x-oauth-scopes': 'repo, read:org' } });
  repository(1, 'octo-org/a');
  connect({ repositories: ['octo-org/a'] });
  expect(await github.check()).toEqual({ account: 'mona', problems: [] });
});

test('check names missing scopes, repositories and the remedy of each', async () => {
  server.on('/user', { json: { login: 'mona' }, headers: { 'x-oauth-scopes': 'gist' } });
  server.on('/orgs/octo-org/repos', { json: [] });
  connect({ repositories: ['octo-org/nothing', 'octo-org/*'] }, true);
  const { problems } = await github.check();
  expect(problems.map(({ path }) => path)).toEqual(['/credential', '/credential', '/repositories/0']);
  expect(problems.map(({ remedy }) => remedy).join('\n')).toMatch(/scope repo.*\n.*scope read:org.*\n.*Correct the name/);
});

test('check says that a server is no GitHub', async () => {
  server.on('/user', { json: { hello: 'world' } });
  server.on('/user/repos', { json: [] });
  connect({});
  expect((await github.check()).problems.map(({ path }) => path)).toEqual(['/base_url', '/repositories']);
});

test.each([
  [{ repositories: ['octo-org'] }, '/repositories/0', 'Write owner/name, or owner/* for all of an owner.'],
  [
    { repositories: ['a/b', 'https://github.com/octo-org/handbook.git'] },
    '/repositories/1',
    'Write it without the address: octo-org/handbook.',
  ],
  [{ repositories: ['octo-org/hand book'] }, '/repositories/0', 'Write owner/name, or owner/* for all of an owner.'],
  [{ repositories: ['octo-org/..'] }, '/repositories/0', 'Write owner/name, or owner/* for all of an owner.'],
  [{ exclude_repositories: ['*/handbook'] }, '/exclude_repositories/0', 'Write owner/name, or owner/* for all of an owner.'],
  [{ base_url: 'http://ghe.example.com/api/v3' }, '/base_url', 'Write https:// in place of http://.'],
  [{ base_url: 'https://github.com' }, '/base_url', 'Write https://api.github.com.'],
  [{ base_url: 'https://mona:pw@ghe.example.com/api/v3' }, '/base_url', 'Remove it; the credential is set on the connection.'],
  [{ base_url: 'https://ghe.example.com/api/v3?x=1' }, '/base_url', 'Remove what comes after the path.'],
])('validateConfig refuses %j', async (config, path, remedy) => {
  connect(config);
  expect(await github.validateConfig()).toEqual([expect.objectContaining({ path, remedy })]);
});

test('validateConfig accepts names, owners, patterns and GitHub Enterprise Server', async () => {
  connect({
    repositories: ['octo-org/handbook', 'mona/*', 'a_b/c.d-e'],
    exclude_repositories: ['octo-org/archive-*'],
    base_url: 'https://ghe.example.com/api/v3',
  });
  expect(await github.validateConfig()).toEqual([]);
});

test('GitHub Enterprise Server is read below its own path', async () => {
  const server3 = '/api/v3';
  server.on(`${server3}/repos/octo-org/a`, {
    json: { ...repositoryJson({ id: 1, fullName: 'octo-org/a' }), html_url: 'https://ghe.example.com/octo-org/a' },
  });
  server.on(`${server3}/repos/octo-org/a/git/ref/heads/main`, { json: { object: { sha: 'head' } } });
  server.on(`${server3}/repos/octo-org/a/git/trees/head`, {
    json: { sha: 'tree', truncated: false, tree: [{ path: 'a.md', type: 'blob', mode: '100644', sha: 'blob', size: 1 }] },
  });
  server.on(`${server3}/repos/octo-org/a/git/blobs/blob`, { bytes: Buffer.from('A') });
  connect({ repositories: ['octo-org/a'], base_url: `${server.url}${server3}/` });
  await github.run('repository_indexing');
  expect(github.index('repository_indexing').get('file/1/a.md')?.link).toBe('https://ghe.example.com/octo-org/a/blob/main/a.md');
});
