import { createHash } from 'node:crypto';
import type { Batch, Passage, SourceDocument } from '../domain/document.ts';
import type { Problem } from '../domain/errors.ts';
import { extractText } from './extract.ts';
import { splitText } from './split.ts';

/** What the index holds of a document, to tell whether it changed. */
export interface KnownDocument {
  version: string | undefined;
  contentHash: Uint8Array;
}

/** One step for the store: the last word of a batch on each id. */
export type PreparedChange =
  | { kind: 'upsert'; document: SourceDocument; contentHash: Uint8Array; passages: Passage[] }
  /** The content is what the index holds: only what is told about it may differ. */
  | { kind: 'touch'; document: SourceDocument }
  | { kind: 'delete'; id: string };

export interface PreparedBatch {
  changes: PreparedChange[];
  /** Documents that could not be read as text; they are found by their title. */
  problems: Problem[];
}

/**
 * Makes a checked batch ready for the store: the last change of each id wins, unchanged content is
 * recognised and not split again.
 */
export function prepareBatch(batch: Batch, known: ReadonlyMap<string, KnownDocument>): PreparedBatch {
  const last = new Map(batch.changes.map((change) => [change.kind === 'delete' ? change.id : change.document.id, change]));
  const problems: Problem[] = [];
  const changes: PreparedChange[] = [];
  for (const [id, change] of last) {
    if (change.kind === 'delete') {
      changes.push({ kind: 'delete', id });
      continue;
    }
    const { document } = change;
    const contentHash = hashOf(document);
    const before = known.get(id);
    if (before !== undefined && Buffer.compare(before.contentHash, contentHash) === 0) {
      changes.push({ kind: 'touch', document });
      continue;
    }
    const extraction = extractText(document);
    if (!extraction.ok) {
      problems.push({
        path: id,
        reason: extraction.reason,
        remedy: "Leave this kind of file out in the feature's settings, or have the datasource give its text.",
      });
    }
    changes.push({
      kind: 'upsert',
      document,
      contentHash,
      passages: extraction.ok ? withTitle(document, splitText(extraction.text, document.mediaType)) : [titlePassage(document)],
    });
  }
  return { changes, problems };
}

/** A document without a word of text is still found by its title. */
function withTitle(document: SourceDocument, passages: Passage[]): Passage[] {
  return passages.length === 0 ? [titlePassage(document)] : passages;
}

function titlePassage(document: SourceDocument): Passage {
  return { position: 0, headings: [], text: document.title };
}

/** Covers all that passages are made of. */
function hashOf(document: SourceDocument): Uint8Array {
  const hash = createHash('sha256');
  hash.update(`${document.mediaType}\n${document.title}\n${JSON.stringify(document.location)}\n`);
  hash.update(document.content);
  return new Uint8Array(hash.digest());
}
