/** One link of a `Link` header. */
export interface Link {
  /** As written: absolute or relative to the response's URL. */
  target: string;
  /** Relation types, lower-case. */
  relations: string[];
}

const SPACE = /\s*/y;
const NAME = /[^\s;,="<]+/y;
const VALUE = /[^\s;,"]*/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;

/**
 * The links of a `Link` header's value (RFC 8288, section 3). What is malformed is passed over. Reads each character
 * once, whatever the header holds.
 */
export function parseLinks(header: string): Link[] {
  const links: Link[] = [];
  const cursor = new Cursor(header);
  while (!cursor.atEnd) {
    cursor.take(SPACE);
    const target = cursor.skip('<') ? cursor.until('>') : undefined;
    if (target === undefined) {
      if (cursor.until(',') === undefined) break;
      continue;
    }
    links.push({ target: target.trim(), relations: readRelations(cursor) });
    if (cursor.until(',') === undefined) break;
  }
  return links;
}

/** Reads a link's parameters; the first `rel` counts. */
function readRelations(cursor: Cursor): string[] {
  let relations: string[] | undefined;
  for (;;) {
    cursor.take(SPACE);
    if (!cursor.skip(';')) return relations ?? [];
    cursor.take(SPACE);
    const name = cursor.take(NAME)?.[0]?.toLowerCase();
    cursor.take(SPACE);
    let value = '';
    if (cursor.skip('=')) {
      cursor.take(SPACE);
      value = cursor.take(QUOTED)?.[1] ?? cursor.take(VALUE)?.[0] ?? '';
    }
    if (name === 'rel')
      relations ??= value
        .toLowerCase()
        .split(/\s+/)
        .filter((relation) => relation !== '');
  }
}

/** A place in a text that only moves forward. */
class Cursor {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  /** Moves over one character, if it is the next one. */
  skip(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  /** Moves over what a sticky pattern matches here. */
  take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.#at = pattern.lastIndex;
    return match;
  }

  /** The text before the next such character, and moves over both; undefined, and to the end, when there is none. */
  until(character: string): string | undefined {
    const end = this.#text.indexOf(character, this.#at);
    const text = end < 0 ? undefined : this.#text.slice(this.#at, end);
    this.#at = end < 0 ? this.#text.length : end + 1;
    return text;
  }
}
