/**
 * Runs on the other side of the boundary: HTML and XML as a stream of tags and text, in linear time whatever they nest.
 *
 * On the tokeniser and not on a parser: parsers keep a stack of what is open, which a million open tags make quadratic.
 * Entities that a document defines itself are not expanded, so that none can grow ("billion laughs").
 */
import { Tokenizer } from 'htmlparser2';

export type Attributes = ReadonlyMap<string, string>;

export interface TagHandler {
  /** Names without prefix (`p` for `w:p`) and in lower case in HTML. `closed`: `<br/>`. */
  open(name: string, attributes: Attributes, closed: boolean): void;
  close(name: string): void;
  text(text: string): void;
}

const MAX_NAME_CHARACTERS = 100;
const MAX_ATTRIBUTES = 64;
const MAX_ATTRIBUTE_CHARACTERS = 4_096;
const NO_ATTRIBUTES: Attributes = new Map();

/** Calls the handler for all of a text, in order. */
export function scanTags(source: string, kind: 'html' | 'xml', handler: TagHandler): void {
  const scanner = new Scanner(source, kind === 'html', handler);
  const tokenizer = new Tokenizer({ xmlMode: kind === 'xml', decodeEntities: true }, scanner);
  tokenizer.write(source);
  tokenizer.end();
}

/** What the tokeniser calls; positions are those in the source. */
class Scanner {
  readonly #source: string;
  readonly #lower: boolean;
  readonly #handler: TagHandler;
  #tag = '';
  #attributes: Map<string, string> | undefined;
  #name = '';
  #fullName = '';
  #value = '';

  constructor(source: string, lower: boolean, handler: TagHandler) {
    this.#source = source;
    this.#lower = lower;
    this.#handler = handler;
  }

  onopentagname(start: number, end: number): void {
    this.#tag = this.#toName(start, end);
    this.#attributes = undefined;
  }

  onattribname(start: number, end: number): void {
    this.#fullName = this.#source.slice(start, Math.min(end, start + MAX_NAME_CHARACTERS));
    this.#name = this.#toName(start, end);
    this.#value = '';
  }

  onattribdata(start: number, end: number): void {
    this.#value += this.#source.slice(start, Math.min(end, start + MAX_ATTRIBUTE_CHARACTERS - this.#value.length));
  }

  onattribentity(codepoint: number): void {
    if (this.#value.length < MAX_ATTRIBUTE_CHARACTERS) this.#value += String.fromCodePoint(codepoint);
  }

  onattribend(): void {
    this.#attributes ??= new Map();
    if (this.#attributes.size === MAX_ATTRIBUTES) return;
    // The first of several with one name is the one that counts (HTML, section 13.2.5.33); `r:id` beside `id` keeps its prefix.
    const name = this.#attributes.has(this.#name) ? this.#fullName : this.#name;
    if (!this.#attributes.has(name)) this.#attributes.set(name, this.#value);
  }

  onopentagend(): void {
    this.#handler.open(this.#tag, this.#attributes ?? NO_ATTRIBUTES, false);
  }

  onselfclosingtag(): void {
    this.#handler.open(this.#tag, this.#attributes ?? NO_ATTRIBUTES, true);
  }

  onclosetag(start: number, end: number): void {
    this.#handler.close(this.#toName(start, end));
  }

  ontext(start: number, end: number): void {
    this.#handler.text(this.#source.slice(start, end));
  }

  ontextentity(codepoint: number): void {
    this.#handler.text(String.fromCodePoint(codepoint));
  }

  oncdata(start: number, end: number, endOffset: number): void {
    this.#handler.text(this.#source.slice(start, end - endOffset));
  }

  oncomment(): void {}
  ondeclaration(): void {}
  onprocessinginstruction(): void {}
  onend(): void {}

  #toName(start: number, end: number): string {
    const name = this.#source.slice(start, Math.min(end, start + MAX_NAME_CHARACTERS));
    const local = name.slice(name.indexOf(':') + 1);
    return this.#lower ? local.toLowerCase() : local;
  }
}
