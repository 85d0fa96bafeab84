import type { ExtractedPart } from '../domain/extraction.ts';
import type { Structure } from '../domain/media-type.ts';
import { chunksOf } from './chunks.ts';
import { codeSplitter } from './code.ts';
import { markdownSplitter, type Piece, splitPlain } from './markdown.ts';
import { parseThread, splitThread } from './thread.ts';

/** Sizes of passages, in tokens. */
export const DEFAULT_PASSAGE_TOKENS = 512;

/** Text that is ready to be cut, in one part or in several that have names. */
export interface ReadableText {
  structure: Structure;
  parts: readonly ExtractedPart[];
}

/**
 * The pieces of a text, in order, each of at most about `target` tokens; none for text without a word in it. The names of
 * parts are headings above all others. Deterministic, and what is not changed is mostly cut as before. Gives a piece at a
 * time, and `undefined` where it has none for a while, so that whoever takes them can do something else in between.
 */
export function* splitText({ structure, parts }: ReadableText, target: number = DEFAULT_PASSAGE_TOKENS): Generator<Piece | undefined> {
  for (const { label, text } of parts) {
    for (const piece of splitPart(structure, text, target)) {
      yield label === '' || piece === undefined ? piece : { headings: [label, ...piece.headings], text: piece.text };
    }
  }
}

/** Why a text cannot be cut by its structure; undefined when it can. */
export function structureFault({ structure, parts }: ReadableText): string | undefined {
  if (structure !== 'thread') return undefined;
  return parts.map(({ text }) => parseThread(text)).find((parsed) => typeof parsed === 'string');
}

function* splitPart(structure: Structure, text: string, target: number): Generator<Piece | undefined> {
  const thread = structure === 'thread' ? parseThread(toCuttable(text)) : '';
  if (typeof thread !== 'string') {
    yield* splitThread(thread, target);
    return;
  }
  const split = splitterOf(structure, target);
  for (const chunk of chunksOf(text)) {
    yield* split(toCuttable(chunk));
    yield undefined;
  }
}

/** What remembers from one stretch of a text to the next what it is in. */
function splitterOf(structure: Structure, target: number): (chunk: string) => Generator<Piece> {
  switch (structure) {
    case 'markdown':
      return markdownSplitter(target);
    case 'code':
      return codeSplitter(target);
    case 'thread':
    case 'plain':
      return (chunk) => splitPlain(chunk, target);
    default:
      return structure satisfies never;
  }
}

/** One kind of line end, and nothing that the store cannot hold. */
function toCuttable(text: string): string {
  return text.replace(/\r\n?/g, '\n').replaceAll('\0', '\uFFFD');
}
