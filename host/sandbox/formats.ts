/**
 * Which files are read by the readers of formats, and as what. Both sides run this file; it must not import anything that
 * the far side may not have.
 */

export const FORMATS = ['html', 'pdf', 'office', 'csv', 'tsv', 'email', 'rtf'] as const;
export type Format = (typeof FORMATS)[number];

const BY_TYPE: ReadonlyMap<string, Format> = new Map([
  ['text/html', 'html'],
  ['application/xhtml+xml', 'html'],
  ['application/pdf', 'pdf'],
  ['application/x-pdf', 'pdf'],
  // Word, PowerPoint and Excel, with macros and templates too; which of them it is, the file says.
  ...[
    'wordprocessingml.document',
    'wordprocessingml.template',
    'presentationml.presentation',
    'presentationml.slideshow',
    'presentationml.template',
    'spreadsheetml.sheet',
    'spreadsheetml.template',
  ].map((name): [string, Format] => [`application/vnd.openxmlformats-officedocument.${name}`, 'office']),
  ['application/vnd.ms-word.document.macroenabled.12', 'office'],
  ['application/vnd.ms-powerpoint.presentation.macroenabled.12', 'office'],
  ['application/vnd.ms-excel.sheet.macroenabled.12', 'office'],
  // Often said of files of the formats after 2007; those before are refused with a reason.
  ['application/msword', 'office'],
  ['application/vnd.ms-powerpoint', 'office'],
  ['application/vnd.ms-excel', 'office'],
  ['text/csv', 'csv'],
  ['application/csv', 'csv'],
  ['text/tab-separated-values', 'tsv'],
  ['message/rfc822', 'email'],
  ['application/rtf', 'rtf'],
  ['text/rtf', 'rtf'],
]);

/** What files begin with, for those whose media type says nothing. */
const BY_BEGINNING: readonly (readonly [beginning: string, format: Format])[] = [
  ['%PDF-', 'pdf'],
  ['PK\u0003\u0004', 'office'],
  ['{\\rtf', 'rtf'],
];

/** `text/plain` of `Text/Plain; charset=utf-8`. */
export function essenceOf(mediaType: string): string {
  return (mediaType.split(';', 1)[0] ?? '').trim().toLowerCase();
}

/** How to read a file; undefined for what nothing here reads. */
export function formatOf(mediaType: string, content: Uint8Array): Format | undefined {
  const essence = essenceOf(mediaType);
  if (essence !== 'application/octet-stream') return BY_TYPE.get(essence);
  const beginning = String.fromCharCode(...content.subarray(0, 8));
  return BY_BEGINNING.find(([start]) => beginning.startsWith(start))?.[1];
}
