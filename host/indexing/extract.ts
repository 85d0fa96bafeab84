import type { SourceDocument } from '../domain/document.ts';

export type Extraction = { ok: true; text: string } | { ok: false; reason: string };

/** Application types that are text all the same. */
const TEXT_TYPES = new Set([
  'application/json',
  'application/xml',
  'application/javascript',
  'application/typescript',
  'application/yaml',
  'application/x-yaml',
  'application/toml',
  'application/x-sh',
  'application/sql',
  'application/x-ndjson',
  'application/xhtml+xml',
]);

/** The text of a document, or why it has none: a media type that is not text, or bytes that are not. */
export function extractText(document: Pick<SourceDocument, 'mediaType' | 'content'>): Extraction {
  const essence = (document.mediaType.split(';')[0] ?? '').trim().toLowerCase();
  if (!essence.startsWith('text/') && !TEXT_TYPES.has(essence) && !/\+(json|xml|yaml)$/.test(essence)) {
    return { ok: false, reason: `media type ${essence} is not text` };
  }
  const charset = /charset="?([^";\s]+)/i.exec(document.mediaType)?.[1] ?? 'utf-8';
  let decoder: TextDecoder;
  try {
    decoder = new TextDecoder(charset, { fatal: true });
  } catch {
    return { ok: false, reason: `charset ${charset.slice(0, 40)} is not known` };
  }
  try {
    return { ok: true, text: decoder.decode(document.content) };
  } catch {
    return { ok: false, reason: `the content is not ${charset}` };
  }
}
