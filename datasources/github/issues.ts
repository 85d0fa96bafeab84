import { toIssue, toComment, type Issue } from './objects.ts';
import { fetchRemarks } from './remarks.ts';
import { dateOf, threadDocument } from './render.ts';
import type { ThreadKind } from './threads.ts';

/** Issues, one document each with its comments. */
export const ISSUES: ThreadKind<Issue> = {
  name: 'issue',
  list: 'issues',
  pageSize: 30,
  collection: (call) => call.issues,
  parse: (fields) => {
    const issue = toIssue(fields);
    return issue.isPullRequest ? undefined : issue;
  },
  toDocument: (job, issue, settings) => {
    const wanted = settings.comments && issue.comments > 0;
    const { remarks, more } = wanted ? fetchRemarks(job, `issues/${issue.number}/comments`, toComment) : { remarks: [], more: false };
    const closed = issue.closedAtMs === undefined ? '' : ` on ${dateOf(issue.closedAtMs)}`;
    const reason =
      issue.stateReason === 'not_planned' || issue.stateReason === 'duplicate' ? ` as ${issue.stateReason.replace('_', ' ')}` : '';
    const facts = issue.state === 'closed' ? [`closed${closed}${reason}`] : ['open'];
    return threadDocument(job, issue, { noun: 'Issue', facts, attributes: { comments: issue.comments }, remarks, more });
  },
  remarkLists: (settings) => (settings.comments ? ['issues/comments'] : []),
};
