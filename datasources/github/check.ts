import type { CheckReport, Problem, Response } from '@lorelai/datasource-sdk';
import { openCall, type Call, type GithubConnection } from './call.ts';
import { Refusal } from './client.ts';
import { fieldsOf } from './fields.ts';
import { listRepositories } from './listing.ts';
import { toProblem } from './refusals.ts';

/** What a scope of a classic token stands for in another: `repo` lets one read what `public_repo` does. */
const INCLUDES: Record<string, readonly string[]> = { 'read:org': ['read:org', 'write:org', 'admin:org'], repo: ['repo'] };
/** A check is cheap: it looks at this many of the repositories that the config names. */
const MAX_LISTED = 10;

/** Who the credential belongs to, whether its scopes are enough, and whether the repositories are there. */
export function checkConnection(connection: GithubConnection): CheckReport {
  const call = openCall(connection);
  const user = call.client.tryGet('/user');
  // An installation of a GitHub App has no account, and is allowed to say so.
  if (user instanceof Refusal && user.status !== 403 && user.status !== 404) return { problems: [toProblem(user, '/base_url')] };
  const problems = [
    ...(user instanceof Refusal ? [] : notGithub(call, user)),
    ...(user instanceof Refusal ? [] : scopeProblems(call, user)),
  ];
  return {
    account: user instanceof Refusal ? undefined : fieldsOf(user.json())?.text('login'),
    problems: [...problems, ...repositoryProblems(call)],
  };
}

function notGithub(call: Call, user: Response): Problem[] {
  if (fieldsOf(user.json())?.text('login') !== undefined) return [];
  const reason = `${call.selection.baseUrl} does not answer as GitHub does.`;
  return [{ path: '/base_url', reason, remedy: 'Write https://HOST/api/v3 for GitHub Enterprise Server.' }];
}

/** Classic tokens and OAuth tokens say their scopes; fine-grained ones and installations show theirs only in use. */
function scopeProblems(call: Call, user: Response): Problem[] {
  const header = user.headers.get('x-oauth-scopes');
  if (header === undefined) return [];
  const scopes = header.split(',').map((scope) => scope.trim());
  const { entries, includePrivate } = call.selection;
  const listsOwners = entries.length === 0 || entries.some((entry) => entry.endsWith('/*'));
  const needed = [
    ...(includePrivate ? [{ scope: 'repo', why: 'private repositories are not read' }] : []),
    ...(listsOwners ? [{ scope: 'read:org', why: "organisations' repositories may be missing from lists" }] : []),
  ];
  return needed
    .filter(({ scope }) => !(INCLUDES[scope] ?? [scope]).some((enough) => scopes.includes(enough)))
    .map(({ scope, why }) => ({
      path: '/credential',
      reason: `The credential lacks the scope ${scope}: ${why}.`,
      remedy: `Make a token with the scope ${scope}, or sign in again and allow it.`,
    }));
}

function repositoryProblems(call: Call): Problem[] {
  const { entries } = call.selection;
  let found = 0;
  let listed = 0;
  let cursor: Parameters<typeof listRepositories>[1];
  do {
    const page = listRepositories(call, cursor);
    found += page.found.length;
    listed += 1;
    cursor = page.next;
  } while (cursor !== undefined && listed < MAX_LISTED);
  const problems = call.work.skipped.map((problem) => ({ ...problem, path: pathOf(entries, problem.path) }));
  if (found > 0 || problems.length > 0 || cursor !== undefined) return problems;
  const reason = 'The credential reaches no repository that these settings ask for.';
  return [{ path: '/repositories', reason, remedy: 'Name repositories, give the credential access, or set include_private to true.' }];
}

function pathOf(entries: readonly string[], entry: string): string {
  const index = entries.indexOf(entry);
  return index < 0 ? '/repositories' : `/repositories/${index}`;
}
