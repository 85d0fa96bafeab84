import { createEmulator, type Emulator } from 'emulate';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { DEMO_REPOSITORY, DEMO_TOKEN, demoSeed, seedDemoRepository } from '../../../scripts/demo/seed-repository.ts';
import { openSandbox, type FeatureName, type GithubSandbox, type GithubUnderTest } from './host.ts';

// The demo's repository in an emulator of GitHub that nobody here wrote.

const FEATURES: readonly FeatureName[] = ['repository_indexing', 'issue_tracking', 'pull_requests'];

let sandbox: GithubSandbox;
let emulator: Emulator;
let github: GithubUnderTest;
let seeded: { files: number; issues: number; pullRequests: number };

beforeAll(async () => {
  sandbox = await openSandbox();
});
afterAll(() => sandbox.close());

beforeEach(async () => {
  emulator = await createEmulator({ service: 'github', port: 0, seed: demoSeed() });
  seeded = await seedDemoRepository(emulator.url);
  github = sandbox.connect({
    baseUrl: `http://127.0.0.1:${new URL(emulator.url).port}`,
    token: DEMO_TOKEN,
    config: { repositories: [DEMO_REPOSITORY] },
  });
});
afterEach(async () => {
  await github.close();
  await emulator.close();
});

async function change(method: string, path: string, body: object): Promise<Record<string, unknown>> {
  const response = await fetch(`${emulator.url}/repos/${DEMO_REPOSITORY}${path}`, {
    method,
    headers: { authorization: `Bearer ${DEMO_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(response.ok).toBe(true);
  return (await response.json()) as Record<string, unknown>;
}

async function shaOf(path: string): Promise<string> {
  const response = await fetch(`${emulator.url}/repos/${DEMO_REPOSITORY}/contents/${path}`, {
    headers: { authorization: `Bearer ${DEMO_TOKEN}` },
  });
  return ((await response.json()) as { sha: string }).sha;
}

function textsOf(connection: GithubUnderTest, feature: FeatureName): Record<string, string> {
  return Object.fromEntries([...connection.index(feature)].map(([id, { content }]) => [id, Buffer.from(content).toString('utf8')]));
}

test('every file, issue and pull request is indexed, and listed as existing', async () => {
  expect(await github.check()).toEqual({ account: 'lorelai', problems: [] });
  const counts = { repository_indexing: seeded.files, issue_tracking: seeded.issues, pull_requests: seeded.pullRequests };
  for (const feature of FEATURES) {
    const run = await github.run(feature);
    expect(run.skipped).toEqual([]);
    expect(github.index(feature).size).toBe(counts[feature]);
    expect((await github.listIds(feature)).toSorted()).toEqual([...github.index(feature).keys()].toSorted());
  }
});

test('a second run finds nothing new', async () => {
  for (const feature of FEATURES) {
    await github.run(feature);
    const again = await github.run(feature);
    expect([...again.upserts, ...again.deletes]).toEqual([]);
  }
});

function encode(text: string): string {
  return Buffer.from(text).toString('base64');
}

test('a commit that changes, adds and deletes files is followed', async () => {
  await github.run('repository_indexing');
  await change('PUT', '/contents/docs/new.md', { message: 'Add', content: encode('# New\n') });
  await change('PUT', '/contents/README.md', { message: 'Change', content: encode('# Changed\n'), sha: await shaOf('README.md') });
  await change('DELETE', '/contents/CHANGELOG.md', { message: 'Delete', sha: await shaOf('CHANGELOG.md') });
  const run = await github.run('repository_indexing');
  expect(run.upserts.map((id) => id.split('/').slice(2).join('/')).toSorted()).toEqual(['README.md', 'docs/new.md']);
  expect(run.deletes.map((id) => id.split('/').slice(2).join('/'))).toEqual(['CHANGELOG.md']);
});

test('a new comment, a closed issue and a new review are followed', async () => {
  for (const feature of FEATURES) await github.run(feature);
  await change('POST', '/issues/4/comments', { body: 'The first hundred are not enough for us.' });
  await change('PATCH', '/issues/6', { state: 'closed' });
  const issues = await github.run('issue_tracking');
  expect(issues.upserts.map((id) => id.split('/').at(-1)).toSorted()).toEqual(['4', '6']);
  expect(textsOf(github, 'issue_tracking')[issues.upserts.find((id) => id.endsWith('/4')) ?? '']).toContain(
    'The first hundred are not enough',
  );
  await change('PATCH', '/pulls/9', { title: 'Commit everything in one transaction' });
  const pulls = await github.run('pull_requests');
  expect(pulls.upserts.map((id) => id.split('/').at(-1))).toEqual(['9']);
});

test('a host that loses batches again and again ends with the same index as one that does not', async () => {
  const disturbed = sandbox.connect({
    baseUrl: `http://127.0.0.1:${new URL(emulator.url).port}`,
    token: DEMO_TOKEN,
    config: { repositories: [DEMO_REPOSITORY] },
  });
  for (const feature of FEATURES) {
    await github.run(feature);
    let done = false;
    for (let attempt = 0; !done; attempt += 1) {
      await disturbed.readAndLose(feature);
      if (attempt % 2 === 0) await disturbed.readAndLose(feature);
      done = (await disturbed.read(feature)).done;
    }
    expect(textsOf(disturbed, feature)).toEqual(textsOf(github, feature));
  }
  await disturbed.close();
});
