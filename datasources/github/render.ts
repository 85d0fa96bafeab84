import type { Document } from '@lorelai/datasource-sdk';
import { accessOf, type Job } from './job.ts';
import type { Remark, Thread } from './objects.ts';

/** A document that has no id yet. */
export type ThreadDocument = Omit<Document, 'id'>;

/** What an issue and a pull request show besides what they have in common. */
export interface ThreadParts {
  noun: string;
  /** What the first sentence goes on with: `closed on 2026-01-31`. */
  facts: readonly string[];
  attributes: Record<string, string | number | boolean>;
  remarks: readonly Remark[];
  /** Whether GitHub has more remarks than these. */
  more: boolean;
}

/** A discussion longer than this is cut; the document says so and links to the rest. */
const MAX_CHARACTERS = 1_000_000;

/** An issue or pull request with what was said, as Markdown: one section for each remark, with who and when. */
export function threadDocument(job: Job, thread: Thread, parts: ThreadParts): ThreadDocument {
  const { fullName } = job.record;
  const opened = `${parts.noun} #${thread.number} in ${fullName}, opened by ${thread.author} on ${dateOf(thread.createdAtMs)}`;
  const labels = thread.labels.length === 0 ? [] : [`Labels: ${thread.labels.join(', ')}.`];
  const lead = [`${[opened, ...parts.facts].join(', ')}.`, ...labels].join(' ');
  const sections = parts.remarks.toSorted((a, b) => a.atMs - b.atMs).map(section);
  return {
    title: `${thread.title} (#${thread.number})`,
    link: thread.link,
    mediaType: 'text/markdown',
    content: join([lead, clean(thread.body), ...sections.filter((text) => text !== '')], parts.more),
    location: [fullName, `${parts.noun}s`],
    author: thread.author,
    createdAtMs: thread.createdAtMs,
    updatedAtMs: thread.updatedAtMs,
    access: accessOf(job.record),
    attributes: { repository: fullName, number: thread.number, state: thread.state, labels: thread.labels.join(', '), ...parts.attributes },
  };
}

export function dateOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}

function section(remark: Remark): string {
  const body = clean(remark.body);
  const verb = verbOf(remark);
  if (verb === undefined || (body === '' && verb === 'reviewed')) return '';
  return `## ${remark.author} ${verb} on ${dateOf(remark.atMs)}\n\n${body}`.trim();
}

/** What the author of a remark did; undefined when it is not to be seen. */
function verbOf({ kind, verdict, place }: Remark): string | undefined {
  if (kind === 'comment') return 'commented';
  if (kind === 'line') return place === undefined ? 'commented on the code' : `commented on \`${place}\``;
  switch (verdict) {
    case 'APPROVED':
      return 'approved';
    case 'CHANGES_REQUESTED':
      return 'requested changes';
    case 'DISMISSED':
      return 'gave a review that was dismissed';
    case 'PENDING':
      return undefined;
    default:
      return 'reviewed';
  }
}

/** Without the comments of issue templates, which nobody sees at GitHub either. */
function clean(body: string): string {
  return body
    .replace(/\r\n?/g, '\n')
    .replace(/<!--[\s\S]*?-->/g, '')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}

function join(parts: readonly string[], more: boolean): string {
  let text = '';
  for (const part of parts) {
    if (text.length + part.length > MAX_CHARACTERS) return `${text}\n\nThe discussion goes on at GitHub.\n`;
    if (part !== '') text += text === '' ? part : `\n\n${part}`;
  }
  return more ? `${text}\n\nThe discussion goes on at GitHub.\n` : `${text}\n`;
}
