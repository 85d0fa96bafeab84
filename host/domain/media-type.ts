/** How a text is built, and so where it is cut. */
export type Structure = 'markdown' | 'plain' | 'code' | 'thread';

/** Application types that are text all the same. */
const TEXT_TYPES = new Set([
  'application/json',
  'application/xml',
  'application/yaml',
  'application/x-yaml',
  'application/toml',
  'application/x-ndjson',
]);
const CODE_TYPES = new Set([
  'text/javascript',
  'text/typescript',
  'text/ecmascript',
  'application/javascript',
  'application/typescript',
  'application/ecmascript',
  'application/sql',
  'application/x-sh',
  'application/x-python',
  'application/x-httpd-php',
]);
/** `text/x-…` is code, but for these. */
const NO_CODE = /^text\/x-(?:rst|asciidoc|org|textile|log|tex|latex|diff|patch|gettext|web-markdown|setext|vcard|vcalendar)/;
/** Text that is read better than as text. */
const BETTER_READ = new Set(['text/html', 'text/csv', 'text/tab-separated-values', 'text/rtf', 'application/xhtml+xml']);
const THREAD = 'application/vnd.lorelai.thread+json';

/** `text/plain` of `Text/Plain; charset=utf-8`. */
export function essenceOf(mediaType: string): string {
  return (mediaType.split(';', 1)[0] ?? '').trim().toLowerCase();
}

/** How text of a media type is built; undefined for what has to be read by others first, who give Markdown. */
export function structureOf(mediaType: string): Structure | undefined {
  const essence = essenceOf(mediaType);
  if (essence === 'text/markdown' || essence === 'text/x-markdown') return 'markdown';
  if (essence === THREAD) return 'thread';
  if (CODE_TYPES.has(essence) || (essence.startsWith('text/x-') && !NO_CODE.test(essence))) return 'code';
  if (BETTER_READ.has(essence)) return undefined;
  const isText = essence.startsWith('text/') || TEXT_TYPES.has(essence) || /\+(?:json|xml|yaml)$/.test(essence);
  return isText ? 'plain' : undefined;
}
