import { glob, readFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { DEMO_ISSUES, DEMO_PULL_REQUESTS, type DemoIssue, type DemoPullRequest, type Speaker } from './demo-threads.ts';

/** The repository that the demo indexes. */
export const DEMO_REPOSITORY = 'lorelai/datasource-host';
/** What the emulator knows as the token of the repository's owner. */
export const DEMO_TOKEN = 'demo-token-of-lorelai';

/** What was put into the emulator. */
export interface SeededRepository {
  files: number;
  issues: number;
  pullRequests: number;
}

const ROOT = join(import.meta.dirname, '../..');
/** Real text: what this project says about itself. */
const FILES = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'docs/**/*.md',
  'wit/*.wit',
  'wit/README.md',
  'datasources/*/README.md',
];
const SPEAKERS: readonly Speaker[] = ['mira', 'tomas', 'ines', 'joon'];
const [OWNER = '', NAME = ''] = DEMO_REPOSITORY.split('/');

/** The accounts, tokens and the empty repository: the `seed` of emulate's `createEmulator({ service: 'github' })`. */
export function demoSeed(): { tokens: Record<string, { login: string; scopes: string[] }>; github: object } {
  const logins = [OWNER, ...SPEAKERS];
  return {
    tokens: Object.fromEntries(logins.map((login) => [tokenOf(login), { login, scopes: ['repo', 'read:org'] }])),
    github: {
      users: logins.map((login) => ({ login, name: login })),
      repos: [{ owner: OWNER, name: NAME, description: 'Runs strangers’ data connectors safely', language: 'TypeScript' }],
    },
  };
}

/** Fills the repository through the emulator's REST API: one commit of files, then issues and pull requests. */
export async function seedDemoRepository(emulatorUrl: string): Promise<SeededRepository> {
  const as = (login: string) => sender(`${emulatorUrl}/repos/${DEMO_REPOSITORY}`, tokenOf(login));
  const files = await commitFiles(as(OWNER));
  for (const speaker of SPEAKERS) await as(OWNER)('PUT', `/collaborators/${speaker}`, { permission: 'push' });
  for (const label of new Set(DEMO_ISSUES.flatMap(({ labels = [] }) => labels)))
    await as(OWNER)('POST', '/labels', { name: label, color: '5319e7' });
  for (const issue of DEMO_ISSUES) await openIssue(as, issue);
  for (const pull of DEMO_PULL_REQUESTS) await openPullRequest(as, pull);
  return { files, issues: DEMO_ISSUES.length, pullRequests: DEMO_PULL_REQUESTS.length };
}

type Send = (method: string, path: string, body?: object) => Promise<Record<string, unknown>>;

/** One commit that replaces whatever the emulator began the repository with. */
async function commitFiles(send: Send): Promise<number> {
  const paths: string[] = [];
  for await (const path of glob(FILES, { cwd: ROOT })) paths.push(path.split(sep).join('/'));
  const tree = await Promise.all(
    paths.toSorted().map(async (path) => ({ path, mode: '100644', type: 'blob', content: await readFile(join(ROOT, path), 'utf8') })),
  );
  const { object } = await send('GET', '/git/ref/heads/main');
  const made = await send('POST', '/git/trees', { tree });
  const commit = await send('POST', '/git/commits', { message: 'Say what this is', tree: made.sha, parents: [textOf(object, 'sha')] });
  await send('PATCH', '/git/refs/heads/main', { sha: commit.sha });
  return tree.length;
}

async function openIssue(as: (login: string) => Send, issue: DemoIssue): Promise<void> {
  const { number } = await as(issue.by)('POST', '/issues', { title: issue.title, body: issue.body, labels: issue.labels ?? [] });
  for (const comment of issue.comments) await as(comment.by)('POST', `/issues/${String(number)}/comments`, { body: comment.body });
  if (issue.closed !== undefined) await as(OWNER)('PATCH', `/issues/${String(number)}`, { state: 'closed', state_reason: issue.closed });
}

async function openPullRequest(as: (login: string) => Send, pull: DemoPullRequest): Promise<void> {
  const { title, body, branch: head } = pull;
  const { number } = await as(pull.by)('POST', '/pulls', { title, body, head, base: 'main', draft: title.startsWith('Draft') });
  const at = String(number);
  for (const comment of pull.comments) await as(comment.by)('POST', `/issues/${at}/comments`, { body: comment.body });
  for (const review of pull.reviews) await as(review.by)('POST', `/pulls/${at}/reviews`, { body: review.body, event: review.verdict });
  for (const { by, ...comment } of pull.lineComments) await as(by)('POST', `/pulls/${at}/comments`, comment);
}

function sender(url: string, token: string): Send {
  return async (method, path, body) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const response = await fetch(`${url}${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text.slice(0, 300)}`);
    const json: unknown = text === '' ? {} : JSON.parse(text);
    return typeof json === 'object' && json !== null ? { ...json } : {};
  };
}

function textOf(value: unknown, field: string): string {
  const found: unknown =
    typeof value === 'object' && value !== null ? Object.entries(value).find(([name]) => name === field)?.[1] : undefined;
  if (typeof found !== 'string') throw new Error(`The emulator's answer lacks ${field}.`);
  return found;
}

function tokenOf(login: string): string {
  return login === OWNER ? DEMO_TOKEN : `demo-token-of-${login}`;
}
