import { fromBase64 as decodeBase64, toBase64 as encodeBase64 } from '@exodus/bytes/base64.js';
import { utf8fromStringLoose, utf8toStringLoose } from '@exodus/bytes/utf8.js';

/** UTF-8 of a text. Half a surrogate pair becomes U+FFFD. */
export function toUtf8(text: string): Uint8Array {
  return utf8fromStringLoose(text);
}

/** The text of UTF-8 bytes. Malformed bytes become U+FFFD; a byte order mark is dropped. */
export function fromUtf8(bytes: Uint8Array): string {
  const text = utf8toStringLoose(bytes);
  return text.startsWith('\u{feff}') ? text.slice(1) : text;
}

/** Base64 (RFC 4648) with padding. */
export function toBase64(bytes: Uint8Array): string {
  return encodeBase64(bytes);
}

/** The bytes of base64 text, line breaks allowed. Throws a SyntaxError on anything else. */
export function fromBase64(text: string): Uint8Array {
  return decodeBase64(text.replace(/\s+/g, ''));
}
