/** Runs on the other side of the boundary: PresentationML (ECMA-376 part 1, section 19) becomes a part for each slide. */
import type { MarkdownWriter } from './markdown-writer.sandboxed.ts';
import { relationsOf } from './office-relations.sandboxed.ts';
import type { Reading } from './reading.sandboxed.ts';
import { type Attributes, scanTags } from './tags.sandboxed.ts';
import type { Zip } from './zip.sandboxed.ts';

const PRESENTATION = 'ppt/presentation.xml';
/** Placeholders that are the same on every slide. */
const FURNITURE = new Set(['sldNum', 'dt', 'ftr', 'hdr', 'sldImg']);

/** Each slide with its title as a heading, then its notes. Throws `Unreadable`. */
export async function readPptx(reading: Reading, zip: Zip): Promise<void> {
  const relations = await relationsOf(zip, PRESENTATION);
  const ids: string[] = [];
  scanTags((await zip.text(PRESENTATION)) ?? '', 'xml', {
    open(tag, attributes) {
      // Beside an id of its own it has that of a relation.
      if (tag === 'sldId') ids.push(...[...attributes.values()].filter((value) => relations.has(value)));
    },
    close() {},
    text() {},
  });
  let number = 0;
  for (const id of ids) {
    const slide = relations.get(id)?.target ?? '';
    const xml = await zip.text(slide);
    if (xml === undefined) continue;
    number += 1;
    const writer = reading.begin(`Slide ${number}`);
    scanTags(xml, 'xml', new Shapes(writer));
    const notes = [...(await relationsOf(zip, slide)).values()].find(({ type }) => type === 'notesSlide');
    const notesXml = notes === undefined ? undefined : await zip.text(notes.target);
    writer.paragraph();
    if (notesXml !== undefined) scanTags(notesXml, 'xml', new Shapes(writer));
  }
}

class Shapes {
  readonly #writer: MarkdownWriter;
  #inText = false;
  #placeholder = '';
  #fallbacks = 0;

  constructor(writer: MarkdownWriter) {
    this.#writer = writer;
  }

  open(tag: string, attributes: Attributes, closed: boolean): void {
    if (tag === 'Fallback' && !closed) this.#fallbacks += 1;
    if (this.#fallbacks > 0) return;
    const writer = this.#writer;
    switch (tag) {
      case 'sp':
        this.#placeholder = '';
        return;
      case 'ph':
        this.#placeholder = attributes.get('type') ?? 'body';
        return;
      case 'p':
        if (/^(?:title|ctrTitle)$/.test(this.#placeholder)) writer.heading(1);
        else writer.paragraph();
        return;
      case 't':
        this.#inText = !closed && !FURNITURE.has(this.#placeholder);
        return;
      case 'br':
        writer.lineBreak();
        return;
      case 'tbl':
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
    if (tag === 't') this.#inText = false;
    if (this.#fallbacks > 0) return;
    if (tag === 'p') this.#writer.paragraph();
    if (tag === 'sp') this.#placeholder = '';
    if (tag === 'tbl') this.#writer.endTable();
  }

  text(text: string): void {
    if (this.#inText && this.#fallbacks === 0) this.#writer.text(text);
  }
}
