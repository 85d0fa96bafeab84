/** Runs on the other side of the boundary: the text of Rich Text Format 1.9.1, without its looks. */
import type { MarkdownWriter } from './markdown-writer.sandboxed.ts';
import { type Reading, Unreadable } from './reading.sandboxed.ts';

/** Groups that hold no text of the document. */
const SKIPPED = new Set(
  'fonttbl colortbl stylesheet info pict object header headerl headerr headerf footer footerl footerr footerf listtable listoverridetable rsidtbl generator xmlnstbl themedata colorschememapping datastore latentstyles fldinst'.split(
    ' ',
  ),
);
const SYMBOLS: ReadonlyMap<string, string> = new Map([
  ['emdash', '—'],
  ['endash', '–'],
  ['lquote', '‘'],
  ['rquote', '’'],
  ['ldblquote', '“'],
  ['rdblquote', '”'],
  ['bullet', '•'],
  ['tab', ' '],
  ['~', ' '],
  ['_', '-'],
]);
/** Those whose name is not `windows-` and their number. */
const CODE_PAGES: ReadonlyMap<number, string> = new Map([
  [932, 'shift_jis'],
  [936, 'gbk'],
  [949, 'euc-kr'],
  [950, 'big5'],
  [10_000, 'macintosh'],
  [65_001, 'utf-8'],
]);
/** A control word, an escaped byte, a control symbol, a brace, or a run of text. */
const TOKEN = /\\([a-z]{1,32})(-?\d{1,10})?[ ]?|\\'([0-9a-f]{2})|\\([^a-z])|([{}])|([^\\{}\r\n]+)|[\r\n\\]+/gi;
const MAX_DEPTH = 10_000;

interface Group {
  skipped: boolean;
  /** Characters that stand in for one of Unicode, for older programs. */
  fallback: number;
}

/** Throws `Unreadable` for what is no RTF. */
export function readRtf(reading: Reading, content: Uint8Array): void {
  const source = Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('latin1');
  if (!source.startsWith('{\\rtf')) throw new Unreadable('it is no RTF');
  new RtfReader(reading).read(source);
}

class RtfReader {
  readonly #writer: MarkdownWriter;
  #decoder = new TextDecoder('windows-1252');
  #bytes: number[] = [];
  #groups: Group[] = [{ skipped: false, fallback: 1 }];
  #tooDeep = 0;
  #toSkip = 0;

  constructor(reading: Reading) {
    this.#writer = reading.begin();
  }

  read(source: string): void {
    const token = new RegExp(TOKEN);
    for (let match = token.exec(source); match !== null; match = token.exec(source)) {
      const [, word, number, hex, symbol, brace, text] = match;
      if (hex !== undefined) this.#byte(Number.parseInt(hex, 16));
      else {
        this.#flush();
        // Bytes that are anything but text.
        if (word === 'bin') token.lastIndex += Math.max(0, Number(number ?? 0));
        else if (word !== undefined) this.#word(word.toLowerCase(), number === undefined ? undefined : Number(number));
        else if (symbol !== undefined) this.#symbol(symbol);
        else if (brace !== undefined) this.#brace(brace);
        else if (text !== undefined) this.#text(text);
      }
    }
    this.#flush();
  }

  get #group(): Group {
    return this.#groups.at(-1) ?? { skipped: true, fallback: 1 };
  }

  #brace(brace: string): void {
    if (brace === '{') {
      if (this.#groups.length < MAX_DEPTH) this.#groups.push({ ...this.#group });
      else this.#tooDeep += 1;
    } else if (this.#tooDeep > 0) this.#tooDeep -= 1;
    else if (this.#groups.length > 1) this.#groups.pop();
    this.#toSkip = 0;
  }

  #byte(byte: number): void {
    if (this.#toSkip > 0) this.#toSkip -= 1;
    else if (!this.#group.skipped) this.#bytes.push(byte);
  }

  /** Bytes stand together for characters, in the code page of the file. */
  #flush(): void {
    if (this.#bytes.length === 0) return;
    this.#write(this.#decoder.decode(Uint8Array.from(this.#bytes)));
    this.#bytes = [];
  }

  #symbol(symbol: string): void {
    if (symbol === '*') this.#group.skipped = true;
    else if (symbol === '\n' || symbol === '\r') this.#paragraph();
    else if (symbol !== '-') this.#text(SYMBOLS.get(symbol) ?? symbol);
  }

  #text(text: string): void {
    const skipped = Math.min(this.#toSkip, text.length);
    this.#toSkip -= skipped;
    this.#write(text.slice(skipped));
  }

  #write(text: string): void {
    if (!this.#group.skipped) this.#writer.text(text);
  }

  #paragraph(): void {
    if (!this.#group.skipped) this.#writer.paragraph();
  }

  #word(word: string, number: number | undefined): void {
    if (SKIPPED.has(word)) this.#group.skipped = true;
    else if (word === 'u' && number !== undefined) this.#unicode(number);
    else if (word === 'uc') this.#group.fallback = Math.max(0, number ?? 1);
    else if (word === 'ansicpg') this.#decoder = decoderOf(number ?? 1252);
    else if (word === 'line') this.#writer.lineBreak();
    else if (/^(?:par|sect|page)$/.test(word)) this.#paragraph();
    else if (word === 'cell' || word === 'row') this.#table(word);
    else this.#text(SYMBOLS.get(word) ?? '');
  }

  #unicode(number: number): void {
    // Above 32,767 it is written as a negative number.
    if (!this.#group.skipped) this.#writer.text(String.fromCharCode(number & 0xffff));
    this.#toSkip = this.#group.fallback;
  }

  /** RTF says where cells and rows end, not where they begin: a row becomes a line. */
  #table(word: string): void {
    if (this.#group.skipped) return;
    if (word === 'row') this.#paragraph();
    else this.#writer.text(' | ');
  }
}

function decoderOf(codePage: number): TextDecoder {
  try {
    return new TextDecoder(CODE_PAGES.get(codePage) ?? `windows-${codePage}`);
  } catch {
    return new TextDecoder('windows-1252');
  }
}
