/** Runs on the other side of the boundary: looks into ZIP files without believing what they say of themselves. */
import { type Entry, fromBufferPromise, type ZipFile } from 'yauzl';
import { type Reading, Unreadable } from './reading.sandboxed.ts';

const MAX_ENTRIES = 20_000;
const MiB = 1024 * 1024;
/** Of one unpacked file: it is held as bytes and as text at once. */
const MAX_ENTRY_BYTES = 64 * MiB;

/** The files of an archive, by name. Nothing is unpacked before it is asked for, and nothing is ever written. */
export class Zip {
  readonly #reading: Reading;
  readonly #file: ZipFile;
  readonly #entries: ReadonlyMap<string, Entry>;

  private constructor(reading: Reading, file: ZipFile, entries: ReadonlyMap<string, Entry>) {
    this.#reading = reading;
    this.#file = file;
    this.#entries = entries;
  }

  /** Throws `Unreadable` for what is no archive, names paths outside of itself, or has too many files. */
  static async open(reading: Reading, content: Uint8Array): Promise<Zip> {
    try {
      const file = await fromBufferPromise(Buffer.from(content.buffer, content.byteOffset, content.byteLength), { autoClose: false });
      const entries = new Map<string, Entry>();
      for await (const entry of file.eachEntry()) {
        if (entries.size === MAX_ENTRIES) throw new Unreadable(`its archive holds more than ${MAX_ENTRIES} files`);
        // The first of several with one name: as office programs read it.
        if (!entries.has(entry.fileName)) entries.set(entry.fileName, entry);
      }
      return new Zip(reading, file, entries);
    } catch (error) {
      throw toUnreadable(error);
    }
  }

  has(name: string): boolean {
    return this.#entries.has(name);
  }

  /** Names in the order of the archive. */
  names(): string[] {
    return [...this.#entries.keys()];
  }

  /** The text of a file, UTF-8 or UTF-16; undefined when there is none of this name. Throws `Unreadable`. */
  async text(name: string): Promise<string | undefined> {
    const entry = this.#entries.get(name);
    if (entry === undefined) return undefined;
    const bytes = await this.#unpack(entry);
    const encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : 'utf-8';
    return new TextDecoder(encoding).decode(bytes);
  }

  async #unpack(entry: Entry): Promise<Uint8Array> {
    if (entry.isEncrypted()) throw new Unreadable('it needs a password');
    try {
      const stream = await this.#file.openReadStreamPromise(entry);
      const chunks: Uint8Array[] = [];
      let size = 0;
      for await (const chunk of stream as AsyncIterable<Uint8Array>) {
        this.#reading.unpack(chunk.byteLength);
        this.#reading.checkTime();
        size += chunk.byteLength;
        // By what really comes out of it, not by the size that it states.
        if (size > MAX_ENTRY_BYTES) throw new Unreadable(`a file in it unpacks to more than ${MAX_ENTRY_BYTES / MiB} MiB`);
        chunks.push(chunk);
      }
      return Buffer.concat(chunks, size);
    } catch (error) {
      throw toUnreadable(error);
    }
  }
}

/** Our own errors as they are; what the library says of a broken archive in words of ours. */
function toUnreadable(error: unknown): unknown {
  if (!(error instanceof Error) || error.constructor !== Error) {
    const isZlib = error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
    return isZlib ? new Unreadable('its archive is damaged: what is packed cannot be unpacked') : error;
  }
  if (/relative path|absolute path|invalid characters in fileName/.test(error.message))
    return new Unreadable('its archive names a path outside of itself');
  if (/bytes in the stream|expected \d+ bytes|compressed\/uncompressed size/i.test(error.message))
    return new Unreadable('its archive is damaged: a file in it is not of the size that it states');
  if (/signature not found/.test(error.message)) return new Unreadable('it is no archive, or only a part of one');
  return new Unreadable('its archive is damaged');
}
