/**
 * Runs on the other side of the boundary: `wasi:io` over bytes that are already here.
 *
 * An error of a WIT `result` is thrown as an object with `payload`, as jco's bindings expect.
 */

import { Handle } from './handle.sandboxed.ts';

/** Bytes that one write may hold, and one read may return. */
const CHUNK_BYTES = 64 * 1024;

/** `wasi:io/error.error`. */
export class IoError extends Handle {
  readonly #text: string;
  constructor(text: string) {
    super();
    this.#text = text;
  }
  toDebugString(): string {
    return this.#text;
  }
}

/** `wasi:io/poll.pollable`: ready once its promise has settled. */
export class Pollable extends Handle {
  #ready = false;
  readonly #settled: Promise<void>;
  constructor(until?: Promise<unknown>) {
    super();
    if (until === undefined) this.#ready = true;
    const settle = (): void => {
      this.#ready = true;
    };
    this.#settled = until === undefined ? Promise.resolve() : until.then(settle, settle);
  }
  ready(): boolean {
    return this.#ready;
  }
  async block(): Promise<void> {
    await this.#settled;
  }
}

/** `wasi:io/poll.poll`: the indexes of those that are ready, once one is. */
export async function poll(pollables: readonly Pollable[]): Promise<Uint32Array> {
  if (pollables.length === 0) throw new TypeError('poll of an empty list');
  if (!pollables.some((pollable) => pollable.ready())) await Promise.race(pollables.map((pollable) => pollable.block()));
  return new Uint32Array(pollables.flatMap((pollable, index) => (pollable.ready() ? [index] : [])));
}

function closed(): { payload: unknown } {
  return { payload: { tag: 'closed' } };
}

/** `wasi:io/streams.input-stream` over bytes that are all here. */
export class InputStream extends Handle {
  #rest: Uint8Array;
  constructor(bytes: Uint8Array) {
    super();
    this.#rest = bytes;
  }
  read(length: bigint): Uint8Array {
    if (this.#rest.byteLength === 0) throw closed();
    const count = Number(length > BigInt(CHUNK_BYTES) ? CHUNK_BYTES : length);
    const part = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(count);
    return part;
  }
  blockingRead(length: bigint): Uint8Array {
    return this.read(length);
  }
  skip(length: bigint): bigint {
    return BigInt(this.read(length).byteLength);
  }
  blockingSkip(length: bigint): bigint {
    return this.skip(length);
  }
  subscribe(): Pollable {
    return new Pollable();
  }
}

/** `wasi:io/streams.output-stream` that keeps what is written, up to `maxBytes`. */
export class OutputStream extends Handle {
  readonly #maxBytes: number;
  readonly #chunks: Uint8Array[] = [];
  #size = 0;
  constructor(maxBytes: number) {
    super();
    this.#maxBytes = maxBytes;
  }
  /** All that was written. */
  bytes(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#chunks));
  }
  get size(): number {
    return this.#size;
  }
  checkWrite(): bigint {
    return BigInt(Math.min(CHUNK_BYTES, this.#maxBytes - this.#size));
  }
  write(contents: Uint8Array): void {
    if (this.#size + contents.byteLength > this.#maxBytes) {
      throw { payload: { tag: 'last-operation-failed', val: new IoError(`more than ${this.#maxBytes} bytes written`) } };
    }
    this.#chunks.push(contents.slice());
    this.#size += contents.byteLength;
  }
  blockingWriteAndFlush(contents: Uint8Array): void {
    this.write(contents);
  }
  flush(): void {}
  blockingFlush(): void {}
  subscribe(): Pollable {
    return new Pollable();
  }
  writeZeroes(length: bigint): void {
    if (length > this.checkWrite()) throw closed();
    this.write(new Uint8Array(Number(length)));
  }
  blockingWriteZeroesAndFlush(length: bigint): void {
    this.writeZeroes(length);
  }
  splice(from: InputStream, length: bigint): bigint {
    const part = from.read(length);
    this.write(part);
    return BigInt(part.byteLength);
  }
  blockingSplice(from: InputStream, length: bigint): bigint {
    return this.splice(from, length);
  }
}
