/** Runs on the other side of the boundary: HTML becomes Markdown. */
import type { MarkdownWriter } from './markdown-writer.sandboxed.ts';
import type { Reading } from './reading.sandboxed.ts';
import { type Attributes, scanTags } from './tags.sandboxed.ts';

/** What is no text for people. */
const SKIPPED = new Set([
  'script',
  'style',
  'noscript',
  'template',
  'svg',
  'math',
  'head',
  'iframe',
  'object',
  'select',
  'textarea',
  'nav',
]);
const BLOCKS = new Set(
  'address article aside body center dd details dialog div dl dt fieldset figcaption figure footer form header hr html legend main p section summary'.split(
    ' ',
  ),
);
const MAX_LINK_CHARACTERS = 300;

/** The text of a page, or of a mail. Never fails: whatever it is, it has some text or none. */
export function readHtml(reading: Reading, html: string, label = ''): void {
  const page = new Page(reading.begin(label));
  scanTags(html, 'html', page);
}

/** Bytes as text: by the byte order mark, the given charset, the page's own word, or as UTF-8. */
export function decodeHtml(content: Uint8Array, charset: string | undefined): string {
  const [, declared] = /<meta[^>]{0,200}charset\s{0,5}=\s{0,5}["']?\s{0,5}([\w-]{1,40})/i.exec(latin1(content.subarray(0, 2_048))) ?? [];
  return decode(content, charset ?? declared);
}

/** Bytes as text, with a replacement character for whatever is none. */
export function decode(content: Uint8Array, charset: string | undefined): string {
  const [first, second] = content;
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(content);
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(content);
  return decoderOf(charset).decode(content);
}

function decoderOf(charset: string | undefined): TextDecoder {
  try {
    return new TextDecoder(charset ?? 'utf-8');
  } catch {
    return new TextDecoder();
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** What is open is counted and not stacked, so that tags without an end, or ends without a tag, do little harm. */
class Page {
  readonly #writer: MarkdownWriter;
  /** The element that is skipped and how deep we are in elements of its name. */
  #skipped: { name: string; depth: number } | undefined;
  readonly #lists: { ordered: boolean; count: number }[] = [];
  #quotes = 0;
  #tables = 0;
  #links: string[] = [];

  constructor(writer: MarkdownWriter) {
    this.#writer = writer;
  }

  open(name: string, attributes: Attributes): void {
    // A page may leave out `</head>`; nothing of the body may be lost for it.
    if (this.#skipped?.name === 'head' && (BLOCKS.has(name) || /^(?:h[1-6]|table|[uo]l|pre)$/.test(name))) this.#skipped = undefined;
    if (this.#skipped !== undefined) {
      if (this.#skipped.name === name) this.#skipped.depth += 1;
      return;
    }
    if (SKIPPED.has(name)) {
      this.#skipped = { name, depth: 1 };
      return;
    }
    if (BLOCKS.has(name)) this.#block();
    else this.#openInline(name, attributes);
  }

  #openInline(name: string, attributes: Attributes): void {
    const writer = this.#writer;
    switch (name) {
      case 'h1':
      case 'h2':
      case 'h3':
      case 'h4':
      case 'h5':
      case 'h6':
        writer.heading(Number(name.slice(1)));
        return;
      case 'br':
        writer.lineBreak();
        return;
      case 'ul':
      case 'ol':
        writer.paragraph();
        if (this.#lists.length < 1_000) this.#lists.push({ ordered: name === 'ol', count: 0 });
        return;
      case 'li':
        this.#item();
        return;
      case 'blockquote':
        this.#quotes += 1;
        this.#block();
        return;
      case 'pre':
        writer.preformatted();
        return;
      case 'table':
        this.#tables += 1;
        writer.beginTable();
        return;
      case 'tr':
        writer.row();
        return;
      case 'td':
      case 'th':
        writer.cell();
        return;
      case 'img':
        this.#image(attributes);
        return;
      case 'a':
        this.#openLink(attributes.get('href') ?? '');
        return;
      default:
    }
  }

  close(name: string): void {
    if (this.#skipped !== undefined) {
      if (this.#skipped.name === name) this.#skipped.depth -= 1;
      if (this.#skipped.depth === 0) this.#skipped = undefined;
      return;
    }
    if (BLOCKS.has(name) || /^h[1-6]$/.test(name) || name === 'li' || name === 'pre') {
      this.#block();
      return;
    }
    switch (name) {
      case 'ul':
      case 'ol':
        this.#lists.pop();
        this.#block();
        return;
      case 'blockquote':
        this.#quotes = Math.max(0, this.#quotes - 1);
        this.#block();
        return;
      case 'table':
        this.#tables = Math.max(0, this.#tables - 1);
        if (this.#tables === 0) this.#writer.endTable();
        return;
      case 'a':
        this.#closeLink();
        return;
      default:
    }
  }

  text(text: string): void {
    if (this.#skipped === undefined) this.#writer.text(text);
  }

  #block(): void {
    if (this.#quotes > 0) this.#writer.quote();
    else this.#writer.paragraph();
  }

  #item(): void {
    const list = this.#lists.at(-1);
    if (list !== undefined) list.count += 1;
    this.#writer.item(this.#lists.length - 1, list?.ordered === true ? `${list.count}.` : '-');
  }

  #image(attributes: Attributes): void {
    const alt = attributes.get('alt')?.trim() ?? '';
    if (alt !== '') this.#writer.text(alt);
  }

  /** Only what leads somewhere by itself is kept as a link. */
  #openLink(href: string): void {
    const kept = /^https?:\/\/[^\s()<>]+$/i.test(href) && href.length <= MAX_LINK_CHARACTERS && !this.#writer.inTable ? href : '';
    if (this.#links.length >= 100) return;
    this.#links.push(kept);
    if (kept !== '') this.#writer.text('[');
  }

  #closeLink(): void {
    const href = this.#links.pop();
    if (href !== undefined && href !== '') this.#writer.text(`](${href})`);
  }
}
