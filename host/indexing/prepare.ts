import { createHash, hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { Batch, Passage, SourceDocument } from '../domain/document.ts';
import type { Problem } from '../domain/errors.ts';
import { extractText, type Extraction, type ExtractOptions } from './extract.ts';
import { DEFAULT_PASSAGE_TOKENS, type ReadableText, splitText } from './split.ts';

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
  /** Of documents that could not be read, or not as a whole. */
  problems: Problem[];
  /** Ids of those that could not be read at all: they are found by their title. */
  unread: string[];
}

export interface PrepareOptions extends ExtractOptions {
  /** Size of passages in tokens, about; 512 when left out. */
  passageTokens?: number;
}

/** About 5 million tokens: more than any book; one document must not fill an index. */
const MAX_PASSAGES_PER_DOCUMENT = 10_000;
/** All passages of a batch are held at once, and written in one transaction. */
const MAX_PASSAGES_PER_BATCH = 50_000;
/** Work on this thread before it turns to others, which answer people. */
const TURN_MS = 4;
const HASHED_AT_ONCE_BYTES = 1024 * 1024;
/** Raise when documents that have not changed should be split anew. */
const SPLIT_VERSION = 2;

/**
 * Makes a checked batch ready for the store: the last change of each id wins, unchanged content is recognised and not read
 * and split again. Gives others a turn every few milliseconds. Undefined once the signal aborts.
 */
export async function prepareBatch(
  batch: Pick<Batch, 'changes'>,
  known: ReadonlyMap<string, KnownDocument>,
  options: PrepareOptions,
): Promise<PreparedBatch | undefined> {
  const preparation = new Preparation(options);
  const last = new Map(batch.changes.map((change) => [change.kind === 'delete' ? change.id : change.document.id, change]));
  try {
    for (const [id, change] of last) {
      if (change.kind === 'delete') preparation.changes.push({ kind: 'delete', id });
      else await preparation.take(change.document, known.get(id));
    }
  } catch (error) {
    if (options.signal.aborted) return undefined;
    throw error;
  }
  const { changes, problems, unread } = preparation;
  return { changes, problems, unread };
}

class Preparation {
  readonly changes: PreparedChange[] = [];
  readonly problems: Problem[] = [];
  readonly unread: string[] = [];
  readonly #options: PrepareOptions;
  #passagesLeft = MAX_PASSAGES_PER_BATCH;
  #turnEndsMs = performance.now() + TURN_MS;

  constructor(options: PrepareOptions) {
    this.#options = options;
  }

  async take(document: SourceDocument, before: KnownDocument | undefined): Promise<void> {
    await this.#turn();
    const contentHash = await this.#hashOf(document);
    if (before !== undefined && Buffer.compare(before.contentHash, contentHash) === 0) {
      this.changes.push({ kind: 'touch', document });
      return;
    }
    const extraction = await extractText(document, this.#options);
    this.#options.signal.throwIfAborted();
    if (!extraction.ok) {
      this.#refuse(document, contentHash, extraction);
      return;
    }
    for (const note of extraction.notes) this.problems.push({ path: document.id, reason: note, remedy: REMEDIES.partly });
    const passages = await this.#split(document, extraction.text);
    this.changes.push({ kind: 'upsert', document, contentHash, passages: passages.length === 0 ? [titlePassage(document)] : passages });
  }

  /** It is found by its title. What may be better another time has a hash that no content has. */
  #refuse(document: SourceDocument, contentHash: Uint8Array, { reason, again }: Extraction & { ok: false }): void {
    this.unread.push(document.id);
    this.problems.push({ path: document.id, reason, remedy: again ? REMEDIES.again : REMEDIES.never });
    const kept = again ? createHash('sha256').update(contentHash).digest() : contentHash;
    this.changes.push({ kind: 'upsert', document, contentHash: new Uint8Array(kept), passages: [titlePassage(document)] });
  }

  async #split(document: SourceDocument, text: ReadableText): Promise<Passage[]> {
    const passages: Passage[] = [];
    const most = Math.min(MAX_PASSAGES_PER_DOCUMENT, this.#passagesLeft);
    for (const piece of splitText(text, this.#options.passageTokens ?? DEFAULT_PASSAGE_TOKENS)) {
      await this.#turn();
      if (piece === undefined) continue;
      if (passages.length >= most) {
        this.problems.push({ path: document.id, ...tooLong(most) });
        break;
      }
      passages.push({ position: passages.length, ...piece });
    }
    this.#passagesLeft -= passages.length;
    return passages;
  }

  /** Covers all that passages are made of, and how. */
  async #hashOf(document: SourceDocument): Promise<Uint8Array> {
    const { mediaType, title, location, content } = document;
    const size = this.#options.passageTokens ?? DEFAULT_PASSAGE_TOKENS;
    const head = Buffer.from(`${SPLIT_VERSION}\n${size}\n${mediaType}\n${title}\n${JSON.stringify(location)}\n`);
    // In one call where it can be: most documents are small, and an object that hashes in steps costs more than their bytes.
    if (content.byteLength <= HASHED_AT_ONCE_BYTES) return hash('sha256', Buffer.concat([head, content]), 'buffer');
    const steps = createHash('sha256').update(head);
    for (let at = 0; at < content.byteLength; at += HASHED_AT_ONCE_BYTES) {
      steps.update(content.subarray(at, at + HASHED_AT_ONCE_BYTES));
      await this.#turn();
    }
    return steps.digest();
  }

  async #turn(): Promise<void> {
    if (performance.now() < this.#turnEndsMs) return;
    await setImmediate();
    this.#options.signal.throwIfAborted();
    this.#turnEndsMs = performance.now() + TURN_MS;
  }
}

const REMEDIES = {
  never: "Leave this kind of file out in the feature's settings, or have the datasource give its text.",
  again: 'Look at the file at its source; it is tried again when the source gives it again.',
  partly: 'Look at the file at its source; what could be read of it is found.',
} as const;

function tooLong(most: number): Pick<Problem, 'reason' | 'remedy'> {
  return most === MAX_PASSAGES_PER_DOCUMENT
    ? { reason: `it has more than ${most} passages; the rest is left out`, remedy: 'Have the datasource give it as several documents.' }
    : {
        reason: `its batch has more than ${MAX_PASSAGES_PER_BATCH} passages; the rest of this document is left out`,
        remedy: 'Set a lower maxChangesPerBatch in the grant of the datasource.',
      };
}

/** A document without a word of text is still found by its title. */
function titlePassage(document: SourceDocument): Passage {
  return { position: 0, headings: [], text: document.title };
}
