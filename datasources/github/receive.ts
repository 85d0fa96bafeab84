import { type Delivery, type Received } from '@lorelai/datasource-sdk';
import { openCall, type FeatureName, type GithubConnection } from './call.ts';
import type { manifest } from './datasource.generated.ts';
import { fieldsOf, type Fields } from './fields.ts';
import { ISSUES } from './issues.ts';
import { forgetThread, type ThreadStore } from './known-threads.ts';
import { toRepository } from './objects.ts';
import { PULLS } from './pulls.ts';

const THREAD_FEATURES = {
  issue: ['issue_tracking', 'repository_indexing'],
  pull: ['pull_requests', 'repository_indexing'],
} as const satisfies Record<ThreadStore['name'], readonly FeatureName[]>;
const EVERY_FEATURE: readonly FeatureName[] = ['repository_indexing', 'issue_tracking', 'pull_requests'];

/** Events about one issue or pull request, which a run reads with all that belongs to it. */
const ISSUE_EVENTS: readonly string[] = ['issues', 'issue_comment', 'sub_issues'];
const PULL_EVENTS: readonly string[] = ['pull_request', 'pull_request_review', 'pull_request_review_comment', 'pull_request_review_thread'];
/** Events after which other repositories are to be read, or other people may see them. */
const REPOSITORY_EVENTS: readonly string[] = [
  'repository',
  'public',
  'member',
  'team',
  'team_add',
  'membership',
  'organization',
  'installation_repositories',
];

/**
 * What a delivery means. A delivery holds only part of a thread, and may come late or in another order: so what is new is
 * read again from GitHub, and only what is gone is taken out at once.
 */
export function receive(connection: GithubConnection, delivery: Delivery): Received<typeof manifest>[] {
  const event = delivery.headers.get('x-github-event') ?? '';
  const payload = fieldsOf(delivery.json<unknown>());
  if (payload === undefined) return [];
  if (REPOSITORY_EVENTS.includes(event)) return readNow(connection, EVERY_FEATURE);
  if (!concerns(connection, payload)) return [];
  if (event === 'push') return isDefaultBranch(payload) ? readNow(connection, ['repository_indexing']) : [];
  if (ISSUE_EVENTS.includes(event)) return receiveThread(connection, event, payload);
  return PULL_EVENTS.includes(event) ? readNow(connection, THREAD_FEATURES.pull) : [];
}

function readNow(connection: GithubConnection, features: readonly FeatureName[]): Received<typeof manifest>[] {
  return features.filter((feature) => connection.features[feature].enabled).map((feature) => ({ feature, changes: [], readNow: true }));
}

/** Whether the connection reads the repository at all. */
function concerns(connection: GithubConnection, payload: Fields): boolean {
  const found = payload.object('repository');
  if (found === undefined) return false;
  const { fullName, private: isPrivate } = toRepository(found);
  const { entries, isExcluded, includePrivate } = openCall(connection).selection;
  const [owner = ''] = fullName.split('/');
  const names = entries.map((entry) => entry.toLowerCase());
  const asked = names.length === 0 || names.includes(fullName.toLowerCase()) || names.includes(`${owner.toLowerCase()}/*`);
  return asked && !isExcluded(fullName) && (includePrivate || !isPrivate);
}

function isDefaultBranch(payload: Fields): boolean {
  return payload.text('ref') === `refs/heads/${payload.object('repository')?.text('default_branch')}`;
}

function receiveThread(connection: GithubConnection, event: string, payload: Fields): Received<typeof manifest>[] {
  const issue = payload.object('issue');
  const kind = issue?.has('pull_request') === true ? 'pull' : 'issue';
  const action = payload.text('action');
  const gone = event === 'issues' && (action === 'deleted' || action === 'transferred');
  if (!gone) return readNow(connection, THREAD_FEATURES[kind]);
  const repository = payload.object('repository')?.number('id');
  const number = issue?.number('number');
  if (repository === undefined || number === undefined) return [];
  return THREAD_FEATURES[kind].map((feature) => {
    const call = openCall(connection);
    forgetThread(call, kind === 'pull' ? PULLS : ISSUES, { feature, repository, number });
    return { feature, changes: call.work.changes };
  });
}
