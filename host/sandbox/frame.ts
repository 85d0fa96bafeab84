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

/** A frame is gathered in memory that grows with it: a stream may come byte by byte, and each piece by itself costs hundreds. */
const FIRST_CAPACITY_BYTES = 64 * 1024;

/**
 * Cuts a byte stream into frames. A frame above `maxBytes` is refused by its header, before its
 * body is kept.
 */
export class FrameReader {
  readonly #maxBytes: number;
  /** What has come of the frame at hand, or of its first four bytes. */
  #held: Uint8Array = new Uint8Array(0);
  #heldBytes = 0;
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
    const values: { value: unknown; bytes: number }[] = [];
    for (let rest = chunk; ;) {
      const wanted = this.#wanted ?? 4;
      const part = this.#gather(rest, wanted);
      if (part === undefined) return values;
      rest = part.rest;
      if (this.#wanted === undefined) this.#wanted = this.#toSize(part.whole);
      else {
        values.push({ value: decodeBody(part.whole), bytes: wanted });
        this.#wanted = undefined;
      }
    }
  }

  #toSize(header: Uint8Array): number {
    const size = viewOf(header).getUint32(0);
    if (size < 4 || size > this.#maxBytes) {
      throw new FrameError(`a frame of ${size} bytes; between 4 and ${this.#maxBytes} are allowed`);
    }
    return size;
  }

  /** The next `wanted` bytes, and what comes after them; undefined when there are not as many yet, and what there is has been kept. */
  #gather(chunk: Uint8Array, wanted: number): { whole: Uint8Array; rest: Uint8Array } | undefined {
    // The usual case: nothing is copied.
    if (this.#heldBytes === 0 && chunk.byteLength >= wanted) return { whole: chunk.subarray(0, wanted), rest: chunk.subarray(wanted) };
    const part = chunk.subarray(0, wanted - this.#heldBytes);
    this.#keep(part, wanted);
    if (this.#heldBytes < wanted) return undefined;
    const whole = this.#held.subarray(0, wanted);
    this.#held = new Uint8Array(0);
    this.#heldBytes = 0;
    return { whole, rest: chunk.subarray(part.byteLength) };
  }

  /** In no more than four times what came, or the first capacity: whatever a frame claims that it will be. */
  #keep(part: Uint8Array, wanted: number): void {
    const needed = this.#heldBytes + part.byteLength;
    if (needed > this.#held.byteLength) {
      // All of it that is ever read has been written before: memory that is not cleared first takes half the time.
      const grown = Buffer.allocUnsafeSlow(Math.min(wanted, Math.max(FIRST_CAPACITY_BYTES, 4 * needed)));
      grown.set(this.#held.subarray(0, this.#heldBytes));
      this.#held = grown;
    }
    this.#held.set(part, this.#heldBytes);
    this.#heldBytes = needed;
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
