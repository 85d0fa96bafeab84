import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../host/domain/json.ts';
import { openSandbox, type GithubSandbox, type GithubUnderTest } from './host.ts';
import { issueJson, repositoryJson, startEdgeServer, type EdgeServer } from './server.ts';

const require = createRequire(import.meta.url);

/** Deliveries as GitHub has sent them, by event. Their types are those of JSON: the package's own would take seconds to check. */
const EXAMPLES: { name: string; examples: JsonObject[] }[] = JSON.parse(
  readFileSync(require.resolve('@octokit/webhooks-examples'), 'utf8'),
);

let sandbox: GithubSandbox;
let server: EdgeServer;
let github: GithubUnderTest;

beforeAll(async () => {
  sandbox = await openSandbox();
});
afterAll(() => sandbox.close());
beforeEach(async () => {
  server = await startEdgeServer();
  github = sandbox.connect({ baseUrl: server.url, config: { repositories: ['Codertocat/Hello-World'] } });
});
afterEach(async () => {
  await github.close();
  await server.close();
});

/** The first recorded delivery of an event, and of an action where one is named. */
function recorded(event: string, action?: string): JsonObject {
  const deliveries = EXAMPLES.find(({ name }) => name === event)?.examples;
  const found = deliveries?.find((example) => action === undefined || example.action === action);
  if (found === undefined) throw new Error(`there is no recorded delivery ${event} ${action ?? ''}`);
  return found;
}

const read = (...features: string[]): object[] => features.map((feature) => ({ feature, deletes: [], readNow: true }));

describe('a delivery has the features read that it is about', () => {
  test.each([
    ['issues', 'opened', ['issue_tracking', 'repository_indexing']],
    ['issues', 'edited', ['issue_tracking', 'repository_indexing']],
    ['issue_comment', 'created', ['issue_tracking', 'repository_indexing']],
    ['pull_request', 'closed', ['pull_requests', 'repository_indexing']],
    ['pull_request_review', 'submitted', ['pull_requests', 'repository_indexing']],
    ['pull_request_review_comment', 'created', ['pull_requests', 'repository_indexing']],
    ['repository', 'renamed', ['repository_indexing', 'issue_tracking', 'pull_requests']],
    ['member', 'added', ['repository_indexing', 'issue_tracking', 'pull_requests']],
  ])('%s %s', async (event, action, features) => {
    expect(await github.receive({ event, payload: recorded(event, action) })).toEqual(read(...features));
  });

  test('a push to the default branch, and no other', async () => {
    const push = recorded('push');
    const repository = { ...(push.repository as JsonObject), default_branch: 'main' };
    expect(await github.receive({ event: 'push', payload: { ...push, ref: 'refs/heads/main', repository } })).toEqual(
      read('repository_indexing'),
    );
    expect(await github.receive({ event: 'push', payload: { ...push, ref: 'refs/heads/topic', repository } })).toEqual([]);
    expect(await github.receive({ event: 'push', payload: { ...push, ref: 'refs/tags/main', repository } })).toEqual([]);
  });

  test('a comment on a pull request is about pull requests', async () => {
    const comment = recorded('issue_comment', 'created');
    const issue = { ...(comment.issue as JsonObject), pull_request: { url: 'https://api.github.com/x' } };
    expect(await github.receive({ event: 'issue_comment', payload: { ...comment, issue } })).toEqual(
      read('pull_requests', 'repository_indexing'),
    );
  });

  test('but no feature that is switched off', async () => {
    github.configure({ features: { repository_indexing: { enabled: false } } });
    expect(await github.receive({ event: 'issues', payload: recorded('issues', 'opened') })).toEqual(read('issue_tracking'));
  });
});

describe('a delivery means nothing', () => {
  test.each(['star', 'ping', 'workflow_run', 'constructor', ''])('when the event is "%s"', async (event) => {
    expect(await github.receive({ event, payload: recorded('issues', 'opened') })).toEqual([]);
  });

  test('when it is of a repository that the connection does not read', async () => {
    github.configure({ config: { repositories: ['octo-org/*'] } });
    expect(await github.receive({ event: 'issues', payload: recorded('issues', 'opened') })).toEqual([]);
  });

  test('when it is of a private repository, and those are not read', async () => {
    const opened = recorded('issues', 'opened');
    const repository = { ...(opened.repository as JsonObject), private: true };
    expect(await github.receive({ event: 'issues', payload: { ...opened, repository } })).toEqual([]);
  });
});

test('every event that GitHub has ever recorded is taken without a fault', async () => {
  for (const { name, examples } of EXAMPLES) {
    for (const payload of examples.slice(0, 2)) await expect(github.receive({ event: name, payload }), name).resolves.toBeInstanceOf(Array);
  }
});

test('an issue that was deleted goes at once, without a look at GitHub', async () => {
  const repository = 'Codertocat/Hello-World';
  for (const path of [`/repos/${repository}`, '/repositories/7'])
    server.on(path, { json: repositoryJson({ id: 7, fullName: repository }) });
  server.on(`/repos/${repository}/issues`, { json: [issueJson(repository, 5, { comments: 0 })] });
  await github.run('issue_tracking');
  expect([...github.index('issue_tracking').keys()]).toEqual(['issue/7/5']);
  const before = github.requests.length;
  const deleted = recorded('issues', 'deleted');
  const payload = {
    ...deleted,
    issue: { ...(deleted.issue as JsonObject), number: 5 },
    repository: { ...(deleted.repository as JsonObject), id: 7 },
  };
  expect(await github.receive({ event: 'issues', payload })).toEqual([
    { feature: 'issue_tracking', deletes: ['issue/7/5'], readNow: false },
    { feature: 'repository_indexing', deletes: [], readNow: false },
  ]);
  expect(github.requests).toHaveLength(before);
});
