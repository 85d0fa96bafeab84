/** Why a file is not a component that this host can look into. */
export class BinaryError extends Error {
  override readonly name = 'BinaryError';
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** What real toolchains put into names: no quote, backslash, brace or line end, which the transpiler would not escape. */
const SAFE_NAME = /^[\w .:/@|#$[\]<>()=,+-]{0,256}$/;

/** Reads the parts that every WebAssembly file is made of. Throws BinaryError where there is no such part. */
export class Cursor {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.byteLength;
  }

  byte(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) throw new BinaryError('it ends early');
    this.#at += 1;
    return value;
  }

  /** An unsigned LEB128 of at most 32 bits. */
  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if ((byte & 0x80) === 0) {
        if (value > 0xffff_ffff) break;
        return value;
      }
    }
    throw new BinaryError('a number is longer than 32 bits');
  }

  /** An unsigned LEB128 of at most 64 bits; above 2^53 it is no longer exact. */
  u64(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if ((byte & 0x80) === 0) return value;
    }
    throw new BinaryError('a number is longer than 64 bits');
  }

  part(length: number): Cursor {
    if (this.#at + length > this.#bytes.byteLength) throw new BinaryError('a section is longer than the file');
    const part = new Cursor(this.#bytes.subarray(this.#at, this.#at + length));
    this.#at += length;
    return part;
  }

  rest(): Uint8Array {
    return this.#bytes.subarray(this.#at);
  }

  text(): string {
    const part = this.part(this.u32());
    try {
      return utf8.decode(part.rest());
    } catch {
      throw new BinaryError('a name is not UTF-8');
    }
  }

  /**
   * A name that reaches the code that the transpiler generates. jco 1.35.0 writes names of core modules between quotes as
   * they are, so that a name with a quote in it is code.
   */
  safeName(): string {
    const name = this.text();
    if (!SAFE_NAME.test(name))
      throw new BinaryError(`the name ${JSON.stringify(name.slice(0, 60))} in it holds characters that no toolchain uses`);
    return name;
  }

  /** An integer of at most 64 bits, whatever it is. */
  skipInteger(): void {
    for (let count = 0; count < 10; count += 1) if ((this.byte() & 0x80) === 0) return;
    throw new BinaryError('a number is longer than 64 bits');
  }

  skipExternDescription(): void {
    const kind = this.byte();
    if (kind === 0x00) this.byte();
    if (kind === 0x02 || kind === 0x03) {
      if (this.byte() === 0x00 || kind === 0x02) this.u32();
      return;
    }
    this.u32();
  }

  skipExportedSort(): void {
    if (this.byte() === 0x00) this.byte();
    this.u32();
    if (this.byte() === 0x01) this.skipExternDescription();
  }
}
