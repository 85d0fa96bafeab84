/** Runs on the other side of the boundary: what is read of one file, and how much of it may be. */
import { MarkdownWriter } from './markdown-writer.sandboxed.ts';

/** The file cannot be read. `message` says why in a few words, for the operator. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable';
}

/** There is no room or no time for more of the file; what was read until then is kept. */
export class Enough extends Error {
  override readonly name = 'Enough';
}

export interface ReadingBounds {
  /** Of all text that is kept of the file. */
  maxCharacters: number;
  /** Of all that archives in the file unpack to. */
  maxUnpackedBytes: number;
  /** From now on. */
  maxMs: number;
}

/** A piece of a file that people find by a name: a page, a slide, a sheet. */
export interface ReadPart {
  /** `Page 3`. Empty for a file that has no such pieces. */
  label: string;
  /** Markdown. */
  text: string;
}

const MAX_NOTES = 20;
/** How often the clock is looked at, in calls of `take`. */
const TAKES_PER_LOOK = 256;

/** Collects the parts of one file and keeps the bounds. */
export class Reading {
  readonly #writers: { label: string; writer: MarkdownWriter }[] = [];
  readonly #notes = new Set<string>();
  readonly #within: string[] = [];
  readonly #endMs: number;
  #charactersLeft: number;
  #unpackedLeft: number;
  #takes = 0;

  constructor({ maxCharacters, maxUnpackedBytes, maxMs }: ReadingBounds) {
    this.#charactersLeft = maxCharacters;
    this.#unpackedLeft = maxUnpackedBytes;
    this.#endMs = performance.now() + maxMs;
  }

  /** A writer for the next part. */
  begin(label = ''): MarkdownWriter {
    const writer = new MarkdownWriter((characters) => this.take(characters));
    // A part costs something even without text.
    this.take(label.length + 1);
    this.#writers.push({ label: [...this.#within, label].filter((name) => name !== '').join(', '), writer });
    return writer;
  }

  /** Parts that `read` begins are named as parts of this one. */
  async within(label: string, read: () => Promise<void>): Promise<void> {
    this.#within.push(label);
    try {
      await read();
    } finally {
      this.#within.pop();
    }
  }

  /** Something of the file that is left out, as a sentence without its full stop. */
  note(text: string): void {
    if (this.#notes.size < MAX_NOTES) this.#notes.add(text);
  }

  /** Throws `Enough` when there is no room for so many more characters, or no time. */
  take(characters: number): void {
    this.#charactersLeft -= characters;
    if (this.#charactersLeft < 0) throw new Enough('it holds more text than is read of one file');
    if (this.#takes % TAKES_PER_LOOK === 0) this.checkTime();
    this.#takes += 1;
  }

  /** Throws `Enough` when the time is up. */
  checkTime(): void {
    if (performance.now() > this.#endMs) throw new Enough('reading it takes longer than is allowed for one file');
  }

  /** Throws `Unreadable` when archives in the file unpack to more than is allowed, whatever sizes they state. */
  unpack(bytes: number): void {
    this.#unpackedLeft -= bytes;
    if (this.#unpackedLeft < 0) throw new Unreadable('it unpacks to more than is allowed for one file');
  }

  /** All that was written, parts without text left out. */
  finish(): { parts: ReadPart[]; notes: string[] } {
    const parts = this.#writers.map(({ label, writer }) => ({ label, text: writer.finish() })).filter(({ text }) => text !== '');
    return { parts, notes: [...this.#notes] };
  }
}
