import { toComment, toLineComment, toPullRequest, toReview, type PullRequest } from './objects.ts';
import { fetchRemarks } from './remarks.ts';
import { dateOf, threadDocument } from './render.ts';
import type { ThreadKind } from './threads.ts';

/** Pull requests, one document each with comments, reviews and comments on lines of code. */
export const PULLS: ThreadKind<PullRequest> = {
  name: 'pull',
  list: 'pulls',
  // Each costs up to three requests more.
  pageSize: 10,
  collection: (call) => call.pulls,
  parse: toPullRequest,
  toDocument: (job, pull, settings) => {
    const comments = settings.comments ? [fetchRemarks(job, `issues/${pull.number}/comments`, toComment)] : [];
    const reviews = settings.reviews
      ? [fetchRemarks(job, `pulls/${pull.number}/reviews`, toReview), fetchRemarks(job, `pulls/${pull.number}/comments`, toLineComment)]
      : [];
    const lists = [...comments, ...reviews];
    return threadDocument(job, pull, {
      noun: 'Pull request',
      facts: [stateOf(pull), ...(pull.head === '' ? [] : [`from ${pull.head} into ${pull.base}`])],
      attributes: { merged: pull.mergedAtMs !== undefined, draft: pull.draft },
      remarks: lists.flatMap(({ remarks }) => remarks),
      more: lists.some(({ more }) => more),
    });
  },
  remarkLists: (settings) => [...(settings.comments ? ['issues/comments'] : []), ...(settings.reviews ? ['pulls/comments'] : [])],
};

function stateOf(pull: PullRequest): string {
  if (pull.mergedAtMs !== undefined) return `merged on ${dateOf(pull.mergedAtMs)}`;
  if (pull.state === 'open') return pull.draft ? 'open as a draft' : 'open';
  return pull.closedAtMs === undefined ? 'closed' : `closed on ${dateOf(pull.closedAtMs)}`;
}
