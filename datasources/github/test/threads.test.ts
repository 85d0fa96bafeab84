import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { openSandbox, type GithubSandbox, type GithubUnderTest } from './host.ts';
import { issueJson, repositoryJson, startEdgeServer, type Answer, type EdgeServer, type Seen } from './server.ts';

let sandbox: GithubSandbox;
let server: EdgeServer;
let github: GithubUnderTest;

const REPOSITORY = 'octo-org/handbook';
const AT = `/repos/${REPOSITORY}`;
const NOW = Date.parse('2026-11-01T00:00:00Z');
const HOUR_MS = 3_600_000;

beforeAll(async () => {
  sandbox = await openSandbox();
});
afterAll(() => sandbox.close());

beforeEach(async () => {
  server = await startEdgeServer();
  server.on(AT, { json: repositoryJson({ id: 7, fullName: REPOSITORY }) });
  server.on('/repositories/7', { json: repositoryJson({ id: 7, fullName: REPOSITORY }) });
  github = sandbox.connect({ baseUrl: server.url, config: { repositories: [REPOSITORY] }, nowMs: () => NOW });
});
afterEach(async () => {
  await github.close();
  await server.close();
});

type Item = Record<string, unknown>;

/** A list of GitHub's as it stands when it is asked for: newest change first, `since`, pages by number, `Link`. */
function serveList(path: string, items: () => Item[]): void {
  server.on(path, ({ query }) => pageOf(path, items(), query));
}

function pageOf(path: string, items: Item[], query: URLSearchParams): Answer {
  const since = query.get('since');
  const fresh = since === null ? items : items.filter((item) => String(item.updated_at) >= since);
  const key = query.get('sort') === 'created' ? 'created_at' : 'updated_at';
  const oldestFirst = fresh.toSorted((a, b) => String(a[key]).localeCompare(String(b[key])));
  const sorted = query.get('direction') === 'asc' ? oldestFirst : oldestFirst.toReversed();
  const page = Number(query.get('page') ?? '1');
  const size = Number(query.get('per_page') ?? '30');
  const next = new URLSearchParams(query);
  next.set('page', String(page + 1));
  const headers: Record<string, string> = page * size < sorted.length ? { link: `<${server.url}${path}?${next}>; rel="next"` } : {};
  return { json: sorted.slice((page - 1) * size, page * size), headers: { ...headers, date: new Date(NOW).toUTCString() } };
}

function issue(number: number, fields: Item = {}): Item {
  return issueJson(REPOSITORY, number, { updated_at: iso(NOW - number * HOUR_MS), ...fields });
}

function comment(number: number, fields: Item): Item {
  return {
    issue_url: `${server.url}${AT}/issues/${number}`,
    user: { login: 'mona' },
    created_at: iso(NOW - HOUR_MS),
    updated_at: iso(NOW - HOUR_MS),
    ...fields,
  };
}

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString().replace('.000Z', 'Z');
}

function content(feature: 'issue_tracking' | 'pull_requests' | 'repository_indexing', id: string): string {
  return Buffer.from(github.index(feature).get(id)?.content ?? []).toString('utf8');
}

test('an issue becomes one document with who said what, and when', async () => {
  serveList(`${AT}/issues`, () => [
    issue(12, {
      title: 'It breaks',
      body: 'Often.\r\n<!-- template -->\r\n',
      labels: [{ name: 'bug' }],
      comments: 2,
      state: 'closed',
      closed_at: '2026-03-04T00:00:00Z',
      state_reason: 'not_planned',
    }),
  ]);
  serveList(`${AT}/issues/12/comments`, () => [
    comment(12, { body: 'Same here.', created_at: '2026-02-01T00:00:00Z' }),
    comment(12, { body: 'Fixed by turning it off.', user: null, created_at: '2026-02-03T00:00:00Z' }),
  ]);
  await github.run('issue_tracking');
  expect(github.index('issue_tracking').get('issue/7/12')).toMatchObject({
    title: 'It breaks (#12)',
    link: `https://github.com/${REPOSITORY}/issues/12`,
    author: 'octocat',
    location: [REPOSITORY, 'Issues'],
    createdAtMs: Date.parse('2026-01-01T00:00:00Z'),
    attributes: { state: 'closed', number: '12', labels: 'bug' },
  });
  expect(content('issue_tracking', 'issue/7/12')).toBe(
    `Issue #12 in ${REPOSITORY}, opened by octocat on 2026-01-01, closed on 2026-03-04 as not planned. Labels: bug.\n\n` +
      'Often.\n\n## mona commented on 2026-02-01\n\nSame here.\n\n## ghost commented on 2026-02-03\n\nFixed by turning it off.\n',
  );
});

test('pull requests inside the issues list are left out', async () => {
  serveList(`${AT}/issues`, () => [issue(1), issue(2, { pull_request: { url: 'https://api.github.com/pulls/2' } })]);
  await github.run('issue_tracking');
  expect([...github.index('issue_tracking').keys()]).toEqual(['issue/7/1']);
});

test('every page is read once, though issues change while the pages are read', async () => {
  const issues = Array.from({ length: 95 }, (_, index) => issue(index + 1, { comments: 1 }));
  let pages = 0;
  server.on(`${AT}/issues`, ({ query }) => {
    const answer = pageOf(`${AT}/issues`, issues, query);
    pages += 1;
    // Somebody edits the oldest issue of all after each page, so everything moves by one.
    Object.assign(issues[95 - pages] ?? {}, { updated_at: iso(NOW + pages * 1_000) });
    return answer;
  });
  for (const { number } of issues) serveList(`${AT}/issues/${String(number)}/comments`, () => [comment(Number(number), { body: 'Yes.' })]);
  await github.run('issue_tracking');
  await github.run('issue_tracking');
  expect(github.index('issue_tracking').size).toBe(95);
});

test('the second run asks for what changed and passes over what it has', async () => {
  const issues = [issue(1), issue(2), issue(3)];
  serveList(`${AT}/issues`, () => issues);
  await github.run('issue_tracking');
  server.seen.length = 0;
  expect((await github.run('issue_tracking')).upserts).toEqual([]);
  expect(server.seen.find(({ path }) => path === `${AT}/issues`)?.query.get('since')).toBe(iso(NOW - 300_000));
  issues[1] = issue(2, { title: 'Another title', updated_at: iso(NOW + 1_000) });
  expect((await github.run('issue_tracking')).upserts).toEqual(['issue/7/2']);
});

test('a comment that was edited later brings its issue back', async () => {
  const comments = [comment(1, { body: 'Before.' })];
  serveList(`${AT}/issues`, () => [issue(1, { comments: 1 }), issue(2)]);
  serveList(`${AT}/issues/1/comments`, () => comments);
  serveList(`${AT}/issues/comments`, () => comments);
  server.on(`${AT}/issues/1`, () => ({ json: issue(1, { comments: 1 }) }));
  await github.run('issue_tracking');
  comments[0] = comment(1, { body: 'After.', updated_at: iso(NOW + 60_000) });
  expect((await github.run('issue_tracking')).upserts).toEqual(['issue/7/1']);
  expect(content('issue_tracking', 'issue/7/1')).toContain('After.');
});

test('an issue whose comment was edited after it was transferred is deleted', async () => {
  const comments: Item[] = [];
  serveList(`${AT}/issues`, () => [issue(1, { comments: 1 })]);
  serveList(`${AT}/issues/1/comments`, () => [comment(1, { body: 'Before.' })]);
  serveList(`${AT}/issues/comments`, () => comments);
  await github.run('issue_tracking');
  comments.push(comment(1, { body: 'Moved.', updated_at: iso(NOW + 60_000) }));
  server.on(`${AT}/issues/1`, { status: 301, headers: { location: `${server.url}/repositories/9/issues/1` } });
  server.on('/repositories/9/issues/1', { json: issueJson('octo-org/elsewhere', 1) });
  expect((await github.run('issue_tracking')).deletes).toEqual(['issue/7/1']);
});

test('include_closed false keeps open issues, and deletes one when it is closed', async () => {
  const issues = [issue(1), issue(2, { state: 'closed' })];
  serveList(`${AT}/issues`, () => issues);
  github.configure({ features: { issue_tracking: { config: { include_closed: false } } } });
  await github.run('issue_tracking');
  expect([...github.index('issue_tracking').keys()]).toEqual(['issue/7/1']);
  issues[0] = issue(1, { state: 'closed', updated_at: iso(NOW + 1_000) });
  expect((await github.run('issue_tracking')).deletes).toEqual(['issue/7/1']);
  expect(await github.listIds('issue_tracking')).toEqual([]);
});

test('max_age_days leaves out the old, and lets go of what has become old; 0 means no bound', async () => {
  let nowMs = NOW;
  const aging = sandbox.connect({
    baseUrl: server.url,
    config: { repositories: [REPOSITORY] },
    nowMs: () => nowMs,
    features: { issue_tracking: { config: { max_age_days: 10 } } },
  });
  serveList(`${AT}/issues`, () => [
    issue(1),
    issue(2, { updated_at: iso(NOW - 9 * 24 * HOUR_MS) }),
    issue(3, { updated_at: iso(NOW - 11 * 24 * HOUR_MS) }),
  ]);
  await aging.run('issue_tracking');
  expect([...aging.index('issue_tracking').keys()]).toEqual(['issue/7/1', 'issue/7/2']);
  nowMs += 2 * 24 * HOUR_MS;
  expect((await aging.run('issue_tracking')).deletes).toEqual(['issue/7/2']);
  expect(await aging.listIds('issue_tracking')).toEqual(['issue/7/1']);
  aging.configure({ features: { issue_tracking: { config: { max_age_days: 0 } } } });
  await aging.run('issue_tracking');
  expect(aging.index('issue_tracking').size).toBe(3);
  await aging.close();
});

test('comments are left out, and come back, as include_comments says', async () => {
  serveList(`${AT}/issues`, () => [issue(1, { comments: 1 })]);
  serveList(`${AT}/issues/1/comments`, () => [comment(1, { body: 'Here.' })]);
  github.configure({ features: { issue_tracking: { config: { include_comments: false } } } });
  await github.run('issue_tracking');
  expect(content('issue_tracking', 'issue/7/1')).not.toContain('Here.');
  github.configure({ features: { issue_tracking: { config: { include_comments: true } } } });
  await github.run('issue_tracking');
  expect(content('issue_tracking', 'issue/7/1')).toContain('Here.');
});

test('issues that are switched off at GitHub (410) go without a word; a 404 is named', async () => {
  serveList(`${AT}/issues`, () => [issue(1)]);
  await github.run('issue_tracking');
  server.on(`${AT}/issues`, { status: 410, json: { message: 'Issues are disabled for this repo' } });
  const gone = await github.run('issue_tracking');
  expect(gone.deletes).toEqual(['issue/7/1']);
  expect(gone.skipped).toEqual([]);
  server.on(`${AT}/issues`, { status: 404, json: { message: 'Not Found' } });
  expect((await github.run('issue_tracking')).skipped).toEqual([expect.objectContaining({ path: `${REPOSITORY}/issues` })]);
});

test('issues that GitHub stopped to serve and serves again are all there again', async () => {
  const issues = Array.from({ length: 900 }, (_, index) => issue(index % 200, { number: index + 1 }));
  serveList(`${AT}/issues`, () => issues);
  await github.run('issue_tracking');
  expect(github.index('issue_tracking').size).toBe(900);
  server.on(`${AT}/issues`, { status: 410, json: { message: 'Issues are disabled for this repo' } });
  expect((await github.run('issue_tracking')).deletes).toHaveLength(900);
  serveList(`${AT}/issues`, () => issues);
  expect((await github.run('issue_tracking')).upserts).toHaveLength(900);
});

test('pages by cursor are followed wherever the Link header leads, and deep pages by number never asked for', async () => {
  const issues = Array.from({ length: 65 }, (_, index) => issue(index + 1));
  const byCursor = ({ query }: Seen): Answer => {
    if (query.has('page'))
      return {
        status: 422,
        json: {
          message:
            'Pagination with the page parameter is not supported for large datasets, please use cursor based pagination (after/before)',
        },
      };
    const from = Number(query.get('after') ?? '0');
    const headers: Record<string, string> =
      from + 30 < issues.length
        ? { link: `<${server.url}/repositories/7/issues?after=${from + 30}>; rel="next", <${server.url}/x>; rel="prev"` }
        : {};
    return { json: issues.slice(from, from + 30), headers };
  };
  server.on(`${AT}/issues`, byCursor);
  server.on('/repositories/7/issues', byCursor);
  const run = await github.run('issue_tracking');
  expect(run.upserts).toHaveLength(65);
  expect(run.skipped).toEqual([]);
});

test('a list that GitHub does not give to its end (422) is named, and its beginning kept', async () => {
  server.on(`${AT}/pulls`, ({ query }) =>
    query.get('page') === '2'
      ? { status: 422, json: { message: 'Only the first 10000 results are available.' } }
      : { json: [issue(1)], headers: { link: `<${server.url}${AT}/pulls?page=2>; rel="next"` } },
  );
  const run = await github.run('pull_requests');
  expect(run.upserts).toEqual(['pull/7/1']);
  expect(run.skipped[0]?.reason).toContain('Only the first 10000');
});

test('a pull request becomes one document with comments, reviews and comments on lines, in order', async () => {
  serveList(`${AT}/pulls`, () => [
    issue(5, {
      title: 'Add it',
      html_url: `https://github.com/${REPOSITORY}/pull/5`,
      merged_at: '2026-02-09T00:00:00Z',
      state: 'closed',
      head: { ref: 'add-it' },
      base: { ref: 'main' },
    }),
  ]);
  serveList(`${AT}/issues/5/comments`, () => [comment(5, { body: 'Why?', created_at: '2026-02-01T00:00:00Z' })]);
  server.on(`${AT}/pulls/5/reviews`, {
    json: [
      { user: { login: 'hubot' }, body: 'No tests.', state: 'CHANGES_REQUESTED', submitted_at: '2026-02-02T00:00:00Z' },
      { user: { login: 'hubot' }, body: '', state: 'COMMENTED', submitted_at: '2026-02-03T00:00:00Z' },
      { user: { login: 'hubot' }, body: 'Not sent yet.', state: 'PENDING' },
      { user: { login: 'mona' }, body: '', state: 'APPROVED', submitted_at: '2026-02-05T00:00:00Z' },
    ],
  });
  server.on(`${AT}/pulls/5/comments`, {
    json: [{ user: { login: 'hubot' }, body: 'A typo.', path: 'src/a.ts', line: 3, created_at: '2026-02-04T00:00:00Z' }],
  });
  await github.run('pull_requests');
  expect(content('pull_requests', 'pull/7/5')).toBe(
    `Pull request #5 in ${REPOSITORY}, opened by octocat on 2026-01-01, merged on 2026-02-09, from add-it into main.\n\nThe text of issue 5.\n\n` +
      '## mona commented on 2026-02-01\n\nWhy?\n\n## hubot requested changes on 2026-02-02\n\nNo tests.\n\n' +
      '## hubot commented on `src/a.ts:3` on 2026-02-04\n\nA typo.\n\n## mona approved on 2026-02-05\n',
  );
  github.configure({ features: { pull_requests: { config: { include_reviews: false } } } });
  await github.run('pull_requests');
  expect(content('pull_requests', 'pull/7/5')).not.toContain('hubot');
});

test('the reading of pull requests stops at the first one that is older than the last run', async () => {
  const pulls = Array.from({ length: 40 }, (_, index) => issue(index + 1));
  serveList(`${AT}/pulls`, () => pulls);
  await github.run('pull_requests');
  expect(github.index('pull_requests').size).toBe(40);
  server.seen.length = 0;
  pulls[30] = issue(31, { title: 'Woken', updated_at: iso(NOW + 1_000) });
  expect((await github.run('pull_requests')).upserts).toEqual(['pull/7/31']);
  expect(server.seen.filter(({ path }) => path === `${AT}/pulls`)).toHaveLength(1);
});

test('repository_indexing reads titles and descriptions only while issue_tracking is off, never both', async () => {
  server.on(`${AT}/git/ref/heads/main`, { status: 409, json: { message: 'Git Repository is empty.' } });
  serveList(`${AT}/issues`, () => [issue(1, { comments: 1 })]);
  serveList(`${AT}/issues/1/comments`, () => [comment(1, { body: 'A comment.' })]);
  await github.run('repository_indexing');
  expect(github.index('repository_indexing').size).toBe(0);
  github.configure({ features: { issue_tracking: { enabled: false } } });
  await github.run('repository_indexing');
  expect(content('repository_indexing', 'issue/7/1')).toContain('The text of issue 1.');
  expect(content('repository_indexing', 'issue/7/1')).not.toContain('A comment.');
  expect(await github.listIds('repository_indexing')).toEqual(['issue/7/1']);
  github.configure({ features: { issue_tracking: { enabled: true } } });
  expect((await github.run('repository_indexing')).deletes).toEqual(['issue/7/1']);
});

test('a run that is killed after every batch ends with the same issues, none twice', async () => {
  const issues = Array.from({ length: 70 }, (_, index) => issue(index + 1, { comments: 1 }));
  serveList(`${AT}/issues`, () => issues);
  for (const { number } of issues) serveList(`${AT}/issues/${String(number)}/comments`, () => [comment(Number(number), { body: 'Yes.' })]);
  const upserts: string[] = [];
  let done = false;
  while (!done) {
    await github.readAndLose('issue_tracking');
    const batch = await github.read('issue_tracking');
    upserts.push(...batch.changes.flatMap((change) => (change.kind === 'upsert' ? [change.document.id] : [])));
    done = batch.done;
  }
  expect(upserts).toHaveLength(70);
  expect(new Set(upserts).size).toBe(70);
});
