import { utf8toStringLoose } from '@exodus/bytes/utf8.js';

// Characters converted at a time: the way through percent-encoding takes up to nine times their size.
const CHUNK_CHARACTERS = 96 * 1024;

/**
 * UTF-8 of a text. Half a surrogate pair becomes U+FFFD.
 *
 * The engine has no encoder, and a loop over characters reads 3 MB/s in it. Its percent-encoding and base64 are
 * native: this way round them reads 40 MB/s.
 */
export function toUtf8(text: string): Uint8Array {
  if (text.length <= CHUNK_CHARACTERS) return encodeChunk(text.toWellFormed());
  const chunks: Uint8Array[] = [];
  for (let start = 0; start < text.length;) {
    const end = endOfChunk(text, start);
    chunks.push(encodeChunk(text.slice(start, end).toWellFormed()));
    start = end;
  }
  return concat(chunks);
}

/** Never between the halves of a surrogate pair. */
function endOfChunk(text: string, start: number): number {
  const end = start + CHUNK_CHARACTERS;
  const last = text.charCodeAt(end - 1);
  return last >= 0xd800 && last <= 0xdbff ? end - 1 : end;
}

function encodeChunk(text: string): Uint8Array {
  return Uint8Array.fromBase64(btoa(unescape(encodeURIComponent(text))));
}

function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((bytes, chunk) => bytes + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** The text of UTF-8 bytes. Malformed bytes become U+FFFD; a byte order mark is dropped. */
export function fromUtf8(bytes: Uint8Array): string {
  const text = decodeAll(bytes);
  return text.startsWith('\u{feff}') ? text.slice(1) : text;
}

function decodeAll(bytes: Uint8Array): string {
  try {
    let text = '';
    for (let start = 0; start < bytes.length;) {
      const end = endOfSequence(bytes, Math.min(bytes.length, start + CHUNK_CHARACTERS));
      text += decodeURIComponent(escape(atob(bytes.subarray(start, end).toBase64())));
      start = end;
    }
    return text;
  } catch {
    // Malformed somewhere: the careful way, which replaces what is wrong.
    return utf8toStringLoose(bytes);
  }
}

/** The next place at or after `at` where a character begins; a character has at most three further bytes. */
function endOfSequence(bytes: Uint8Array, at: number): number {
  let end = at;
  while (end < bytes.length && end < at + 3 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end += 1;
  return end;
}

/** Base64 (RFC 4648) with padding. */
export function toBase64(bytes: Uint8Array): string {
  return bytes.toBase64();
}

/** The bytes of base64 text, line breaks allowed. Throws a SyntaxError on anything else. */
export function fromBase64(text: string): Uint8Array {
  return Uint8Array.fromBase64(text);
}
