import { toShortLine } from '../domain/text.ts';
import type { Format } from './formats.ts';

/** What the host and a process that reads files say to each other. The host believes nothing that comes back. */

export interface ToExtractor {
  id: number;
  format: Format;
  mediaType: string;
  charset: string | undefined;
  content: Uint8Array;
  bounds: { maxCharacters: number; maxUnpackedBytes: number; maxMs: number };
}

export type FromExtractor =
  | { type: 'ready' }
  /** `text` is Markdown in UTF-8: as bytes, because the values in a frame's JSON are counted. */
  | { type: 'extracted'; id: number; parts: { label: string; text: Uint8Array }[]; notes: string[] }
  | { type: 'refused'; id: number; reason: string };

const MAX_REASON_CHARACTERS = 500;

/** The message, or undefined for anything that this protocol does not have. */
export function parseFromExtractor(value: unknown): FromExtractor | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const message = value as Record<string, unknown>;
  if (message.type === 'ready') return { type: 'ready' };
  const { id, parts, notes, reason } = message;
  if (typeof id !== 'number') return undefined;
  if (message.type === 'refused') return typeof reason === 'string' ? { type: 'refused', id, reason: toLine(reason) } : undefined;
  if (message.type !== 'extracted' || !Array.isArray(parts) || !Array.isArray(notes)) return undefined;
  const read = parts.map(toPart);
  if (read.some((part) => part === undefined) || notes.some((note) => typeof note !== 'string')) return undefined;
  return { type: 'extracted', id, parts: read.filter((part) => part !== undefined), notes: notes.map((note) => toLine(String(note))) };
}

function toPart(value: unknown): { label: string; text: Uint8Array } | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { label, text } = value as Record<string, unknown>;
  return typeof label === 'string' && text instanceof Uint8Array ? { label: toLine(label), text } : undefined;
}

/** It goes into problems and headings, which people read. */
function toLine(text: string): string {
  return toShortLine(text, MAX_REASON_CHARACTERS);
}
