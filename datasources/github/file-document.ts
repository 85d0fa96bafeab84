import { fromBase64, fromUtf8, type Document } from '@lorelai/datasource-sdk';
import { Refusal } from './client.ts';
import { fieldsOf, required } from './fields.ts';
import { kindOf } from './file-kinds.ts';
import { readFileText, type FileText } from './file-text.ts';
import { accessOf, type Job } from './job.ts';

/** Gives the bytes as they are, where the server knows it; GitHub's default is base64 in JSON. */
const RAW_TYPE = 'application/vnd.github.raw+json';
const TITLE_BYTES = 4_000;

export function fileId(repository: number, path: string): string {
  return `file/${repository}/${path}`;
}

/** The bytes of a blob, or why GitHub does not give them. One request. */
export function fetchBlob(job: Job, sha: string): Uint8Array | Refusal {
  const response = job.call.client.tryGet(`/repos/${job.record.fullName}/git/blobs/${sha}`, { accept: RAW_TYPE });
  if (response instanceof Refusal) return response;
  const mediaType = (response.headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase();
  if (mediaType !== 'application/json') return response.bytes();
  return fromBase64(required(fieldsOf(response.json())?.text('content'), 'the content of a file'));
}

/** Looks into the bytes of a file that is to be indexed. */
export function textOf(path: string, bytes: Uint8Array): FileText {
  return readFileText(bytes, kindOf(path)?.content ?? 'code');
}

/** `changedAtMs` is when the file last changed, where that is known. */
export function fileDocument(job: Job, file: { path: string; sha: string; text: Uint8Array; changedAtMs: number | undefined }): Document {
  const { record } = job;
  const { path, sha, text, changedAtMs } = file;
  const kind = kindOf(path);
  const parts = path.split('/');
  return {
    id: fileId(record.id, path),
    version: sha,
    title: titleOf(path, kind?.mediaType === 'text/markdown' ? text : undefined),
    link: `${record.link}/blob/${encodePath(record.branch)}/${encodePath(path)}`,
    mediaType: kind?.mediaType ?? 'text/plain',
    content: text,
    location: [record.fullName, ...parts.slice(0, -1)],
    updatedAtMs: changedAtMs,
    access: accessOf(record),
    attributes: { repository: record.fullName, path, branch: record.branch, kind: kind?.content ?? 'code' },
  };
}

/** The path, and before it what the text itself says that it is about. */
function titleOf(path: string, markdown: Uint8Array | undefined): string {
  if (markdown === undefined) return path;
  const head = fromUtf8(markdown.subarray(0, TITLE_BYTES));
  const [, heading] = /^(?:---\n[\s\S]*?\n---\n)?\s*(?:<!--[\s\S]*?-->\s*)*#[ \t]+(.+?)[ \t]*#*[ \t]*$/m.exec(head) ?? [];
  const plain = heading
    ?.replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/[`*]/g, '')
    .trim();
  return plain === undefined || plain === '' ? path : `${plain} (${path})`;
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
