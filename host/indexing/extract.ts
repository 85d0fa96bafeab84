import type { SourceDocument } from '../domain/document.ts';
import type { Extractor } from '../domain/extraction.ts';
import { essenceOf, type Structure, structureOf } from '../domain/media-type.ts';
import { type ReadableText, structureFault } from './split.ts';

export type Extraction =
  /** `notes` says what of the file is missing, in sentences without a full stop. */
  | { ok: true; text: ReadableText; notes: string[] }
  /** `again`: the next time may be better. */
  | { ok: false; reason: string; again: boolean };

export interface ExtractOptions {
  extractor: Extractor;
  /** Files of two owners are never read by one process. */
  owner: string;
  signal: AbortSignal;
}

const MiB = 1024 * 1024;
/** Of one text: decoding is one step on this thread. */
const MAX_TEXT_BYTES = 32 * MiB;
/** Of the characters of a text that may be none in its charset; a file with more is not text. */
const MAX_BROKEN_SHARE = 0.01;

/** The text of a document, or why it has none. Only text is read in this process. Never rejects. */
export async function extractText(document: Pick<SourceDocument, 'mediaType' | 'content'>, options: ExtractOptions): Promise<Extraction> {
  const structure = structureOf(document.mediaType);
  if (structure !== undefined) return decode(document, structure);
  const outcome = await options.extractor.extract(document, options.owner, options.signal);
  switch (outcome.kind) {
    case 'extracted':
      return { ok: true, text: { structure: 'markdown', parts: outcome.parts }, notes: outcome.notes };
    case 'refused':
      return { ok: false, reason: outcome.reason, again: false };
    case 'fault':
      return { ok: false, reason: outcome.reason, again: true };
    case 'unsupported':
      return {
        ok: false,
        reason: `media type ${essenceOf(document.mediaType).slice(0, 100)} is not text, and nothing here reads it`,
        again: false,
      };
    default:
      return outcome satisfies never;
  }
}

function decode({ mediaType, content }: Pick<SourceDocument, 'mediaType' | 'content'>, structure: Structure): Extraction {
  const charset = /charset="?([^";\s]+)/i.exec(mediaType)?.[1] ?? 'utf-8';
  const notes: string[] = [];
  if (content.byteLength > MAX_TEXT_BYTES)
    notes.push(`it has ${content.byteLength} bytes, of which the first ${MAX_TEXT_BYTES / MiB} MiB are read`);
  const bytes = content.subarray(0, MAX_TEXT_BYTES);
  let text: string;
  try {
    // A stream: the last character may be cut in two by the bound.
    text = new TextDecoder(charset, { fatal: true }).decode(bytes, { stream: content.byteLength > MAX_TEXT_BYTES });
  } catch (error) {
    if (error instanceof RangeError) return { ok: false, reason: `charset ${charset.slice(0, 40)} is not known`, again: false };
    text = new TextDecoder(charset).decode(bytes);
    const broken = text.split('\uFFFD').length - 1;
    if (broken > text.length * MAX_BROKEN_SHARE) return { ok: false, reason: `the content is not ${charset.slice(0, 40)}`, again: false };
    notes.push(`${broken} of its characters are not ${charset.slice(0, 40)} and were replaced`);
  }
  const readable: ReadableText = { structure, parts: [{ label: '', text }] };
  const fault = structureFault(readable);
  return fault === undefined ? { ok: true, text: readable, notes } : { ok: false, reason: fault, again: false };
}
