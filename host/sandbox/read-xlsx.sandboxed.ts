/** Runs on the other side of the boundary: SpreadsheetML (ECMA-376 part 1, section 18) becomes a part for each sheet, a table. */
import { dateFormats, toDateText } from './office-dates.sandboxed.ts';
import { relationsOf } from './office-relations.sandboxed.ts';
import { type Reading } from './reading.sandboxed.ts';
import { type Attributes, scanTags } from './tags.sandboxed.ts';
import type { MarkdownWriter } from './markdown-writer.sandboxed.ts';
import type { Zip } from './zip.sandboxed.ts';

const WORKBOOK = 'xl/workbook.xml';
/** Columns to the right of this are left out: they are mostly empty and made by accident. */
const MAX_COLUMN = 256;

interface Book {
  strings: readonly string[];
  /** Whether each cell style shows a date. */
  dateStyles: readonly boolean[];
  since1904: boolean;
}

/** Every sheet that people see, with the values that they see. Throws `Unreadable`. */
export async function readXlsx(reading: Reading, zip: Zip): Promise<void> {
  const relations = await relationsOf(zip, WORKBOOK);
  const sheets: { name: string; file: string }[] = [];
  let since1904 = false;
  scanTags((await zip.text(WORKBOOK)) ?? '', 'xml', {
    open(tag, attributes) {
      if (tag === 'workbookPr') since1904 = /^(?:1|true)$/.test(attributes.get('date1904') ?? '');
      if (tag !== 'sheet' || (attributes.get('state') ?? 'visible') !== 'visible') return;
      const file = [...attributes.values()].map((value) => relations.get(value)?.target).find((target) => target !== undefined);
      if (file !== undefined) sheets.push({ name: attributes.get('name') ?? '', file });
    },
    close() {},
    text() {},
  });
  const book: Book = {
    strings: sharedStrings(reading, (await zip.text('xl/sharedStrings.xml')) ?? ''),
    dateStyles: dateFormats((await zip.text('xl/styles.xml')) ?? ''),
    since1904,
  };
  for (const { name, file } of sheets) {
    const xml = await zip.text(file);
    if (xml !== undefined) scanTags(xml, 'xml', new Sheet(reading.begin(name), book));
  }
}

/** Texts that cells refer to by number. */
function sharedStrings(reading: Reading, xml: string): string[] {
  const strings: string[] = [];
  let inText = false;
  let phonetic = false;
  scanTags(xml, 'xml', {
    open(tag, _, closed) {
      if (tag === 'si') strings.push('');
      if (tag === 't') inText = !closed;
      if (tag === 'rPh') phonetic = !closed;
    },
    close(tag) {
      if (tag === 't') inText = false;
      if (tag === 'rPh') phonetic = false;
      if (tag === 'si' && strings.length % 1_000 === 0) reading.checkTime();
    },
    text(text) {
      if (inText && !phonetic && strings.length > 0) strings[strings.length - 1] += text;
    },
  });
  return strings;
}

class Sheet {
  readonly #writer: MarkdownWriter;
  readonly #book: Book;
  #type = '';
  #style = 0;
  #value = '';
  #inValue = false;
  /** Cells of the row that are written. */
  #column = 0;
  #wanted = 0;

  constructor(writer: MarkdownWriter, book: Book) {
    this.#writer = writer;
    this.#book = book;
  }

  open(tag: string, attributes: Attributes, closed: boolean): void {
    switch (tag) {
      case 'sheetData':
        this.#writer.beginTable();
        return;
      case 'row':
        this.#writer.row();
        this.#column = 0;
        return;
      case 'c':
        this.#type = attributes.get('t') ?? 'n';
        this.#style = Number(attributes.get('s') ?? 0);
        this.#wanted = columnOf(attributes.get('r')) ?? this.#column;
        this.#value = '';
        return;
      case 'v':
      case 't':
        this.#inValue = !closed;
        return;
      default:
    }
  }

  close(tag: string): void {
    if (tag === 'v' || tag === 't') this.#inValue = false;
    if (tag === 'c') this.#writeCell();
    if (tag === 'sheetData') this.#writer.endTable();
  }

  text(text: string): void {
    if (this.#inValue) this.#value += text;
  }

  #writeCell(): void {
    const text = this.#toText();
    if (text === '' || this.#wanted >= MAX_COLUMN) return;
    for (; this.#column <= this.#wanted; this.#column += 1) this.#writer.cell();
    this.#writer.text(text);
  }

  #toText(): string {
    const value = this.#value;
    switch (this.#type) {
      case 's':
        return this.#book.strings[Number(value)] ?? '';
      case 'b':
        return value === '1' ? 'TRUE' : 'FALSE';
      case 'n':
        return this.#book.dateStyles[this.#style] === true ? toDateText(value, this.#book.since1904) : value;
      default:
        return value;
    }
  }
}

/** 0 for `A7`, 27 for `AB7`. */
function columnOf(reference: string | undefined): number | undefined {
  const [, letters] = /^([A-Z]{1,3})\d/.exec(reference ?? '') ?? [];
  if (letters === undefined) return undefined;
  return [...letters].reduce((column, letter) => column * 26 + letter.charCodeAt(0) - 64, 0) - 1;
}
