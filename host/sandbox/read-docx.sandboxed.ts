/** Runs on the other side of the boundary: WordprocessingML (ECMA-376 part 1, section 17) becomes Markdown. */
import type { MarkdownWriter } from './markdown-writer.sandboxed.ts';
import type { Reading } from './reading.sandboxed.ts';
import { type Attributes, scanTags } from './tags.sandboxed.ts';
import type { Zip } from './zip.sandboxed.ts';

/** Beside the text itself, in this order. */
const NOTES: readonly (readonly [file: string, label: string])[] = [
  ['word/footnotes.xml', 'Footnotes'],
  ['word/endnotes.xml', 'Endnotes'],
  ['word/comments.xml', 'Comments'],
];

/** Headings by their style, lists, tables; then footnotes, endnotes and comments. Throws `Unreadable`. */
export async function readDocx(reading: Reading, zip: Zip): Promise<void> {
  const styles = headingStyles((await zip.text('word/styles.xml')) ?? '');
  scanTags((await zip.text('word/document.xml')) ?? '', 'xml', new Body(reading.begin(), styles));
  for (const [file, label] of NOTES) {
    const xml = await zip.text(file);
    if (xml !== undefined) scanTags(xml, 'xml', new Body(reading.begin(label), styles));
  }
}

/** How deep the headings of each style are; 1 is the outermost. */
function headingStyles(xml: string): Map<string, number> {
  const depths = new Map<string, number>();
  let style = '';
  scanTags(xml, 'xml', {
    open(tag, attributes) {
      if (tag === 'style') style = attributes.get('styleId') ?? '';
      const value = attributes.get('val') ?? '';
      if (tag === 'outlineLvl' && /^[0-8]$/.test(value)) depths.set(style, Number(value) + 1);
      // Names of the built-in styles are the same in every language; their ids are not.
      const [, level] = tag === 'name' ? (/^heading ([1-9])$/i.exec(value) ?? []) : [];
      if (level !== undefined) depths.set(style, Number(level));
      if (tag === 'name' && /^title$/i.test(value)) depths.set(style, 1);
    },
    close() {},
    text() {},
  });
  return depths;
}

class Body {
  readonly #writer: MarkdownWriter;
  readonly #styles: ReadonlyMap<string, number>;
  #inText = false;
  #isHeading = false;
  /** Inside of what is shown a second time for older programs. */
  #fallbacks = 0;
  #tables = 0;

  constructor(writer: MarkdownWriter, styles: ReadonlyMap<string, number>) {
    this.#writer = writer;
    this.#styles = styles;
  }

  open(tag: string, attributes: Attributes, closed: boolean): void {
    const writer = this.#writer;
    if (tag === 'Fallback' && !closed) this.#fallbacks += 1;
    if (this.#fallbacks > 0) return;
    switch (tag) {
      case 't':
        this.#inText = !closed;
        return;
      case 'p':
        this.#isHeading = false;
        writer.paragraph();
        return;
      case 'pStyle':
        this.#style(attributes.get('val') ?? '');
        return;
      case 'outlineLvl':
        if (/^[0-8]$/.test(attributes.get('val') ?? '')) this.#heading(Number(attributes.get('val')) + 1);
        return;
      case 'ilvl':
        // Headings have numbers too.
        if (!this.#isHeading) writer.item(Number(/^\d$/.exec(attributes.get('val') ?? '')?.[0] ?? 0));
        return;
      case 'tab':
        // The same name means a tab stop in the properties of a paragraph.
        if (attributes.size === 0) writer.text(' ');
        return;
      case 'br':
      case 'cr':
        writer.lineBreak();
        return;
      case 'noBreakHyphen':
        writer.text('-');
        return;
      case 'tbl':
        if (!closed) this.#tables += 1;
        if (!closed) writer.beginTable();
        return;
      case 'tr':
        writer.row();
        return;
      case 'tc':
        writer.cell();
        return;
      default:
    }
  }

  close(tag: string): void {
    if (tag === 'Fallback') this.#fallbacks = Math.max(0, this.#fallbacks - 1);
    if (this.#fallbacks > 0) return;
    if (tag === 't') this.#inText = false;
    if (tag === 'p') this.#writer.paragraph();
    if (tag === 'tbl') {
      this.#tables = Math.max(0, this.#tables - 1);
      if (this.#tables === 0) this.#writer.endTable();
    }
  }

  text(text: string): void {
    if (this.#inText && this.#fallbacks === 0) this.#writer.text(text);
  }

  #style(id: string): void {
    const depth = this.#styles.get(id);
    if (depth !== undefined) this.#heading(depth);
  }

  #heading(depth: number): void {
    this.#isHeading = true;
    this.#writer.heading(depth);
  }
}
