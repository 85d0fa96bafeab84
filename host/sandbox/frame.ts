/**
 * Frames between the host and a sandbox process: JSON with the byte strings beside it, so that
 * content is never base64 and a size is known before anything is kept.
 *
 *   u32 BE  bytes that follow
 *   u32 BE  bytes of JSON
 *   JSON    UTF-8; a byte string is `{"$bytes":[offset,length]}`
 *   bytes   all byte strings, end to end
 *
 * Both sides run this file; it must not import anything that the far side may not have.
 */

/** What a frame can carry. `bigint` travels as a number: WIT's 64-bit fields here are times and counts. */
export type Wire = null | undefined | boolean | number | bigint | string | Uint8Array | readonly Wire[] | { readonly [key: string]: Wire };

/** Thrown for bytes that no honest peer would send. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

const HEADER_BYTES = 8;
/** The contract's own values nest about ten deep; a peer that goes on would overflow our stack. */
const MAX_DEPTH = 64;
/** A JSON text of `{},{},…` becomes forty times its size in memory; no honest message has as many values. */
const MAX_VALUES = 2_000_000;
const [COMMA, BRACKET, BRACE] = [0x2c, 0x5b, 0x7b];
const decoder = new TextDecoder('utf-8', { fatal: true });

/** One frame, ready to write. */
export function encodeFrame(value: Wire): Uint8Array {
  const blobs: Uint8Array[] = [];
  let blobBytes = 0;
  const json = JSON.stringify(
    toJson(value, (blob) => {
      const at = blobBytes;
      blobs.push(blob);
      blobBytes += blob.byteLength;
      return at;
    }),
  );
  const jsonBytes = Buffer.byteLength(json);
  // Every byte of it is written below: memory that is not cleared first costs a third, and small pieces share one.
  const frame = Buffer.allocUnsafe(HEADER_BYTES + jsonBytes + blobBytes);
  frame.writeUInt32BE(4 + jsonBytes + blobBytes, 0);
  frame.writeUInt32BE(jsonBytes, 4);
  frame.write(json, HEADER_BYTES, 'utf8');
  let at = HEADER_BYTES + jsonBytes;
  for (const blob of blobs) {
    frame.set(blob, at);
    at += blob.byteLength;
  }
  return frame;
}

function toJson(value: Wire, keep: (blob: Uint8Array) => number): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return { $bytes: [keep(value), value.byteLength] };
  if (Array.isArray(value)) return value.map((item: Wire) => toJson(item, keep));
  const out: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    if (item !== undefined) out[key] = toJson(item, keep);
  }
  return out;
}

/**
 * Cuts a byte stream into frames. A frame above `maxBytes` is refused by its header, before its
 * body is kept.
 */
export class FrameReader {
  readonly #maxBytes: number;
  #chunks: Uint8Array[] = [];
  #held = 0;
  #wanted: number | undefined;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The values of the frames that `chunk` completes. Throws FrameError. */
  push(chunk: Uint8Array): unknown[] {
    return this.frames(chunk).map(({ value }) => value);
  }

  /** The same with the size of each. */
  frames(chunk: Uint8Array): { value: unknown; bytes: number }[] {
    this.#chunks.push(chunk);
    this.#held += chunk.byteLength;
    const values: { value: unknown; bytes: number }[] = [];
    for (;;) {
      if (this.#wanted === undefined) {
        if (this.#held < 4) return values;
        this.#wanted = viewOf(this.#take(4)).getUint32(0);
        if (this.#wanted < 4 || this.#wanted > this.#maxBytes) {
          throw new FrameError(`a frame of ${this.#wanted} bytes; between 4 and ${this.#maxBytes} are allowed`);
        }
      }
      if (this.#held < this.#wanted) return values;
      values.push({ value: decodeBody(this.#take(this.#wanted)), bytes: this.#wanted });
      this.#wanted = undefined;
    }
  }

  #take(count: number): Uint8Array {
    const first = this.#chunks[0];
    if (first !== undefined && first.byteLength >= count) {
      this.#chunks[0] = first.subarray(count);
      if (this.#chunks[0].byteLength === 0) this.#chunks.shift();
      this.#held -= count;
      return first.subarray(0, count);
    }
    const out = new Uint8Array(count);
    let filled = 0;
    while (filled < count) {
      const chunk = this.#chunks.shift();
      if (chunk === undefined) throw new FrameError('a frame ended early');
      const part = chunk.subarray(0, count - filled);
      out.set(part, filled);
      filled += part.byteLength;
      if (part.byteLength < chunk.byteLength) this.#chunks.unshift(chunk.subarray(part.byteLength));
    }
    this.#held -= count;
    return out;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function decodeBody(body: Uint8Array): unknown {
  const jsonBytes = viewOf(body).getUint32(0);
  if (jsonBytes > body.byteLength - 4) throw new FrameError('the JSON of a frame is longer than the frame');
  const json = body.subarray(4, 4 + jsonBytes);
  if (countValues(json) > MAX_VALUES) throw new FrameError(`a frame holds more than ${MAX_VALUES} values`);
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(json));
  } catch (cause) {
    throw new FrameError('a frame does not hold JSON', { cause });
  }
  return fromJson(value, new Blobs(body.subarray(4 + jsonBytes)), 0);
}

/** At least as many as there are: punctuation inside of strings counts too. */
function countValues(json: Uint8Array): number {
  let count = 1;
  // By index: an iterator takes six times as long, and this runs over all that a sandbox says.
  for (let at = 0; at < json.byteLength; at += 1) {
    const byte = json[at];
    if (byte === COMMA || byte === BRACKET || byte === BRACE) count += 1;
  }
  return count;
}

function fromJson(value: unknown, blobs: Blobs, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth === MAX_DEPTH) throw new FrameError(`a frame is nested deeper than ${MAX_DEPTH}`);
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at += 1) value[at] = fromJson(value[at], blobs, depth + 1);
    return value;
  }
  if ('$bytes' in value) return blobs.at(value.$bytes);
  const record = value as Record<string, unknown>;
  for (const key of Object.keys(record)) {
    if (key === '__proto__') throw new FrameError('a frame names __proto__');
    record[key] = fromJson(record[key], blobs, depth + 1);
  }
  return record;
}

/** The byte strings of one frame. Each byte is given out once, so that a frame never becomes more than it was. */
class Blobs {
  readonly #bytes: Uint8Array;
  #left: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#left = bytes.byteLength;
  }

  at(reference: unknown): Uint8Array {
    if (!Array.isArray(reference) || reference.length !== 2) throw new FrameError('a byte string is not [offset, length]');
    const [offset, length] = reference as [unknown, unknown];
    if (!isCount(offset) || !isCount(length) || offset + length > this.#bytes.byteLength) {
      throw new FrameError('a byte string lies outside its frame');
    }
    this.#left -= length;
    if (this.#left < 0) throw new FrameError('byte strings of a frame overlap');
    // A copy: the stream's own memory may be a shared Buffer that is used again.
    return new Uint8Array(this.#bytes.subarray(offset, offset + length));
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
