/** A needle is looked for whole up to this length; of a longer one, its beginning. */
const WHOLE_BYTES = 64;

/**
 * Where `needle` stands in `bytes` from `from` on, or -1. In time that grows with the sum of their lengths: what the engine's
 * own search takes grows with the product when both are made for it, and a source can make both.
 */
export function findBytes(bytes: Buffer, needle: Buffer, from: number): number {
  const at = bytes.indexOf(needle.subarray(0, WHOLE_BYTES), from);
  return at < 0 || needle.byteLength <= WHOLE_BYTES ? at : search(bytes, needle, at);
}

/** Knuth, Morris and Pratt's: each byte is looked at twice at most. */
function search(bytes: Buffer, needle: Buffer, from: number): number {
  const borders = bordersOf(needle);
  let matched = 0;
  for (let at = from; at < bytes.byteLength; at += 1) {
    while (matched > 0 && bytes[at] !== needle[matched]) matched = borders[matched - 1] ?? 0;
    if (bytes[at] === needle[matched]) matched += 1;
    if (matched === needle.byteLength) return at + 1 - matched;
  }
  return -1;
}

/** For each beginning of the needle: how long its longest own beginning is that it also ends with. */
function bordersOf(needle: Buffer): Uint32Array {
  const borders = new Uint32Array(needle.byteLength);
  let border = 0;
  for (let at = 1; at < needle.byteLength; at += 1) {
    while (border > 0 && needle[at] !== needle[border]) border = borders[border - 1] ?? 0;
    if (needle[at] === needle[border]) border += 1;
    borders[at] = border;
  }
  return borders;
}
