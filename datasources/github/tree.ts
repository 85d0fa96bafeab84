import { toUtf8 } from '@lorelai/datasource-sdk';
import { fieldsOf, required } from './fields.ts';
import { isSkippedFolder, kindOf } from './file-kinds.ts';
import { matcherOf } from './globs.ts';
import type { Job } from './job.ts';

/** A file that the settings ask for: path from the root of the repository. */
export interface WantedFile {
  path: string;
  sha: string;
  sizeBytes: number;
}

/** One tree of git, as far as the settings ask for it. */
export interface Tree {
  sha: string;
  /** Whether the folders below are in `files` too. */
  whole: boolean;
  files: WantedFile[];
  /** Folders directly in it, when it is not whole. */
  folders: { path: string; sha: string }[];
}

export interface FileSettings {
  contentTypes: readonly string[];
  maxFileBytes: number;
  isExcluded(path: string): boolean;
}

/** Of a document's id, and of a key that holds a folder's files: both have 512 in all. */
const MAX_PATH_BYTES = 460;
const MiB = 1024 * 1024;

export function fileSettingsOf(job: Job): FileSettings & { shape: readonly unknown[] } {
  const {
    content_types: contentTypes,
    max_file_size_mb: maxMb,
    exclude_paths: excluded,
  } = job.call.connection.features.repository_indexing.settings;
  const kinds = contentTypes.filter((type) => type === 'markdown' || type === 'code');
  return {
    contentTypes: kinds,
    maxFileBytes: maxMb * MiB,
    isExcluded: matcherOf(excluded),
    shape: [kinds, maxMb, excluded],
  };
}

/**
 * Reads a tree with all that is below it, in one request; when GitHub cuts it short (at 100,000 entries or 7 MB),
 * only what is directly in it, in a second one.
 */
export function fetchTree(job: Job, folder: { path: string; sha: string }, settings: FileSettings): Tree {
  const url = `/repos/${job.record.fullName}/git/trees/${folder.sha}`;
  const all = required(fieldsOf(job.call.client.get(url, { query: { recursive: 1 } }).json()), 'a tree');
  const whole = !all.flag('truncated');
  const tree = whole ? all : required(fieldsOf(job.call.client.get(url).json()), 'a tree');
  const prefix = folder.path === '' ? '' : `${folder.path}/`;
  const files: WantedFile[] = [];
  const folders: Tree['folders'] = [];
  for (const entry of tree.list('tree')) {
    const path = `${prefix}${required(entry.text('path'), 'the path of a file')}`;
    const sha = entry.text('sha') ?? '';
    if (entry.text('type') === 'tree') {
      if (!whole && !isSkippedFolder(path)) folders.push({ path, sha });
    } else if (isWanted(path, entry.text('mode'), entry.number('size') ?? 0, settings)) {
      files.push({ path, sha, sizeBytes: entry.number('size') ?? 0 });
    }
  }
  return { sha: required(tree.text('sha'), 'the sha of a tree'), whole, ...withoutLongPaths(job, files, folders) };
}

/** Links (mode 120000) and submodules (160000) have no text of their own. */
function isWanted(path: string, mode: string | undefined, sizeBytes: number, settings: FileSettings): boolean {
  if (mode !== '100644' && mode !== '100755' && mode !== '100664') return false;
  const kind = kindOf(path);
  if (kind === undefined || !settings.contentTypes.includes(kind.content)) return false;
  return sizeBytes > 0 && sizeBytes <= settings.maxFileBytes && !settings.isExcluded(path);
}

function withoutLongPaths(job: Job, files: WantedFile[], folders: Tree['folders']): Pick<Tree, 'files' | 'folders'> {
  const tooLong = [...files, ...folders].filter((entry) => !fits(entry));
  const [first] = tooLong;
  if (first !== undefined) {
    const reason = `${tooLong.length} paths are longer than ${MAX_PATH_BYTES} bytes, the first: ${first.path.slice(0, 100)}…`;
    job.call.work.skip({ path: job.record.fullName, reason, remedy: 'Shorten them, or exclude them with exclude_paths.' });
  }
  return { files: files.filter(fits), folders: folders.filter(fits) };
}

function fits({ path }: { path: string }): boolean {
  return path.length * 3 <= MAX_PATH_BYTES || toUtf8(path).length <= MAX_PATH_BYTES;
}
