import { type Fields, required } from './fields.ts';

/** A repository as its listing and its own address give it. */
export interface Repository {
  id: number;
  /** `owner/name`, as it is called now. */
  fullName: string;
  owner: string;
  link: string;
  branch: string;
  /** Private or internal: not for everyone. */
  private: boolean;
  fork: boolean;
  /** Locked by GitHub's staff. */
  disabled: boolean;
}

/** What an issue and a pull request have in common. */
export interface Thread {
  number: number;
  title: string;
  body: string;
  link: string;
  author: string;
  state: 'open' | 'closed';
  createdAtMs: number;
  updatedAtMs: number;
  closedAtMs: number | undefined;
  labels: string[];
}

export interface Issue extends Thread {
  comments: number;
  /** The issues endpoint lists pull requests too. */
  isPullRequest: boolean;
  stateReason: string | undefined;
}

export interface PullRequest extends Thread {
  mergedAtMs: number | undefined;
  draft: boolean;
  head: string;
  base: string;
}

/** Something that somebody said in an issue or a pull request. */
export interface Remark {
  kind: 'comment' | 'review' | 'line';
  author: string;
  body: string;
  atMs: number;
  /** For a review: APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED or PENDING. */
  verdict: string | undefined;
  /** For a comment on a line: the file and the line, `src/a.ts:12`. */
  place: string | undefined;
}

export function toRepository(fields: Fields): Repository {
  const fullName = required(fields.text('full_name'), 'the name of a repository');
  return {
    id: required(fields.number('id'), 'the id of a repository'),
    fullName,
    owner: fullName.split('/')[0] ?? '',
    link: required(fields.text('html_url'), 'the address of a repository'),
    branch: fields.text('default_branch') ?? 'main',
    // Where GitHub does not say, it is not public.
    private: !fields.has('private') || fields.flag('private') || fields.text('visibility') === 'internal',
    fork: fields.flag('fork'),
    disabled: fields.flag('disabled'),
  };
}

export function toIssue(fields: Fields): Issue {
  return {
    ...toThread(fields),
    comments: fields.number('comments') ?? 0,
    isPullRequest: fields.has('pull_request'),
    stateReason: fields.text('state_reason'),
  };
}

export function toPullRequest(fields: Fields): PullRequest {
  return {
    ...toThread(fields),
    mergedAtMs: fields.timeMs('merged_at'),
    draft: fields.flag('draft'),
    head: fields.object('head')?.text('ref') ?? '',
    base: fields.object('base')?.text('ref') ?? '',
  };
}

export function toComment(fields: Fields): Remark {
  return toRemark('comment', fields, fields.timeMs('created_at'));
}

export function toReview(fields: Fields): Remark {
  return { ...toRemark('review', fields, fields.timeMs('submitted_at')), verdict: fields.text('state') };
}

export function toLineComment(fields: Fields): Remark {
  const path = fields.text('path');
  const line = fields.number('line') ?? fields.number('original_line');
  const place = path === undefined || line === undefined ? path : `${path}:${line}`;
  return { ...toRemark('line', fields, fields.timeMs('created_at')), place };
}

function toThread(fields: Fields): Thread {
  const createdAtMs = required(fields.timeMs('created_at'), 'when an issue was opened');
  return {
    number: required(fields.number('number'), 'the number of an issue'),
    title: fields.text('title') ?? '',
    body: fields.text('body') ?? '',
    link: required(fields.text('html_url'), 'the address of an issue'),
    author: toAuthor(fields),
    state: fields.text('state') === 'closed' ? 'closed' : 'open',
    createdAtMs,
    updatedAtMs: fields.timeMs('updated_at') ?? createdAtMs,
    closedAtMs: fields.timeMs('closed_at'),
    labels: fields.list('labels').flatMap((label) => label.text('name') ?? []),
  };
}

function toRemark(kind: Remark['kind'], fields: Fields, atMs: number | undefined): Remark {
  return { kind, author: toAuthor(fields), body: fields.text('body') ?? '', atMs: atMs ?? 0, verdict: undefined, place: undefined };
}

/** GitHub gives no user where the account was deleted, and itself shows `ghost` there. */
function toAuthor(fields: Fields): string {
  return fields.object('user')?.text('login') ?? 'ghost';
}
